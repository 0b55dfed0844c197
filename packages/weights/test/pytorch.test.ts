/** PyTorch weights in models of layers: PyTorch's results on each backend, and further training. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { cpu } from "@ostinato/backend-cpu";
import { wasm } from "@ostinato/backend-wasm";
import { checkGradients } from "@ostinato/conformance";
import {
  adam,
  bidirectional,
  compile,
  dense,
  embedding,
  float32,
  gru,
  inferenceGraph,
  input,
  int32,
  layerNormalization,
  lstm,
  type Model,
  model,
  nodesOf,
  predictor,
  reversibleEmbedding,
  rootsOf,
  sequential,
  simpleRnn,
  sparseCategoricalCrossentropy,
  type Tensor,
  type Trained,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { loadPytorch } from "../src/index.ts";
import golden from "./golden/pytorch.json" with { type: "json" };

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const backends = { cpu, wasm };

/** The largest difference between a model's predictions and PyTorch's. */
async function difference(
  trained: Trained,
  x: Tensor,
  expected: Readonly<Record<string, Numbers>>,
  backend: keyof typeof backends,
) {
  await using loaded = await predictor(trained, { backend: await backends[backend]() });
  const outputs = await loaded.predictAll(x);
  expect(Object.keys(outputs)).toEqual(Object.keys(expected));
  return Math.max(
    ...Object.entries(expected).flatMap(([name, { shape, data }]) => {
      const output = outputs[name] as Tensor;
      expect(output.shape).toEqual(shape);
      return data.map((value, i) => Math.abs(value - (output.data[i] as number)));
    }),
  );
}

const tagger = () =>
  sequential([
    embedding({ inputDim: 11, outputDim: 3 }),
    bidirectional(lstm({ units: 2, returnSequences: true })),
    bidirectional(lstm({ units: 2, returnSequences: true })),
    dense({ units: 3 }),
  ]);

const words = reversibleEmbedding({ inputDim: 7, outputDim: 3, useBias: true });

const models: Readonly<Record<string, Model>> = {
  tagger: tagger(),
  "one step": tagger(),
  packed: sequential([
    embedding({ inputDim: 11, outputDim: 3, maskZero: true }),
    bidirectional(lstm({ units: 2, returnSequences: true })),
    bidirectional(lstm({ units: 2, returnSequences: true })),
    dense({ units: 3, useBias: false }),
  ]),
  stack: sequential([
    input({ shape: ["time", 2] }),
    gru({ units: 3, returnSequences: true }),
    gru({ units: 3, returnSequences: true }),
    gru({ units: 3, returnSequences: true }),
  ]),
  plain: sequential([
    input({ shape: ["time", 2] }),
    simpleRnn({ units: 3, activation: "relu", useBias: false }),
    layerNormalization({ epsilon: 1e-5 }),
    dense({ units: 3, activation: "tanh" }),
    dense({ units: 3, useBias: false }),
    dense({ units: 2 }),
  ]),
  tied: sequential([words, lstm({ units: 3, returnSequences: true }), words.reverse]),
  float16: tagger(),
  bfloat16: tagger(),
  float64: tagger(),
};

const cases = golden as unknown as Readonly<
  Record<string, { readonly file: string; readonly x: Numbers; readonly y: Numbers }>
>;
const fileOf = (name: string): Uint8Array => new Uint8Array(Buffer.from(cases[name]?.file ?? "", "base64"));

describe.each(Object.keys(models))("what PyTorch computed: %s", (name) => {
  test.each(["cpu", "wasm"] as const)("%s", async (backend) => {
    const { x, y } = cases[name] as (typeof cases)[string];
    const network = models[name] as Model;
    const ids = network.spec.inputs[0]?.kind === "ids";
    const given = ids ? int32(x.shape, x.data) : float32(x.shape, x.data);
    const trained = loadPytorch(network, fileOf(name));
    expect(await difference(trained, given, { output: y }, backend)).toBeLessThan(2e-6);
  });
});

