/** Embeddings that go both ways: their description, types, summary, wrong use. */
import {
  dense,
  embedding,
  inferenceGraph,
  input,
  lstm,
  model,
  parseModelSpec,
  printGraph,
  reversibleEmbedding,
  sequential,
  summary,
  timeDistributed,
} from "@ostinato/core";
import { describe, expect, expectTypeOf, test } from "vitest";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";

const make = (options: object = {}) => reversibleEmbedding({ inputDim: 9, outputDim: 4, ...options });

function languageModel() {
  const words = make({ maskZero: true, useBias: true, activation: "softmax" });
  return sequential([words, lstm({ units: 4, returnSequences: true }), words.reverse]);
}

test("a model survives JSON: one layer, called twice", () => {
  const { spec } = languageModel();
  expect(spec.layers.map(({ kind }) => kind)).toEqual(["reversibleEmbedding", "lstm"]);
  expect(spec.calls.map(({ layer }) => layer)).toEqual([0, 1, 0]);
  const read = parseModelSpec(JSON.parse(JSON.stringify(spec)));
  expect(read).toEqual(spec);
  expect(printGraph(inferenceGraph(read))).toBe(printGraph(inferenceGraph(spec)));
});

test("the summary counts its weights once", () => {
  expect(summary(languageModel())).toMatchInlineSnapshot(`
    "Layer (kind)                               Output shape      Parameters
    ───────────────────────────────────────────────────────────────────────
    reversibleEmbedding (reversibleEmbedding)  [batch, time, 4]          45
    lstm (lstm)                                [batch, time, 4]         144
    reversibleEmbedding (reversibleEmbedding)  [batch, time, 9]           0
    ───────────────────────────────────────────────────────────────────────
    Total parameters: 189"
  `);
});

test("types: ids in, vectors back", () => {
  const words = make();
  const ids = input({ shape: ["time"] });
  const x = words(ids);
  expectTypeOf(x.kind).toEqualTypeOf<"sequence">();
  expectTypeOf(words.reverse(x).kind).toEqualTypeOf<"sequence">();
  expectTypeOf(words.reverse(lstm({ units: 4 })(x)).kind).toEqualTypeOf<"features">();
  // @ts-expect-error the way back begins with vectors
  expect(() => words.reverse(ids)).toThrow("its reverse takes a sequence or features");
  // @ts-expect-error the way in begins with ids
  expect(() => words(x)).toThrow("it takes ids, and its reverse what is made of them");
  // @ts-expect-error the way back first
  expect(() => sequential([words.reverse, words])).toThrow("its reverse takes a sequence or features");
});

describe("wrong use is a typed error", () => {
  const ids = input({ shape: ["time"] });
  const wrong: readonly Misuse[] = [
    [
      "sizes that do not fit",
      () => {
        const words = make({ name: "words" });
        return sequential([words, lstm({ units: 6, returnSequences: true }), words.reverse]);
      },
      "ShapeError",
      'reversibleEmbedding "words": its embeddings have 4 features, and what its reverse was given is [batch, time, 6]',
      "dense({ units: 4 })",
    ],
    [
      "an embedding that is not part of the model",
      () => sequential([embedding({ inputDim: 9, outputDim: 4 }), make().reverse]),
      "ConfigError",
      "its reverse was given what comes from no ids that it looked up",
    ],
    [
      "one inside of another layer, which has weights of its own",
      () => {
        const words = make();
        return model(ids, timeDistributed(words.reverse)(words(ids)));
      },
      "ConfigError",
      "comes from no ids that it looked up",
    ],
    [
      "an option that it has not",
      () => make({ tieWeights: false }),
      "ConfigError",
      'no option "tieWeights"',
      "useBias",
    ],
    ["an option of neither", () => make({ outputDim: 0 }), "ConfigError", "outputDim must be a whole number from 1 on"],
    ["a matrix for a bias", () => make({ biasInitializer: "orthogonal" }), "ConfigError", "biasInitializer"],
    ["a name that is none", () => make({ name: "a b" }), "ConfigError", "name must be"],
    ["no input", () => make()(untyped(3)), "ConfigError", "reversibleEmbedding is applied to an input"],
    ["no options", () => reversibleEmbedding(untyped(undefined)), "ConfigError", "inputDim must be a whole number"],
  ];
  for (const misuse of wrong) test(misuse[0], () => expectMisuse(misuse));

  test("a file that turns back what was never looked up", () => {
    const spec = JSON.parse(JSON.stringify(sequential([input({ shape: [4] }), dense({ units: 4 })]).spec));
    const { layers } = JSON.parse(JSON.stringify(languageModel().spec));
    const read = parseModelSpec({ ...spec, layers: [layers[0]] });
    expect(() => inferenceGraph(read)).toThrow("comes from no ids that it looked up");
    const broken = { ...layers[0], config: { inputDim: 2 } };
    expect(() => parseModelSpec({ ...spec, layers: [broken] })).toThrow("outputDim must be a whole number from 1 on");
  });
});
