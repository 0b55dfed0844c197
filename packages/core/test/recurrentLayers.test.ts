/** Recurrences with states: their descriptions, their types, their wrong use; and what layers say of their weights. */
import {
  ConfigError,
  dense,
  embedding,
  float32,
  inferenceGraph,
  input,
  lstm,
  ModelFileError,
  type ModelSpec,
  model,
  parseModelSpec,
  printGraph,
  sequential,
  summary,
} from "@ostinato/core";
import { describe, expect, expectTypeOf, test } from "vitest";
import { buildModel } from "../src/nn/build.ts";
import { checkInitialWeights } from "../src/nn/trained.ts";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";

const x = () => input({ shape: ["time", 2], name: "x" });

/** A reader whose states begin a writer, with what is between them. */
function translator(): ModelSpec {
  const words = x();
  const [y, h, c] = lstm({ units: 3, returnSequences: true, returnState: true, name: "reader" })(words);
  const writer = lstm({ units: 3, returnSequences: true, returnState: true, name: "writer" });
  const [z, , last] = writer(y, { initialState: [h, c] });
  return model(words, { z, last }).spec;
}

const json = (spec: ModelSpec): unknown => JSON.parse(JSON.stringify(spec));

describe("the description of a model with states", () => {
  test("tells which result of which call is read", () => {
    const { calls, outputs } = translator();
    expect(calls).toEqual([
      { layer: 0, sources: [{ input: 0 }] },
      { layer: 1, sources: [{ call: 0 }, { call: 0, output: 1 }, { call: 0, output: 2 }] },
    ]);
    expect(outputs).toEqual([
      { name: "z", source: { call: 1 } },
      { name: "last", source: { call: 1, output: 2 } },
    ]);
  });

  test("survives JSON, with the same graph", () => {
    const read = parseModelSpec(json(translator()));
    expect(read).toEqual(translator());
    expect(printGraph(inferenceGraph(read))).toBe(printGraph(inferenceGraph(translator())));
  });

  test("was a single source before layers read several things: such files are read, with the defaults of new options", () => {
    const { spec } = sequential([embedding({ inputDim: 5, outputDim: 2 }), lstm({ units: 3 })]);
    const old = {
      inputs: [{ name: "input", kind: "ids", shape: ["time"], lengths: false }],
      layers: [
        {
          kind: "embedding",
          name: "embedding",
          config: { inputDim: 5, outputDim: 2, maskZero: false, embeddingsInitializer: "uniform" },
        },
        {
          kind: "lstm",
          name: "lstm",
          config: {
            units: 3,
            returnSequences: false,
            reverse: false,
            useBias: true,
            unitForgetBias: true,
            kernelInitializer: "glorotUniform",
            recurrentInitializer: "orthogonal",
            biasInitializer: "zeros",
          },
        },
      ],
      calls: [
        { layer: 0, source: { input: 0 } },
        { layer: 1, source: { call: 0 } },
      ],
      outputs: [{ name: "output", source: { call: 1 } }],
    };
    expect(parseModelSpec(old)).toEqual(spec);
  });

  test("keeps the order of layers, however deep and wide the model is", () => {
    const words = x();
    let at = lstm({ units: 2, returnSequences: true, returnState: true })(words);
    for (let i = 0; i < 500; i++)
      at = lstm({ units: 2, returnSequences: true, returnState: true })(at[0], { initialState: [at[1], at[2]] });
    const { spec } = model(words, at[0]);
    expect(spec.calls).toHaveLength(501);
    expect(spec.layers.at(-1)?.name).toBe("lstm_500");
    expect(parseModelSpec(json(spec))).toEqual(spec);
  });
});

