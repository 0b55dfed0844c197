/** What holds for gru and simpleRnn as for lstm: parameters as Keras counts them, files, first weights, and wrong use in words. */
import {
  type AnyLayer,
  countParameters,
  dense,
  embedding,
  float32,
  fromBytes,
  gru,
  inferenceGraph,
  input,
  lstm,
  ModelFileError,
  type ModelSpec,
  model,
  printGraph,
  RandomStream,
  sequential,
  simpleRnn,
  sizeOf,
  summary,
  summaryRows,
  type Tensors,
  type Trained,
  toBytes,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { buildModel } from "../src/nn/build.ts";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";
import { edited } from "./models.ts";

const x = (features = 2) => input({ shape: ["time", features], name: "x" });

/** Weights that are told apart. */
function trainedOf(spec: ModelSpec): Trained {
  const weights: Tensors = Object.fromEntries(
    buildModel(spec).parameters.map(({ name, shape }, k) => {
      const data = Array.from({ length: sizeOf(shape) }, (_, i) => k + i / 64);
      return [name, float32(shape, data)];
    }),
  );
  return { spec, weights };
}

const counts: readonly (readonly [
  name: string,
  layer: (units: number) => AnyLayer,
  keras: (units: number, features: number) => number,
])[] = [
  ["lstm", (units) => lstm({ units }), (u, f) => 4 * (u * (u + f) + u)],
  ["lstm without bias", (units) => lstm({ units, useBias: false }), (u, f) => 4 * u * (u + f)],
  ["gru", (units) => gru({ units }), (u, f) => 3 * (u * (u + f) + 2 * u)],
  ["gru, reset before", (units) => gru({ units, resetAfter: false }), (u, f) => 3 * (u * (u + f) + u)],
  ["gru without bias", (units) => gru({ units, useBias: false }), (u, f) => 3 * u * (u + f)],
  [
    "gru, reset before, without bias",
    (units) => gru({ units, resetAfter: false, useBias: false }),
    (u, f) => 3 * u * (u + f),
  ],
  ["simpleRnn", (units) => simpleRnn({ units }), (u, f) => u * (u + f) + u],
  ["simpleRnn without bias", (units) => simpleRnn({ units, useBias: false }), (u, f) => u * (u + f)],
];

describe("parameters are as many as Keras has", () => {
  test.each(counts)("%s", (_, layer, keras) => {
    for (const [units, features] of [
      [1, 1],
      [3, 5],
      [128, 10],
    ] as const) {
      const chain: readonly AnyLayer[] = [layer(units)];
      expect(countParameters(sequential(untyped([x(features), ...chain])))).toBe(keras(units, features));
    }
  });

  test("the summary names each layer by its kind", () => {
    const network = sequential([
      embedding({ inputDim: 5000, outputDim: 10 }),
      gru({ units: 32, returnSequences: true }),
      simpleRnn({ units: 8 }),
      dense({ units: 1, activation: "sigmoid" }),
    ]);
    // Keras's model.summary() of the same: 3 · (32 · 42 + 64) and 8 · 40 + 8.
    expect(summaryRows(network).map((row) => row.parameters)).toEqual([50_000, 4_224, 328, 9]);
    expect(summary(network, { time: 300 })).toMatchInlineSnapshot(`
      "Layer (kind)           Output shape      Parameters
      ───────────────────────────────────────────────────
      embedding (embedding)  [batch, 300, 10]      50,000
      gru (gru)              [batch, 300, 32]       4,224
      simpleRnn (simpleRnn)  [batch, 8]               328
      dense (dense)          [batch, 1]                 9
      ───────────────────────────────────────────────────
      Total parameters: 54,561"
    `);
  });
});

/** Every kind with an option of its own that is not the default, a state that begins another, and one layer applied twice. */
function everyKind(): ModelSpec {
  const words = x();
  const start = input({ shape: [3], name: "start" });
  const twice = gru({ units: 2, returnSequences: true, resetAfter: false, name: "twice" });
  const [y, h] = gru({ units: 3, returnSequences: true, returnState: true, reverse: true, dropout: 0.25 })(
    twice(twice(words)),
    { initialState: [start] },
  );
  const [z, last] = simpleRnn({ units: 3, returnSequences: true, returnState: true, activation: "relu" })(y, {
    initialState: [h],
  });
  const out = simpleRnn({ units: 2, useBias: false, recurrentDropout: 0.5, recurrentRegularizer: { l2: 0.01 } })(z);
  return model([words, start], { out, last }).spec;
}

describe("files", () => {
  const trained = trainedOf(everyKind());
  const bytes = toBytes(trained);

  test("come back with the same spec, weights and graph, and give the same bytes", () => {
    const read = fromBytes(bytes);
    expect(read).toEqual(trained);
    expect(toBytes(read)).toEqual(bytes);
    expect(printGraph(inferenceGraph(read.spec))).toBe(printGraph(inferenceGraph(trained.spec)));
  });

  test("hold the weights of each kind, in ONNX's layout", () => {
    const shapes = Object.entries(fromBytes(bytes).weights).map(([name, { shape }]) => [name, shape]);
    expect(Object.fromEntries(shapes)).toEqual({
      "twice/W": [6, 2],
      "twice/R": [6, 2],
      "twice/B": [6],
      "gru/W": [9, 2],
      "gru/R": [9, 3],
      "gru/B": [9],
      "gru/recurrentBias": [9],
      "simpleRnn/W": [3, 3],
      "simpleRnn/R": [3, 3],
      "simpleRnn/B": [3],
      "simpleRnn_1/W": [2, 3],
      "simpleRnn_1/R": [2, 2],
    });
  });

  test("of a gru that resets after the product need both biases, those of one that resets before have one", () => {
    const { "gru/recurrentBias": recurrentBias, ...rest } = trained.weights;
    expect(() => toBytes({ ...trained, weights: rest })).toThrow(ModelFileError);
    expect(() => toBytes({ ...trained, weights: rest })).toThrow('"gru/recurrentBias" are missing');
    const more = { ...trained.weights, "twice/recurrentBias": recurrentBias as Tensors[string] };
    expect(() => toBytes({ ...trained, weights: more })).toThrow('"twice/recurrentBias" belong to no layer');
  });

  test.each([
    [{ unitForgetBias: true }, 'gru "gru" has no option "unitForgetBias"'],
    [{ resetAfter: 1 }, 'gru "gru": resetAfter must be true or false, got 1'],
    [{ units: 2.5 }, 'gru "gru": units must be a whole number'],
    // Written by hand: without its own bias of the recurrent product such a gru has other weights.
    [{ resetAfter: false }, '"gru/recurrentBias" belong to no layer'],
  ])("with the options %o, which are not those of the weights or of a gru, are refused by name", (config, words) => {
    const wrong = edited(bytes, (header) => {
      const metadata = header.__metadata__ as Record<string, string>;
      const spec = JSON.parse(metadata.spec as string);
      const layer = spec.layers.find(({ name }: { name: string }) => name === "gru");
      Object.assign(layer.config, config);
      metadata.spec = JSON.stringify(spec);
      delete metadata.checksum;
    });
    expect(() => fromBytes(wrong)).toThrow(ModelFileError);
    expect(() => fromBytes(wrong)).toThrow(words);
  });
});

test("first weights: biases are zeros, the recurrent kernel is orthogonal over all gates as in Keras", () => {
  const { spec } = sequential([x(), gru({ units: 4, returnSequences: true }), simpleRnn({ units: 4 })]);
  const { parameters } = buildModel(spec);
  const all = (name: string): number[] =>
    parameters.flatMap((own) => (own.name === name ? Array.from(own.initialize(new RandomStream(1, name))) : []));
  for (const name of ["gru/B", "gru/recurrentBias"]) expect(all(name), name).toEqual(new Array(12).fill(0));
  expect(all("simpleRnn/B")).toEqual([0, 0, 0, 0]);
  // Keras draws [units, gates · units] with orthonormal rows: ours are its columns, [gates · units, units].
  for (const name of ["gru/R", "simpleRnn/R"]) {
    const rows = all(name);
    const dot = (a: number, b: number): number =>
      rows.reduce((sum, value, i) => (i % 4 === a ? sum + value * (rows[i - a + b] as number) : sum), 0);
    for (let a = 0; a < 4; a++)
      for (let b = 0; b < 4; b++) expect(dot(a, b), `${name} ${a} ${b}`).toBeCloseTo(a === b ? 1 : 0, 5);
  }
});

const features = (width: number) => input({ shape: [width], name: `f${width}` });

const backwards = { units: 1, goBackwards: true };

const misuses: readonly Misuse[] = [
  [
    "the two states of an lstm for a gru",
    () => gru({ units: 3 })(x(), untyped({ initialState: [features(3), features(4)] })),
    "ConfigError",
    "gru: initialState must be [h]",
  ],
  [
    "a state that is not in a list",
    () => simpleRnn({ units: 3 })(x(), untyped({ initialState: features(3) })),
    "ConfigError",
    "simpleRnn: initialState must be [h]",
  ],
  ["no state in the list", () => gru({ units: 3 })(x(), untyped({ initialState: [] })), "ConfigError", "[h]"],
  [
    "a gru's state of other units",
    () => {
      const [words, state] = [x(), features(4)];
      return model([words, state], gru({ units: 3, name: "cell" })(words, { initialState: [state] }));
    },
    "ShapeError",
    'gru "cell": initialState h must be [batch, 3] for 3 units, it was given [batch, 4]',
  ],
  [
    "a simpleRnn's state of other units",
    () => {
      const [words, state] = [x(), features(1)];
      return model([words, state], simpleRnn({ units: 3, name: "cell" })(words, { initialState: [state] }));
    },
    "ShapeError",
    'simpleRnn "cell": initialState h must be [batch, 3] for 3 units, it was given [batch, 1]',
  ],
  [
    "a sequence for a state",
    () => simpleRnn({ units: 2 })(x(), untyped({ initialState: [x()] })),
    "ShapeError",
    "simpleRnn: initialState h must be features [batch, units], it was given sequence",
  ],
  ...[() => gru(untyped(backwards)), () => lstm(untyped(backwards)), () => simpleRnn(untyped(backwards))].map(
    (make): Misuse => ["goBackwards", make, "ConfigError", 'no option "goBackwards"; write reverse: true'],
  ),
  [
    "the states of an lstm in a list",
    () => {
      const words = x();
      return model(words, untyped(lstm({ units: 1, returnState: true })(words)));
    },
    "ConfigError",
    "name each: { output, h, c }",
  ],
  [
    "an lstm's option for a gru",
    () => gru(untyped({ units: 1, unitForgetBias: true })),
    "ConfigError",
    'gru has no option "unitForgetBias"; it takes units',
    "resetAfter",
  ],
  [
    "a gru's option for an lstm",
    () => lstm(untyped({ units: 1, resetAfter: false })),
    "ConfigError",
    'lstm has no option "resetAfter"',
  ],
  [
    "the gates' activation for a simpleRnn, which has no gates",
    () => simpleRnn(untyped({ units: 1, recurrentActivation: "sigmoid" })),
    "ConfigError",
    'simpleRnn has no option "recurrentActivation"',
  ],
  [
    "resetAfter as text",
    () => gru({ units: 1, resetAfter: untyped("false") }),
    "ConfigError",
    'gru: resetAfter must be true or false, got "false"',
  ],
  [
    "an activation that recurrences have not",
    () => simpleRnn({ units: 1, activation: untyped("selu") }),
    "ConfigError",
    "simpleRnn: activation must be one of linear, relu, leakyRelu, elu, sigmoid, hardSigmoid, softplus, softsign, tanh",
  ],
  ["no units", () => gru(untyped({})), "ConfigError", "gru: units must be a whole number from 1 on"],
  ["dropout of everything", () => simpleRnn({ units: 1, recurrentDropout: 1 }), "ConfigError", "below 1"],
  [
    "a gru on ids",
    () => sequential(untyped([gru({ units: 1 })])),
    "ShapeError",
    "gru takes a sequence [batch, time, features]",
    "embedding",
  ],
  [
    "a simpleRnn after the last state of a gru",
    () => sequential(untyped([x(), gru({ units: 1 }), simpleRnn({ units: 1 })])),
    "ShapeError",
    "simpleRnn takes a sequence",
    "returnSequences: true",
  ],
  [
    "states in a chain",
    () => sequential(untyped([x(), gru({ units: 1, returnState: true })])),
    "ConfigError",
    "gru gives several results, as recurrences do by returnState",
  ],
];

describe("wrong use", () => {
  for (const misuse of misuses) test(misuse[0], () => expectMisuse(misuse));
});
