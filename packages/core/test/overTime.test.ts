/** Layers of sequences beside the recurrent ones, and `layerNormalization`: types, descriptions, masks, data that they check, wrong use. */
import {
  concatenate,
  defineLayer,
  dense,
  dropout,
  embedding,
  gaussianNoise,
  globalAveragePooling1d,
  globalMaxPooling1d,
  inferenceGraph,
  input,
  type Json,
  lastStep,
  layerNormalization,
  lstm,
  masking,
  model,
  nodesOf,
  parseModelSpec,
  printGraph,
  repeatAlong,
  repeatVector,
  rootsOf,
  type Symbolic,
  sequential,
  spatialDropout1d,
  summary,
  timeDistributed,
} from "@ostinato/core";
import { mul, state } from "@ostinato/core/graph";
import { describe, expect, expectTypeOf, test } from "vitest";
import { buildModel, randomSource } from "../src/nn/build.ts";
import { read } from "./data.ts";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";
import { gate, scale } from "./ownKinds.ts";

const rows = () => input({ shape: ["time", 2], lengths: true });

/** A layer of features alone, which draws masks and noise of its own. */
const dropped = defineLayer({
  kind: "dropped",
  parse: () => ({}),
  takes: "features",
  outputs: { features: "features" },
  build({ mask, noise, parameter }, _config, [x]) {
    const scaled = mul(x.values, parameter("factor", [2], "ones"));
    const { shape } = x.values.type;
    if (!mask || !noise) return [{ ...x, values: scaled }];
    return [{ ...x, values: [mask(0.5, shape), noise(shape), noise(shape)].reduce((a, b) => mul(a, b), scaled) }];
  },
});

/** A model with all of them. */
function everything() {
  const words = input({ shape: ["time"], name: "words" });
  const tokens = embedding({ inputDim: 9, outputDim: 4, maskZero: true })(words);
  const steps = timeDistributed(dense({ units: 2 }), { name: "each" })(spatialDropout1d({ rate: 0.5 })(tokens));
  const peak = globalMaxPooling1d()(layerNormalization({ gammaRegularizer: { l2: 0.1 } })(steps));
  const along = lastStep()(masking({ maskValue: -1 })(concatenate()([steps, repeatAlong()([peak, steps])])));
  return model(
    words,
    globalAveragePooling1d()(timeDistributed(dropped())(repeatVector({ n: 3 })(dense({ units: 2 })(along)))),
  );
}

test("a model with all of them is read again with the same graph", () => {
  const { spec } = everything();
  const again = parseModelSpec(JSON.parse(JSON.stringify(spec)), { layers: [dropped] });
  expect(again).toEqual(spec);
  expect(printGraph(inferenceGraph(again))).toBe(printGraph(inferenceGraph(spec)));
  expect(summary(everything(), { time: 7 })).toMatchInlineSnapshot(`
    "Layer (kind)                                     Output shape   Parameters
    ──────────────────────────────────────────────────────────────────────────
    embedding (embedding)                            [batch, 7, 4]          36
    spatialDropout1d (spatialDropout1d)              [batch, 7, 4]           0
    each (timeDistributed)                           [batch, 7, 2]          10
    layerNormalization (layerNormalization)          [batch, 7, 2]           4
    globalMaxPooling1d (globalMaxPooling1d)          [batch, 2]              0
    repeatAlong (repeatAlong)                        [batch, 7, 2]           0
    concatenate (concatenate)                        [batch, 7, 4]           0
    masking (masking)                                [batch, 7, 4]           0
    lastStep (lastStep)                              [batch, 4]              0
    dense (dense)                                    [batch, 2]             10
    repeatVector (repeatVector)                      [batch, 3, 2]           0
    timeDistributed (timeDistributed)                [batch, 3, 2]           2
    globalAveragePooling1d (globalAveragePooling1d)  [batch, 2]              0
    ──────────────────────────────────────────────────────────────────────────
    Total parameters: 62"
  `);
});

test("they take and give kinds that the compiler knows", () => {
  const [sequence, features] = [rows(), input({ shape: [2], name: "f" })];
  type Steps = Symbolic<"sequence">;
  type Vector = Symbolic<"features">;
  expectTypeOf(globalMaxPooling1d()(sequence)).toEqualTypeOf<Vector>();
  expectTypeOf(timeDistributed(dense({ units: 2 }))(sequence)).toEqualTypeOf<Steps>();
  expectTypeOf(timeDistributed(dropped())(sequence)).toEqualTypeOf<Steps>();
  expectTypeOf(layerNormalization()(features)).toEqualTypeOf<Vector>();
  expectTypeOf(layerNormalization()(sequence)).toEqualTypeOf<Steps>();
  expectTypeOf(repeatVector({ n: 2 })(features)).toEqualTypeOf<Steps>();
  expectTypeOf(repeatAlong()([features, sequence])).toEqualTypeOf<Steps>();
  sequential([
    rows(),
    masking(),
    spatialDropout1d({ rate: 0.1 }),
    lstm({ units: 2 }),
    repeatVector({ n: 2 }),
    lastStep(),
  ]);
});