test.each(["cpu", "wasm"] as const)("it trains on from what PyTorch saved: %s", async (backend) => {
  const trained = loadPytorch(models.tied as Model, fileOf("tied"));
  const x = int32(
    [4, 5],
    Array.from({ length: 20 }, (_, i) => (3 * i) % 7),
  );
  const y = int32(
    [4, 5],
    Array.from({ length: 20 }, (_, i) => (3 * i + 3) % 7),
  );
  const options = { backend: await backends[backend](), optimizer: adam({ learningRate: 0.05 }), seed: 1 };
  const loss = sparseCategoricalCrossentropy({ fromLogits: true });
  const trainer = await compile(trained, { ...options, loss, trainable: (name) => name !== "lstm/W" });
  const { loss: before } = await trainer.evaluate({ x, y });
  await trainer.fit({ x, y }, { epochs: 60 });
  const { loss: after } = await trainer.evaluate({ x, y });
  const { weights } = await trainer.snapshot();
  await trainer.dispose();
  expect(before).toBeGreaterThan(1.5);
  expect(after).toBeLessThan(0.5);
  const kept = Object.keys(weights).filter((name) => isDeepStrictEqual(weights[name], trained.weights[name]));
  expect(kept).toEqual(["lstm/W"]);
});

/** The test data is in a folder next to the project. */
const folder = join(import.meta.dirname, "../../../../shared/data/pytorch-files");
const present = existsSync(folder);
if (!present) console.info(`skipped: what PyTorch computes for its state dicts, since ${folder} is not there`);

describe.skipIf(!present)("state dicts beside the project", () => {
  const vectors = () => input({ shape: ["time", 4] });
  const all = { returnSequences: true, returnState: true } as const;
  const stated: Readonly<Record<string, () => Model>> = {
    gru: () => {
      const x = vectors();
      const [y, h] = gru({ units: 6, ...all })(x);
      return model(x, { y, h });
    },
    rnn_relu: () => {
      const x = vectors();
      const [y, h] = simpleRnn({ units: 5, activation: "relu", ...all })(x);
      return model(x, { y, h });
    },
    lstm_2layer_bi: () => {
      const x = vectors();
      const [y0, ...states0] = bidirectional(lstm({ units: 5, ...all }))(x);
      const [y, ...states1] = bidirectional(lstm({ units: 5, ...all }))(y0);
      const named = [...states0, ...states1].map((state, i) => [`state${i}`, state] as const);
      return model(x, { y, ...Object.fromEntries(named) });
    },
  };

  /** PyTorch's final states are [layers · directions, batch, units], all of h and then all of c; ours are a pair per direction. */
  function finalStates(final: readonly Numbers[]): Numbers[] {
    const [first] = final as readonly [Numbers];
    const [rows, batch, units] = first.shape as readonly [number, number, number];
    const size = batch * units;
    return Array.from({ length: rows }, (_, row) =>
      final.map(({ data }) => ({ shape: [batch, units], data: data.slice(row * size, (row + 1) * size) })),
    ).flat();
  }

  const expectedOf = (name: string) => {
    const { cases: all } = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as {
      readonly cases: Readonly<
        Record<string, { readonly x: Numbers; readonly y: Numbers; readonly final: readonly Numbers[] }>
      >;
    };
    return all[name] as (typeof all)[string];
  };
  const load = (name: string) =>
    loadPytorch((stated[name] as () => Model)(), readFileSync(join(folder, `${name}.safetensors`)));

  describe.each(Object.keys(stated))("%s", (name) => {
    test.each(["cpu", "wasm"] as const)("outputs and final states on %s", async (backend) => {
      const { x, y, final } = expectedOf(name);
      const states = finalStates(final);
      const named = states.map((state, i) => [states.length === 1 ? "h" : `state${i}`, state] as const);
      const trained = load(name);
      expect(
        await difference(trained, float32(x.shape, x.data), { y, ...Object.fromEntries(named) }, backend),
      ).toBeLessThan(2e-6);
    });
  });

  test("it trains on: gradients are right in double precision", () => {
    const { spec, weights } = load("gru");
    const { x } = expectedOf("gru");
    const graph = inferenceGraph(spec);
    const states = nodesOf(rootsOf(graph))
      .flatMap(({ inputs }) => inputs)
      .filter(({ node }) => node.op === "input" && node.attrs.kind === "state");
    const wrt = [...new Map(states.map((value) => [value.node, value])).values()];
    const feeds = { input: float32([1, 3, 4], x.data.slice(0, 12)) };
    checkGradients({ outputs: Object.values(graph.fetches), wrt, feeds, state: weights });
    expect(wrt).toHaveLength(4);
  });
});
