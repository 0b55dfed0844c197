/** Keras models: each file gives Keras's results on every available backend, can be trained further, and survives export to Keras and import. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkGradients } from "@ostinato/conformance";
import {
  bidirectional,
  dense,
  embedding,
  gru,
  inferenceGraph,
  input,
  lstm,
  type Model,
  ModelFileError,
  nodesOf,
  sequential,
  simpleRnn,
  type Tensor,
  type Trained,
  type Value,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { exportKeras, importKeras, loadKeras } from "../src/index.ts";
import { expectAsKeras, expectToLearn, inputsOf, kerasCases, type Numbers, tensorOf } from "./kerasFiles.ts";
import { kerasModels } from "./kerasModels.ts";

/** The row lengths of ids in the golden files. */
const lengths = (steps: number): readonly number[] => [steps, steps >> 1, 1];

describe.each(Object.keys(kerasCases) as (keyof typeof kerasCases)[])("what Keras computed: %s", (name) => {
  const { keras, weights, h5, outputs, ...given } = kerasCases[name];
  const imported = importKeras(keras);

  test.each(["cpu", "wasm"] as const)("%s", (backend) =>
    expectAsKeras(imported, inputsOf(given), outputs, backend, lengths),
  );

  test("the older .h5 file has the same model and the same weights", () => {
    if (h5 === undefined)
      expect(name, "Keras's older files are not read where models are inside of others").toBe("inside");
    else expect(importKeras(h5)).toEqual(imported);
  });

  test("files of weights, and of models, give a model its weights", () => {
    const { spec } = imported;
    for (const file of [weights, keras, ...(h5 ? [h5] : [])]) expect(loadKeras({ spec }, file)).toEqual(imported);
  });

  test("it goes on training", async () => {
    // Attention scores have no loss.
    const { attend: _, ...taught } = outputs;
    await expectToLearn(imported, inputsOf(given), taught);
  });

  test("its gradients are right", () => {
    const graph = inferenceGraph(imported.spec);
    const outputsOfGraph = Object.values(graph.fetches);
    const wrt = nodesOf(outputsOfGraph).flatMap((node) =>
      node.op === "input" && node.attrs.kind === "state"
        ? [{ node, output: 0, type: node.outputs[0] as Value["type"] }]
        : [],
    );
    expect(wrt).toHaveLength(Object.keys(imported.weights).length);
    const [first] = imported.spec.inputs;
    // The row in the middle, with one padded step if the input is ids.
    const row = ({ shape: [rows, steps, ...rest], dtype, data }: Numbers): Tensor => {
      const [start, some] = [data.length / (rows as number), ((steps as number) >> 1) + 1];
      const size = (some * start) / (steps as number);
      return tensorOf({
        shape: [1, some, ...rest],
        ...(dtype ? { dtype } : {}),
        data: data.slice(start, start + size),
      });
    };
    const feeds = Object.fromEntries(
      Object.entries(given.inputs).map(([own, numbers]) => [own || (first?.name as string), row(numbers)]),
    );
    checkGradients({ outputs: outputsOfGraph, wrt, feeds, state: imported.weights });
  });
});

/** The test data is in a folder next to the project. */
const folder = join(import.meta.dirname, "../../../../shared/data/keras-files");
const present = existsSync(folder);
if (!present) console.info(`skipped: what Keras computed for its files, since ${folder} is not there`);

describe.skipIf(!present)("files of Keras beside the project", () => {
  const models: Readonly<Record<string, () => Model>> = {
    imdb_lstm: () =>
      sequential([
        embedding({ inputDim: 50, outputDim: 6, maskZero: true }),
        lstm({ units: 8 }),
        dense({ units: 1, activation: "sigmoid" }),
      ]),
    bilstm_tagger: () =>
      sequential([
        embedding({ inputDim: 50, outputDim: 6, maskZero: true }),
        bidirectional(lstm({ units: 5, returnSequences: true })),
        dense({ units: 4, activation: "softmax" }),
      ]),
    gru_reset_after: () =>
      sequential([input({ shape: ["time", 3] }), gru({ units: 7, returnSequences: true }), gru({ units: 5 })]),
    gru_reset_before: () =>
      sequential([input({ shape: ["time", 3] }), gru({ units: 7, resetAfter: false }), dense({ units: 2 })]),
    simple_rnn: () =>
      sequential([input({ shape: ["time", 3] }), simpleRnn({ units: 6, activation: "relu" }), dense({ units: 2 })]),
  };
  interface Expected {
    readonly cases: Readonly<Record<string, { readonly input: Numbers; readonly outputs: readonly Numbers[] }>>;
  }
  const { cases }: Expected = present ? JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) : { cases: {} };

  test.each(Object.keys(cases))("%s", async (name) => {
    const { input: x, outputs } = cases[name] as Expected["cases"][string];
    const read = (suffix: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name + suffix)));
    const imported = importKeras(read(".keras"));
    const loaded = loadKeras((models[name] as () => Model)(), read(".weights.h5"));
    const given = tensorOf(x) as never;
    const ends = (steps: number) =>
      Array.from({ length: x.shape[0] as number }, (_, row) =>
        x.dtype === "int32" ? x.data.slice(row * steps, (row + 1) * steps).filter((id) => id !== 0).length : steps,
      );
    for (const trained of [imported, loaded])
      for (const backend of ["cpu", "wasm"] as const)
        await expectAsKeras(trained, given, { output: outputs[0] as Numbers }, backend, ends);
    await expectToLearn(imported, given, { output: outputs[0] as Numbers });
  });
});

describe.each(Object.keys(kerasModels))("written for Keras and read back: %s", (name) => {
  const { trained } = (kerasModels[name] as (typeof kerasModels)[string])();

  test("the same layers, calls, outputs and weights", () => {
    const again = importKeras(exportKeras(trained));
    const plain = ({ spec }: Trained) => JSON.parse(JSON.stringify(spec));
    expect(plain(again).outputs.map(({ name: output }: { name: string }) => output)).toEqual(
      trained.spec.outputs.map(({ name: output }) => output),
    );
    const byName = ({ spec }: Trained) =>
      Object.fromEntries(plain({ spec, weights: {} }).layers.map((layer: { name: string }) => [layer.name, layer]));
    expect(byName(again)).toEqual(byName(trained));
    expect(again.weights).toEqual(trained.weights);
  });

  test("the same model gives the same bytes, and one that was read gives them again", () => {
    const bytes = exportKeras(trained);
    expect(exportKeras(trained)).toEqual(bytes);
    expect(exportKeras(importKeras(bytes))).toEqual(bytes);
  });
});

describe("what is no bytes", () => {
  const { keras, weights } = kerasCases.everything;
  const { spec } = importKeras(keras);
  const given: readonly (readonly [string, unknown, string])[] = [
    ["a promise", Promise.resolve(keras), "an object (Promise)"],
    ["a path", "model.keras", '"model.keras"'],
    ["nothing", undefined, "undefined"],
    ["null", null, "null"],
  ];
  test.each(given)("%s is refused at once", (_name, file, found) => {
    for (const read of [() => importKeras(file as never), () => loadKeras({ spec }, file as never)]) {
      expect(read).toThrow(ModelFileError);
      expect(read).toThrow(`the bytes of a file are a Uint8Array, got ${found}`);
    }
  });

  test("a buffer, as pages have files, is read as its bytes", () => {
    const bufferOf = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;
    expect(importKeras(bufferOf(keras))).toEqual(importKeras(keras));
    expect(loadKeras({ spec }, bufferOf(weights))).toEqual(loadKeras({ spec }, weights));
  });
});
