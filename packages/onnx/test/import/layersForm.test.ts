/** Files of this library are imported as the original models of layers, unless their graphs have changed. */

import { minGru } from "@ostinato/cells";
import { ownKinds } from "@ostinato/conformance";
import {
  bidirectional,
  ConfigError,
  dense,
  embedding,
  graphForm,
  gru,
  input,
  lstm,
  type Model,
  ModelFileError,
  rnn,
  sequential,
  type Trained,
} from "@ostinato/core";
import { decodeOnnx, exportDecoding, exportOnnx, importOnnx } from "@ostinato/onnx";
import { describe, expect, test } from "vitest";
import type { Message } from "../../src/file/schema.ts";
import { encodeOnnx } from "../../src/file/wire.ts";
import { trainedOf } from "../models.ts";
import { writers } from "../writers.ts";
import { stripped } from "./stripped.ts";

const words = () => embedding({ inputDim: 40, outputDim: 16, maskZero: true });

const tagger = (): Trained => ({
  ...trainedOf(
    sequential([
      words(),
      bidirectional(lstm({ units: 16, returnSequences: true })),
      gru({ units: 16, returnSequences: true, recurrentActivation: "hardSigmoid" }),
      dense({ units: 3, activation: "leakyRelu" }),
    ]),
  ),
  vocabulary: { words: ["a", "b"] },
  metadata: { made: "today" },
});

const reader = (): Trained =>
  trainedOf(sequential([words(), gru({ units: 3, returnSequences: true, resetAfter: false })]));

test.each([
  { title: "as usual", options: {}, of: tagger },
  { title: "other versions and ids", options: { opset: 22, tokenType: "int64" }, of: tagger },
  { title: "states among inputs and outputs", options: { states: true }, of: reader },
] as const)("description and weights come back: $title", ({ options, of }) => {
  const trained = of();
  const back = importOnnx(exportOnnx(trained, options));
  expect(JSON.stringify(back)).toBe(JSON.stringify({ ...trained, weights: back.weights }));
  expect(back.weights).toEqual(trained.weights);
  expect(exportOnnx(back, options)).toEqual(exportOnnx(trained, options));
});

test.each(["float16", "int8"] as const)("weights in fewer bits: %s", (weights) => {
  const trained = tagger();
  const back = importOnnx(exportOnnx(trained, { weights }));
  expect(graphForm(back)).toBeUndefined();
  for (const [name, { data }] of Object.entries(trained.weights)) {
    const largest = Math.max(...data.map((x, i) => Math.abs(x - (back.weights[name]?.data[i] as number))));
    expect(largest, name).toBeLessThan(0.003);
  }
});

describe("the graph is what counts", () => {
  const file = exportOnnx(tagger());
  const nodes = (change: (node: Message<"Node">) => Message<"Node">): Uint8Array => {
    const made = decodeOnnx(file);
    return encodeOnnx({ ...made, graph: { ...made.graph, nodes: (made.graph?.nodes ?? []).map(change) } });
  };
  const otherSpec = decodeOnnx(exportOnnx(reader())).metadata ?? [];
  const writer = writers["states alone"] as () => Model;
  const cases: Readonly<Record<string, readonly [bytes: Uint8Array, reason: RegExp]>> = {
    "without metadata": [stripped(file), /metadata was removed/],
    "another description": [
      encodeOnnx({ ...decodeOnnx(file), metadata: otherSpec }),
      /has no weight "gru\/W"|"gru\/W" is/,
    ],
    "an operator was changed": [
      nodes((node) => (node.op === "Max" ? { ...node, op: "Min" } : node)),
      /graph differs from the layers/,
    ],
    "a description that is damaged": [
      encodeOnnx({ ...decodeOnnx(file), metadata: [{ key: "ostinato.spec", value: "{}" }] }),
      /importOnnx: the file does not contain a model of layers: /,
    ],
    "half of a pair": [exportDecoding(trainedOf(writer())).encode as Uint8Array, /one of two files, encode/],
  };
  test.each(Object.entries(cases))("%s", (_, [bytes, reason]) => {
    expect(graphForm(importOnnx(bytes))).toBeDefined();
    expect(() => importOnnx(bytes, { form: "layers" })).toThrow(ModelFileError);
    expect(() => importOnnx(bytes, { form: "layers" })).toThrow(reason);
  });

  test("vocabulary and metadata stay with it", () => {
    const { vocabulary, metadata } = tagger();
    const trained = importOnnx(file, { form: "graph", name: "tagger" });
    expect({ vocabulary: trained.vocabulary, metadata: trained.metadata }).toEqual({ vocabulary, metadata });
    expect(Object.keys(trained.weights)).toContain("tagger/bidirectional/backward/W");
    const again = importOnnx(exportOnnx(trained));
    expect(graphForm(again)).toBeDefined();
    expect(again.vocabulary).toEqual(vocabulary);
  });
});

test("layers of a user's own are known where they are given", () => {
  const trained = trainedOf(
    sequential([input({ shape: ["time", 2] }), rnn(minGru({ units: 3 })), dense({ units: 2 })]),
  );
  const file = exportOnnx(trained);
  expect(graphForm(importOnnx(file))).toBeDefined();
  expect(() => importOnnx(file, { form: "layers" })).toThrow(/minGru/);
  expect(importOnnx(file, { layers: ownKinds }).weights).toEqual(trained.weights);
});

test.each(["vocabulary", "metadata"])("a %s that nests too deep to be written again is refused", (part) => {
  const model = decodeOnnx(exportOnnx(tagger()));
  const deep = `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`;
  const metadata = (model.metadata ?? []).map((entry) =>
    entry.key === `ostinato.${part}` ? { ...entry, value: deep } : entry,
  );
  const read = () => importOnnx(encodeOnnx({ ...model, metadata }));
  expect(read).toThrow(ModelFileError);
  expect(read).toThrow(/is not JSON, or is nested too deeply/);
});

test("forms that there are not", () => {
  expect(() => importOnnx(new Uint8Array(), { form: "layer" as never })).toThrow(ConfigError);
  expect(() => importOnnx(exportOnnx(reader()), { form: "layers", name: "x" })).toThrow(
    /option name only applies to graphs/,
  );
});