describe("random numbers in training", () => {
  const shapesOf = (layer: Parameters<typeof timeDistributed>[0] | undefined) => {
    const { spec } = sequential([rows(), layer ? timeDistributed(layer) : spatialDropout1d({ rate: 0.5 }), lastStep()]);
    const { outputs } = buildModel(spec, randomSource({ seed: 1, step: state("step", "int32", []) }));
    return nodesOf(outputs.map(({ flow }) => flow.values)).flatMap((node) =>
      node.op === "dropoutMask" || node.op === "normalNoise" ? [node.attrs.shape] : [],
    );
  };

  test("spatialDropout1d draws a mask for all steps of a row", () => {
    expect(shapesOf(undefined)).toEqual([["batch", 2]]);
  });

  test("a layer in timeDistributed draws its own for each step", () => {
    expect(shapesOf(gaussianNoise({ stddev: 1 }))).toEqual([["time", "batch", 2]]);
    expect(shapesOf(dropout({ rate: 0.5 }))).toEqual([["time", "batch", 2]]);
    const shape = ["time", "batch", 2];
    expect(shapesOf(dropped())).toEqual([shape, shape, shape]);
  });

  test("masks and noise of one layer have sites of their own", () => {
    const { spec } = sequential([
      input({ shape: [2] }),
      dropped(),
      gaussianNoise({ stddev: 1 }),
      dropout({ rate: 0.5 }),
    ]);
    const { outputs } = buildModel(spec, randomSource({ seed: 1, step: state("step", "int32", []) }));
    const sites = nodesOf(outputs.map(({ flow }) => flow.values)).flatMap((node) =>
      node.op === "dropoutMask" || node.op === "normalNoise" ? [node.attrs.site] : [],
    );
    expect(sites).toHaveLength(5);
    expect(new Set(sites).size).toBe(5);
  });
});

test("layers of the library are handed all steps at once, others one by one", () => {
  const opsOf = (layer: Parameters<typeof timeDistributed>[0]) =>
    nodesOf(rootsOf(inferenceGraph(sequential([rows(), timeDistributed(layer)]).spec))).map(({ op }) => op);
  expect(opsOf(dense({ units: 2 }))).not.toContain("scan");
  expect(opsOf(layerNormalization())).not.toContain("scan");
  expect(opsOf(scale())).toContain("scan");
});

const wrong: readonly Misuse[] = [
  [
    "pooling where time is gone",
    // @ts-expect-error an lstm that gives only its last state
    () => sequential([rows(), lstm({ units: 2 }), globalMaxPooling1d()]),
    "ShapeError",
    "globalMaxPooling1d takes a sequence [batch, time, features]; give the recurrence before it returnSequences: true",
    "given features [batch, features]",
  ],
  [
    "a recurrence after pooling",
    // @ts-expect-error features
    () => sequential([rows(), globalAveragePooling1d(), lstm({ units: 2 })]),
    "ShapeError",
    "lstm",
    "features",
  ],
  // @ts-expect-error ids
  ["pooling of ids", () => sequential([lastStep()]), "ShapeError", "lastStep", "put an embedding first", "ids"],
  // @ts-expect-error features
  ["features", () => model(input({ shape: [3] }), lastStep()(input({ shape: [3] }))), "ShapeError", "features"],
  ["an option", () => globalMaxPooling1d(untyped({ keepdims: true })), "ConfigError", "globalMaxPooling1d", "keepdims"],
];