describe("hostile calls", () => {
  const reader = { call: 0 };
  const hostile: readonly (readonly [what: string, sources: unknown, words: string])[] = [
    ["no sources", [], "takes a sequence"],
    ["no list", { 0: reader }, "not a list"],
    ["a length alone", { length: 1 }, "not a list"],
    ["one state", [reader, { call: 0, output: 1 }], "takes a sequence"],
    ["three states", [reader, ...[1, 2, 1].map((output) => ({ call: 0, output }))], "takes a sequence"],
    ["a sequence for a state", [reader, reader, { call: 0, output: 2 }], "takes a sequence"],
    ["a state for the sequence", [1, 1, 2].map((output) => ({ call: 0, output })), "takes a sequence"],
    ["a result that is not there", [reader, { call: 0, output: 1 }, { call: 0, output: 3 }], "not there"],
    ["a negative result", [{ call: 0, output: -1 }], "not there"],
    ["half a result", [{ call: 0, output: 0.5 }], "not there"],
    ["a result by an inherited name", [{ call: 0, output: "length" }], "not there"],
    ["its own state", [reader, { call: 1, output: 1 }, { call: 1, output: 2 }], "not there"],
    ["nothing", [null], "not there"],
    ["very many", Array.from({ length: 10_001 }, () => reader), "too many"],
  ];
  test.each(hostile)("%s", (_, sources, words) => {
    const spec = translator();
    const given = { ...spec, calls: [spec.calls[0], { layer: 1, sources }] };
    expect(() => parseModelSpec(given)).toThrow(ModelFileError);
    expect(() => parseModelSpec(given)).toThrow(words);
  });

  test("an output that is no result", () => {
    const spec = translator();
    expect(() => parseModelSpec({ ...spec, outputs: [{ name: "z", source: { call: 1, output: 3 } }] })).toThrow(
      ModelFileError,
    );
  });

  test("states of other units than the layer's are refused when the model is built", () => {
    const spec = translator();
    const layers = spec.layers.map((layer) => (layer.name === "writer" ? { ...layer, config: { units: 4 } } : layer));
    const calls = [spec.calls[0], spec.calls[1]];
    const outputs = [{ name: "z", source: { call: 1 } }];
    const read = parseModelSpec({ ...spec, layers, calls, outputs });
    expect(() => inferenceGraph(read)).toThrow('lstm "writer": initialState h must be [batch, 4]');
  });
});

test("types: what comes out, and what may go in", () => {
  const words = x();
  const state = input({ shape: [3], name: "state" });
  const [y, h, c] = lstm({ units: 3, returnSequences: true, returnState: true })(words);
  expectTypeOf(y.kind).toEqualTypeOf<"sequence">();
  expectTypeOf(h.kind).toEqualTypeOf<"features">();
  expectTypeOf(c.kind).toEqualTypeOf<"features">();
  expectTypeOf(lstm({ units: 3, returnState: true })(words)[0].kind).toEqualTypeOf<"features">();
  expectTypeOf(lstm({ units: 3 })(y, { initialState: [h, state] }).kind).toEqualTypeOf<"features">();

  // @ts-expect-error a chain has no place for several results
  expect(() => sequential([words, lstm({ units: 3, returnState: true })])).toThrow("returnState");
  // @ts-expect-error a sequence is no state
  expect(() => lstm({ units: 3 })(words, { initialState: [y, c] })).toThrow("initialState h");
  // @ts-expect-error one state of two
  expect(() => lstm({ units: 3 })(words, { initialState: [h] })).toThrow("[h, c]");
  // @ts-expect-error a mistyped option
  expect(() => lstm({ units: 3 })(words, { initialStates: [h, c] })).toThrow("initialStates");
  // @ts-expect-error dense has no states
  expect(() => dense({ units: 3 })(state, { initialState: [h, c] })).toThrow("dense");
  // @ts-expect-error an activation that recurrences have not
  expect(() => lstm({ units: 3, activation: "selu" })).toThrow("activation");
  // @ts-expect-error results are handles, not one
  expect(() => dense({ units: 1 })(lstm({ units: 3, returnState: true })(words))).toThrow("dense");
});

test("a layer can be applied to each of a list", () => {
  const inputs = [input({ shape: [3], name: "a" }), input({ shape: [3], name: "b" })];
  const shared = dense({ units: 2 });
  const [a, b] = inputs.map(shared) as [ReturnType<typeof shared>, ReturnType<typeof shared>];
  expect(model(inputs, { a, b }).spec.calls).toEqual([
    { layer: 0, sources: [{ input: 0 }] },
    { layer: 0, sources: [{ input: 1 }] },
  ]);
});

const features = (width: number) => input({ shape: [width], name: `f${width}` });
const layer = lstm({ units: 3, name: "cell" });

