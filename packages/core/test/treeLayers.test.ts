/** Layers of trees: their descriptions, their weights, their types and their wrong use. */
import {
  countParameters,
  dense,
  embedding,
  float32,
  fromBytes,
  inferenceGraph,
  input,
  lstm,
  type ModelSpec,
  model,
  parametersOf,
  parseModelSpec,
  printGraph,
  RandomStream,
  recursive,
  recursiveTensor,
  type Symbolic,
  sequential,
  sizeOf,
  sparseCategoricalCrossentropy,
  summary,
  toBytes,
  treeGru,
  treeLstm,
} from "@ostinato/core";
import { describe, expect, expectTypeOf, test } from "vitest";
import { buildModel } from "../src/nn/build.ts";
import { read } from "./data.ts";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";

const nodes = (features = 3) => input({ shape: ["time", features], name: "x", tree: true });
const labels = () => dense({ units: 5, activation: "softmax" });

/** One of each kind and type. */
const layers = [
  treeLstm({ units: 4, returnSequences: true }),
  treeLstm({ units: 4, type: "nary", arity: 3, returnSequences: true }),
  treeGru({ units: 4, returnSequences: true }),
  treeGru({ units: 4, type: "nary", arity: 2, returnSequences: true }),
  recursive({ units: 3, returnSequences: true }),
  recursiveTensor({ units: 3, arity: 1, returnSequences: true }),
];

test("weights have the rows of gates, of children where each has some, and the columns of children", () => {
  const shapes = layers.map((layer) => parametersOf(sequential([nodes(), layer])).map(({ shape }) => shape));
  expect(shapes).toEqual([
    [[16, 3], [16, 4], [16]],
    [[16, 3], [24, 12], [16]],
    [[12, 3], [12, 4], [12]],
    [[12, 3], [20, 8], [12]],
    [[3, 6], [3]],
    [[3, 3], [3, 3, 3], [3]],
  ]);
  expect(parametersOf(sequential([nodes(), treeLstm({ units: 2, useBias: false, name: "t" })]))).toEqual([
    { name: "t/W", shape: [8, 3], trainable: true },
    { name: "t/R", shape: [8, 2], trainable: true },
  ]);
});

test("weights begin as Keras has them: orthogonal columns, and ones for the forget gate", () => {
  const { parameters } = buildModel(sequential([nodes(), treeLstm({ units: 4, type: "nary", arity: 2 })]).spec);
  const [W, R, B] = parameters.map(({ name, initialize }) => initialize(new RandomStream(1, name)));
  const bound = Math.sqrt(6 / (3 + 16));
  expect(Math.max(...(W as Float32Array).map(Math.abs))).toBeLessThan(bound);
  expect(Math.max(...(W as Float32Array).map(Math.abs))).toBeGreaterThan(0.8 * bound);
  expect([...(B as Float32Array)]).toEqual([...Array(8).fill(0), ...Array(4).fill(1), ...Array(4).fill(0)]);
  // R [20, 8], of fewer columns than rows.
  for (let i = 0; i < 8; i++)
    for (let j = 0; j < 8; j++) {
      let product = 0;
      for (let row = 0; row < 20; row++)
        product += ((R as Float32Array)[row * 8 + i] as number) * ((R as Float32Array)[row * 8 + j] as number);
      expect(product).toBeCloseTo(i === j ? 1 : 0, 5);
    }
});

test("they stand one over the other, come back from a file with the same graph, and have a summary", () => {
  const { spec } = sequential([
    embedding({ inputDim: 9, outputDim: 3, maskZero: true }),
    treeLstm({ units: 4, type: "nary", arity: 2, returnSequences: true, dropout: 0.5, recurrentDropout: 0.25 }),
    treeGru({ units: 5, recurrentRegularizer: { l2: 0.01 }, returnSequences: true }),
    dense({ units: 3 }),
    recursiveTensor({ units: 3, tensorInitializer: "zeros" }),
  ]);
  const weights = Object.fromEntries(
    parametersOf({ spec }).map(({ name, shape }) => [name, float32(shape, new Float32Array(sizeOf(shape)).fill(0.5))]),
  );
  const { spec: again } = fromBytes(toBytes({ spec, weights }));
  expect(again).toEqual(spec);
  expect(printGraph(inferenceGraph(again))).toBe(printGraph(inferenceGraph(spec)));
  expect(summary({ spec })).toMatchInlineSnapshot(`
    "Layer (kind)                       Output shape      Parameters
    ───────────────────────────────────────────────────────────────
    embedding (embedding)              [batch, time, 3]          27
    treeLstm (treeLstm)                [batch, time, 4]         224
    treeGru (treeGru)                  [batch, time, 5]         150
    dense (dense)                      [batch, time, 3]          18
    recursiveTensor (recursiveTensor)  [batch, 3]               129
    ───────────────────────────────────────────────────────────────
    Total parameters: 548"
  `);
  expect(countParameters({ spec })).toBe(27 + 48 + 160 + 16 + 60 + 75 + 15 + 15 + 3 + 18 + 108 + 3);
});