const masked = sequential([input({ shape: ["time", 2], name: "x" }), masking({ name: "gaps" }), lstm({ units: 2 })]);
const wrongLayers: readonly Misuse[] = [
  [
    "a recurrence in timeDistributed",
    // @ts-expect-error a layer of sequences
    () => timeDistributed(lstm({ units: 2 })),
    "ConfigError",
    "timeDistributed takes a layer that makes features [batch, features] of features",
    "lstm takes a sequence",
    "Sequences of sequences, [batch, time, inner, features], are no kind of data here",
  ],
  [
    "timeDistributed in itself",
    // @ts-expect-error the same of another layer of sequences
    () => timeDistributed(timeDistributed(dense({ units: 2 }))),
    "ConfigError",
    "sequences",
  ],
  // @ts-expect-error ids
  ["an embedding in it", () => timeDistributed(embedding({ inputDim: 2, outputDim: 2 })), "ConfigError", "embedding"],
  ["a layer of a list in it", () => timeDistributed(untyped(gate())), "ConfigError", "gate takes [sequence, features]"],
  ["no layer in it", () => timeDistributed(untyped("dense")), "ConfigError", "timeDistributed: layer takes a layer"],
  [
    "features to it",
    // @ts-expect-error features
    () => timeDistributed(dense({ units: 2 }))(input({ shape: [2] })),
    "ShapeError",
    "returnSequences",
  ],
  ["epsilon 0", () => layerNormalization({ epsilon: 0 }), "ConfigError", "layerNormalization: epsilon", "got 0"],
  ["an axis", () => layerNormalization(untyped({ axis: -1 })), "ConfigError", "axis", "epsilon, center, scale"],
  [
    "an orthogonal vector",
    () => layerNormalization({ gammaInitializer: "orthogonal" }),
    "ConfigError",
    "gammaInitializer",
    "only matrices",
  ],
  ["a mask value that is none", () => masking({ maskValue: Number.NaN }), "ConfigError", "masking: maskValue", "NaN"],
  // @ts-expect-error features
  ["masking of features", () => masking()(input({ shape: [2] })), "ShapeError", "masking takes a sequence"],
  ["no times", () => repeatVector({ n: 0 }), "ConfigError", "repeatVector: n must be a whole number from 1 on, got 0"],
  // @ts-expect-error a sequence
  ["a sequence repeated", () => repeatVector({ n: 2 })(rows()), "ShapeError", "repeatVector takes features"],
  // @ts-expect-error the wrong way round
  ["a sequence along features", () => repeatAlong()([rows(), input({ shape: [2] })]), "ShapeError", "in this order"],
  // @ts-expect-error one input
  ["one input of two", () => sequential([rows(), repeatAlong()]), "ConfigError", "repeatAlong", "a list of features"],
  // @ts-expect-error features
  ["features dropped", () => spatialDropout1d({ rate: 0.5 })(input({ shape: [2] })), "ShapeError", "dropout"],
  [
    "noise of a negative size",
    () => gaussianNoise({ stddev: -1 }),
    "ConfigError",
    "gaussianNoise: stddev",
    "from 0 on",
  ],
  ["noise of no size", () => gaussianNoise(untyped({})), "ConfigError", "gaussianNoise: stddev", "undefined"],
  ["everything dropped", () => spatialDropout1d({ rate: 1 }), "ConfigError", "spatialDropout1d: rate", "below 1"],
  [
    "a masked step before others",
    () =>
      read(masked, [
        [[1, 0]],
        [
          [1, 2],
          [0, 0],
          [0, 3],
          [0, 0],
        ],
      ]),
    "DataError",
    'masking "gaps": in input "x", row 1 all features of step 1 are 0, which masks it, before the row\'s last step, 2',
    "Leave it out of the row",
  ],
  [
    "ragged rows that zeros do not end",
    () =>
      read(sequential([input({ shape: ["time", 1], name: "x" }), masking({ maskValue: 9 }), lastStep()]), [
        [[1]],
        [[1], [2]],
      ]),
    "DataError",
    "the model does not know lengths; pad the rows to one length, or build it with lengths: true in the input",
  ],
];

test.each([
  [
    "zeros, which fill up ragged rows",
    0,
    [
      [
        [1, 0],
        [0, 0],
      ],
      [[0, 0]],
      [
        [1, 2],
        [0, 2],
        [3, 4],
      ],
    ],
    [1, 0, 3],
  ],
  [
    "another value, in rows of one length",
    9,
    [
      [
        [1, 9],
        [9, 9],
      ],
      [
        [9, 9],
        [9, 9],
      ],
    ],
    [2, 2],
  ],
])("masking of %s takes data whose masked steps stand behind", (_, maskValue, x, lengths) => {
  const chain = sequential([input({ shape: ["time", 2] }), masking({ maskValue }), lastStep()]);
  const [column] = read(chain, x).fed;
  expect(Array.from(column?.column.lengths ?? [])).toEqual(lengths);
});

test.each([
  { layer: null },
  { layer: { kind: "lstm", config: { units: 1 } } },
  { layer: { kind: "nothing", config: {} } },
])("a file with timeDistributed of %j is refused", (config: Json) => {
  const { spec } = sequential([rows(), timeDistributed(dense({ units: 2 })), lastStep()]);
  const layers = spec.layers.map((layer) => (layer.kind === "timeDistributed" ? { ...layer, config } : layer));
  expect(() => parseModelSpec(JSON.parse(JSON.stringify({ ...spec, layers })))).toThrow(/timeDistributed/);
});

for (const misuse of [...wrong, ...wrongLayers]) test(`${misuse[0]} is refused`, () => expectMisuse(misuse));
