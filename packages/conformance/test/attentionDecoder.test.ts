/** Decoders with attention: that their forms agree, what goes on from step to step, and what is refused. Values and gradients are held to PyTorch's by the golden cases. */
import { evaluate, reference } from "@ostinato/conformance";
import {
  type AttentionDecoderOptions,
  adam,
  additiveAttention,
  attention,
  attentionDecoder,
  type Checkpoint,
  checkpoints,
  compile,
  dense,
  float64,
  fromBytes,
  type Graph,
  gru,
  inferenceGraph,
  input,
  int32,
  lstm,
  type ModelSpec,
  meanSquaredError,
  model,
  nodesOf,
  RandomStream,
  rootsOf,
  sizeOf,
  type Tensor,
  type Tensors,
  toBytes,
  zeros,
} from "@ostinato/core";
import { expect, test } from "vitest";

const random = new RandomStream(3, "decoder");
const floats = (shape: readonly number[]): Tensor =>
  float64(
    shape,
    Array.from({ length: sizeOf(shape) }, () => 2 * random.uniform() - 1),
  );

const x = input({ name: "x", shape: ["target", 2], lengths: true });
const memory = input({ name: "memory", shape: ["source", 3], lengths: true });
const h = input({ name: "h", shape: [4] });

/** A decoder of two recurrences that begins with states. */
function specOf(options: Partial<AttentionDecoderOptions>): ModelSpec {
  const decoder = attentionDecoder({
    layers: [lstm({ units: 4 }), gru({ units: 4 })],
    attention: additiveAttention({ units: 3 }),
    attentionUnits: 5,
    ...options,
    returnAttentionScores: true,
  });
  const [vectors, scores] = decoder([x, memory], { initialState: [h, h, h] });
  return model([x, memory, h], { vectors, scores }).spec;
}

/** Random numbers for all weights of a graph. */
function weightsOf(graph: Graph): Record<string, Tensor> {
  const inputs = nodesOf(rootsOf(graph)).flatMap((node) => (node.op === "input" ? [node.attrs] : []));
  const states = inputs.filter(({ kind }) => kind === "state");
  return Object.fromEntries(states.map(({ name, shape }) => [name, floats(shape as readonly number[])]));
}

const [rows, steps] = [3, 4];
const xs = floats([rows, steps, 2]);
const others: Tensors = {
  memory: floats([rows, 5, 3]),
  "memory/lengths": int32([rows], [5, 2, 0]),
  h: floats([rows, 4]),
};
const whole: Tensors = { x: xs, "x/lengths": int32([rows], [4, 1, 3]), ...others };

const far = (a: Tensor, b: Tensor): number => {
  expect(a.shape).toEqual(b.shape);
  return Math.max(...Array.from(a.data, (value, i) => Math.abs(value - b.data[i])));
};

/** A tensor [rows, steps, features] at one step. */
function stepOf({ shape: [batch, time, size], data }: Tensor, t: number): Tensor {
  const at = Array.from({ length: batch }, (_, row) =>
    Array.from({ length: size }, (_, i) => data[(row * time + t) * size + i]),
  );
  return float64([batch, 1, size], at.flat());
}

test("with input feeding whose weights are zero it gives what it gives without", () => {
  const [fed, plain] = [true, false].map((inputFeeding) => inferenceGraph(specOf({ inputFeeding })));
  const weights = weightsOf(plain);
  const W = weights["attentionDecoder/layer0/W"];
  const wider = Array.from({ length: 16 }, (_, gate) => [W.data[2 * gate], W.data[2 * gate + 1], 0, 0, 0, 0, 0]);
  const ofFed = { ...weights, "attentionDecoder/layer0/W": float64([16, 7], wider.flat()) };
  const [stepwise, parallel] = [evaluate(fed, whole, ofFed).fetches, evaluate(plain, whole, weights).fetches];
  for (const name of ["vectors", "scores"]) expect(far(stepwise[name], parallel[name])).toBeLessThan(1e-14);
});

const forms = {
  parallel: {},
  "input feeding": { inputFeeding: true },
  "attention before": { attentionOrder: "before" },
  both: {
    inputFeeding: true,
    attentionOrder: "before",
    attentionUnits: null,
    attention: attention({ scoreMode: "general" }),
  },
} as const;