test("what they return depends on returnSequences, as types too", () => {
  const x = nodes();
  const every = treeLstm({ units: 2, returnSequences: true })(x);
  const root = treeGru({ units: 2, type: "nary", arity: 2 })(every);
  expectTypeOf(every).toEqualTypeOf<Symbolic<"sequence">>();
  expectTypeOf(root).toEqualTypeOf<Symbolic<"features">>();
  expect([every.kind, root.kind]).toEqual(["sequence", "features"]);
  // @ts-expect-error places need a number of them
  expect(() => treeLstm({ units: 2, type: "nary" })).toThrow();
  // @ts-expect-error sums have no places
  expect(() => treeGru({ units: 2, arity: 2 })).toThrow();
});

const built = (spec: ModelSpec) => inferenceGraph(spec);
const misuses: readonly Misuse[] = [
  ["no units", () => treeLstm(untyped({})), "ConfigError", "treeLstm: units", "from 1 on"],
  ["another type", () => treeLstm(untyped({ units: 2, type: "sum" })), "ConfigError", "childSum, nary", '"sum"'],
  ["places without arity", () => treeGru(untyped({ units: 2, type: "nary" })), "ConfigError", "treeGru: arity"],
  ["no place", () => recursive({ units: 2, arity: 0 }), "ConfigError", "recursive: arity", "from 1 on"],
  [
    "more places than there are in good faith",
    () => treeLstm({ units: 2, type: "nary", arity: 1e9 }),
    "ConfigError",
    "treeLstm: arity must be a whole number from 1 to 256",
  ],
  [
    "an arity of sums",
    () => treeLstm(untyped({ units: 2, arity: 2 })),
    "ConfigError",
    'arity goes with type: "nary"',
    "leave arity out",
  ],
  [
    "what recurrences have and trees have not",
    () => treeLstm(untyped({ units: 2, returnState: true })),
    "ConfigError",
    'no option "returnState"',
  ],
  ["a kernel without a kernel", () => recursive(untyped({ units: 2, kernelInitializer: "zeros" })), "ConfigError"],
  [
    "an input of sequences",
    () => {
      const x = input({ shape: ["time", 3], name: "x" });
      return built(model(x, treeLstm({ units: 2, name: "top" })(x)).spec);
    },
    "ShapeError",
    'treeLstm "top"',
    "input({ shape, tree: true })",
  ],
  [
    "leaves of another width",
    () => built(sequential([nodes(5), recursive({ units: 3 })]).spec),
    "ShapeError",
    'recursive "recursive"',
    "5 features",
    "dense({ units: 3 }) before it",
  ],
  [
    "features",
    () => sequential(untyped([nodes(), treeLstm({ units: 2 }), treeLstm({ units: 2 })])),
    "ShapeError",
    "returnSequences: true",
  ],
  [
    "more children than places",
    () =>
      read(
        sequential([
          embedding({ inputDim: 9, outputDim: 3, maskZero: true }),
          treeLstm({ units: 2, type: "nary", arity: 2, name: "top" }),
          labels(),
        ]),
        [
          { values: [1], parents: [-1] },
          { values: [1, 2, 3, 0], parents: [3, 3, 3, -1] },
        ],
        [0, 1],
        sparseCategoricalCrossentropy(),
      ),
    "DataError",
    'treeLstm "top"',
    "row 1: node 3 has 3 children, and arity is 2",
  ],
];

describe("wrong use is told in one line", () => {
  for (const misuse of misuses) test(misuse[0], () => expectMisuse(misuse));
});

test("a file with an arity that does not fit its type is refused", () => {
  const { spec } = sequential([nodes(), treeLstm({ units: 2 })]);
  const edited = JSON.parse(JSON.stringify(spec).replace('"arity":null', '"arity":2'));
  expect(() => parseModelSpec(edited)).toThrow('arity goes with type: "nary"');
  const large = JSON.parse(
    JSON.stringify(sequential([nodes(), recursive({ units: 3 })]).spec).replace('"arity":2', '"arity":9e15'),
  );
  expect(() => parseModelSpec(large)).toThrow("arity must be a whole number from 1 to 256");
  expect(lstm({ units: 2 }).spec.config).not.toHaveProperty("arity");
});