const misuses: readonly Misuse[] = [
  [
    "states that are not among the inputs",
    () => {
      const words = x();
      return model(words, layer(words, { initialState: [features(3), features(3)] }));
    },
    "ConfigError",
    "not among the inputs",
  ],
  [
    "both states of other units",
    () => {
      const [words, state] = [x(), features(4)];
      return model([words, state], layer(words, { initialState: [state, state] }));
    },
    "ShapeError",
    'lstm "cell": initialState h must be [batch, 3] for 3 units, it was given [batch, 4]',
  ],
  [
    "only the cell state of other units",
    () => {
      const [words, h, c] = [x(), features(3), features(5)];
      return model([words, h, c], layer(words, { initialState: [h, c] }));
    },
    "ShapeError",
    "initialState c must be [batch, 3]",
  ],
  [
    "ids for a state",
    () => layer(x(), { initialState: [features(3), untyped(input({ shape: ["time"] }))] }),
    "ShapeError",
    'lstm "cell": initialState c must be features [batch, units], it was given ids [batch, time]',
  ],
  ["a number for the states", () => layer(x(), { initialState: untyped(0) }), "ConfigError", "[h, c]", "got 0"],
  ["an array for a state", () => layer(x(), { initialState: untyped([[0, 0, 0], [0]]) }), "ConfigError", "[h, c]"],
  ["options that are none", () => layer(x(), untyped([features(3)])), "ConfigError", "takes an object"],
  ["dropout of everything", () => lstm({ units: 1, dropout: 1 }), "ConfigError", "lstm: dropout", "below 1"],
  ["a negative rate", () => lstm({ units: 1, recurrentDropout: -0.1 }), "ConfigError", "lstm: recurrentDropout"],
  ["a rate that is no number", () => lstm({ units: 1, dropout: Number.NaN }), "ConfigError", "dropout", "NaN"],
  [
    "a negative penalty",
    () => dense({ units: 1, kernelRegularizer: { l2: -1 } }),
    "ConfigError",
    "kernelRegularizer: l2",
  ],
  [
    "an unknown penalty",
    () => dense({ units: 1, biasRegularizer: untyped({ l3: 1 }) }),
    "ConfigError",
    '"l3"',
    "l1, l2",
  ],
  [
    "a penalty by name",
    () => lstm({ units: 1, kernelRegularizer: untyped("l2") }),
    "ConfigError",
    "{ l1, l2 }",
    '"l2"',
  ],
  ["a frozen maybe", () => dense({ units: 1, trainable: untyped("no") }), "ConfigError", "trainable", "true or false"],
  [
    "a constant of nothing",
    () => dense({ units: 1, kernelInitializer: untyped({ kind: "constant" }) }),
    "ConfigError",
    "value",
  ],
];

describe("wrong use", () => {
  for (const misuse of misuses) test(misuse[0], () => expectMisuse(misuse));
});

describe("what layers say of their weights", () => {
  const { spec } = sequential([
    embedding({ inputDim: 4, outputDim: 2, trainable: false, embeddingsRegularizer: { l2: 0.5 } }),
    lstm({
      units: 3,
      kernelRegularizer: { l1: 0.1 },
      recurrentRegularizer: { l1: 0.2, l2: 0.3 },
      biasRegularizer: { l2: 0.4 },
    }),
    dense({ units: 1, kernelRegularizer: { l1: 1, l2: 2 }, biasRegularizer: null }),
  ]);

  test("penalties and frozen ones go with the parameters", () => {
    const traits = buildModel(spec).parameters.map(({ name, trainable, regularizer }) => [
      name,
      trainable,
      regularizer,
    ]);
    expect(traits).toEqual([
      ["embedding/embeddings", false, { l1: 0, l2: 0.5 }],
      ["lstm/W", true, { l1: 0.1, l2: 0 }],
      ["lstm/R", true, { l1: 0.2, l2: 0.3 }],
      ["lstm/B", true, { l1: 0, l2: 0.4 }],
      ["dense/kernel", true, { l1: 1, l2: 2 }],
      ["dense/bias", true, undefined],
    ]);
    expect(parseModelSpec(json(spec))).toEqual(spec);
  });

  test("a summary tells how much is frozen", () => {
    expect(summary({ spec })).toContain("Total parameters: 84\nFrozen parameters: 8");
    expect(summary(sequential([input({ shape: [2] }), dense({ units: 1 })]))).not.toContain("Frozen");
  });

  test("initial weights are checked by name and shape, and are not in the description", () => {
    const vectors = float32([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    const { parameters } = buildModel(spec);
    expect(checkInitialWeights(parameters, { "embedding/embeddings": vectors })).toEqual({
      "embedding/embeddings": vectors,
    });
    expect(() => checkInitialWeights(parameters, { embeddings: vectors })).toThrow(ConfigError);
    expect(() => checkInitialWeights(parameters, { embeddings: vectors })).toThrow(
      "it has embedding/embeddings, lstm/W",
    );
    expect(() => checkInitialWeights(parameters, { "lstm/W": vectors })).toThrow(
      'the weights "lstm/W" are float32[4, 2]; the model needs float32[12, 2]',
    );
  });
});