test.each(Object.entries(forms))("%s: step by step it gives what it gives at once", (_, options) => {
  const spec = specOf(options);
  const all = inferenceGraph(spec);
  const weights = weightsOf(all);
  const wanted = evaluate(all, whole, weights).fetches;
  // As it is streamed, the steps have a name; as it decodes, there is one.
  const one = { ...spec, inputs: spec.inputs.map((each) => (each.name === "x" ? { ...each, shape: [1, 2] } : each)) };
  for (const stepwise of [inferenceGraph(spec, "always"), inferenceGraph(one, "always")]) {
    const feeds = nodesOf(rootsOf(stepwise)).flatMap((node) => (node.op === "input" ? [node.attrs] : []));
    const names = feeds.map(({ name }) => name).filter((name) => name.startsWith("states/") && name !== "states/fresh");
    let states: Tensors = Object.fromEntries(
      names.map((name) => {
        const { shape } = feeds.find((each) => each.name === name) as (typeof feeds)[number];
        // What begins with something else than zeros is chosen in the graph.
        const size = [rows, shape[1] as number];
        return [name, name.endsWith("attentionVector") ? zeros("float64", size) : floats(size)];
      }),
    );
    for (let t = 0; t < steps; t++) {
      const lengths = Array.from({ length: rows }, (_, row) => (t < whole["x/lengths"].data[row] ? 1 : 0));
      const { fetches } = evaluate(
        stepwise,
        {
          ...others,
          ...states,
          x: stepOf(xs, t),
          "x/lengths": int32([rows], lengths),
          "states/fresh": { dtype: "bool", shape: [rows], data: new Uint8Array(rows).fill(t === 0 ? 1 : 0) },
        },
        weights,
      );
      for (const name of ["vectors", "scores"])
        expect(far(fetches[name], stepOf(wanted[name], t)), `${name} ${t}`).toBeLessThan(1e-14);
      states = Object.fromEntries(names.map((name) => [name, fetches[`${name}/next`]]));
    }
  }
});

test("what is past the end of a memory or a target changes nothing", () => {
  for (const options of Object.values(forms)) {
    const graph = inferenceGraph(specOf(options));
    const weights = weightsOf(graph);
    const wanted = evaluate(graph, whole, weights).fetches;
    const changed = Object.fromEntries(
      ["x", "memory"].map((name) => {
        const { shape, data } = whole[name];
        const lengths = whole[`${name}/lengths`].data;
        const inside = (i: number): boolean =>
          Math.floor(i / shape[2]) % shape[1] < lengths[Math.floor(i / shape[2] / shape[1])];
        return [
          name,
          float64(
            shape,
            Array.from(data, (value, i) => (inside(i) ? value : 50)),
          ),
        ];
      }),
    );
    const given = evaluate(graph, { ...whole, ...changed }, weights).fetches;
    for (const name of ["vectors", "scores"]) expect(far(given[name], wanted[name])).toBe(0);
  }
});

test("a training with dropout in all places goes on from a checkpoint to the same bytes", async () => {
  const decoder = attentionDecoder({
    layers: [gru({ units: 3, dropout: 0.2, recurrentDropout: 0.2 }), lstm({ units: 3 })],
    attention: attention({ scoreMode: "general", dropout: 0.2 }),
    attentionUnits: 3,
    inputFeeding: true,
    dropout: 0.3,
  });
  const made = model([x, memory], dense({ units: 1 })(decoder([x, memory])));
  const data = {
    x: {
      x: [
        [[1, 2]],
        [
          [0, 1],
          [2, 0],
        ],
        [[1, 1]],
      ],
      memory: [
        [[1, 0, 1]],
        [
          [0, 1, 1],
          [1, 1, 1],
        ],
        [[0, 0, 1]],
      ],
    },
    y: [[[1]], [[0], [1]], [[1]]],
  };
  const trainer = () => compile(made, { backend: reference(), loss: meanSquaredError(), optimizer: adam(), seed: 2 });
  const saved: Checkpoint[] = [];
  await using straight = await trainer();
  const keep = () => checkpoints({ save: (checkpoint) => void saved.push(checkpoint), everySteps: 1 });
  await straight.fit(data, { epochs: 2, batchSize: 2, callbacks: [keep()] });
  await using resumed = await trainer();
  await resumed.fit(data, { epochs: 2, batchSize: 2, resume: saved[1], callbacks: [keep()] });
  const bytes = toBytes(await straight.snapshot());
  expect(toBytes(await resumed.snapshot())).toEqual(bytes);
  expect(JSON.stringify(fromBytes(bytes).spec)).toBe(JSON.stringify(made.spec));
});
