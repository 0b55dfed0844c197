/** Trees as data: what is read of them, how a batch of them is laid out, and what is refused. */
import {
  add,
  attention,
  bidirectional,
  buildLayer,
  concatenate,
  defineLayer,
  dense,
  dropout,
  embedding,
  type Flow,
  forestOf,
  globalAveragePooling1d,
  gru,
  input,
  layerNormalization,
  lstm,
  masking,
  model,
  type Outputs,
  parseLayer,
  parseModelSpec,
  RandomStream,
  repeatAlong,
  sequential,
  sparseCategoricalCrossentropy,
  type Tree,
  timeDistributed,
  treeLstm,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { buildModel } from "../src/nn/build.ts";
import { capacitiesOf } from "../src/train/data/batchRoom.ts";
import { batch, read } from "./data.ts";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";
import { labelled, randomTree, randomTrees, reading } from "./treeModels.ts";

/** (very (good film)) and a single word. */
const small: Tree[] = [
  { values: [7, 5, 8, 0, 0], parents: [4, 3, 3, 4, -1] },
  { values: Int32Array.of(2), parents: Int32Array.of(-1) },
];

/** The rows of a tensor. */
function rowsOf({ shape: [rows = 0, width = 0], data }: { shape: readonly number[]; data: ArrayLike<number> }) {
  return Array.from({ length: rows }, (_, row) => Array.from({ length: width }, (_, k) => data[row * width + k]));
}

test("a small forest, level by level", () => {
  const { nodes, edges, levels, lengths } = forestOf(small);
  expect(rowsOf(nodes)).toEqual([
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 0],
    [0, 3],
    [0, 4],
  ]);
  expect(rowsOf(edges)).toEqual([
    [1, 4, 0],
    [2, 4, 1],
    [0, 5, 0],
    [4, 5, 1],
    [-1, -1, -1],
    [-1, -1, -1],
  ]);
  expect(rowsOf(levels)).toEqual([
    [4, 0],
    [5, 2],
    [6, 4],
  ]);
  expect([...lengths.data]).toEqual([5, 1]);
});

/** What a forest says of trees against what the trees say. */
function expectPacked(trees: readonly Tree[], { nodes, edges, levels }: ReturnType<typeof forestOf>): void {
  const places = rowsOf(nodes) as [number, number][];
  const numberOf = new Map(places.map(([row, step], number) => [`${row}.${step}`, number]));
  expect(numberOf.size).toBe(trees.reduce((all, { parents }) => all + parents.length, 0));
  expect(places.length).toBe(numberOf.size);

  const levelOf: number[] = [];
  const ends = rowsOf(levels) as [number, number][];
  let before = [0, 0];
  ends.forEach((end, level) => {
    expect(end[0] - (before[0] as number)).toBeGreaterThan(0);
    expect(end[0] - (before[0] as number)).toBeLessThanOrEqual(256);
    for (let number = before[0] as number; number < end[0]; number++) levelOf[number] = level;
    before = end;
  });
  expect(before[0]).toBe(places.length);

  const all = rowsOf(edges) as [number, number, number][];
  const real = all.slice(0, places.length - trees.length);
  expect(
    all
      .slice(real.length)
      .flat()
      .every((index) => index === -1),
  ).toBe(true);
  expect(before[1]).toBe(real.length);
  const wanted = trees.flatMap(({ parents }, row) => {
    const seen = new Map<number, number>();
    return Array.from(parents).flatMap((parent, node) => {
      if (parent < 0) return [];
      const place = seen.get(parent) ?? 0;
      seen.set(parent, place + 1);
      return [[numberOf.get(`${row}.${node}`), numberOf.get(`${row}.${parent}`), place] as const];
    });
  });
  const byParent = [...wanted].sort((a, b) => (a[1] as number) - (b[1] as number) || a[2] - b[2]);
  expect(real).toEqual(byParent);
  real.forEach(([child, parent], edge) => {
    expect(levelOf[child]).toBeLessThan(levelOf[parent] as number);
    const level = levelOf[parent] as number;
    expect(edge).toBeLessThan(ends[level]?.[1] as number);
    expect(edge).toBeGreaterThanOrEqual(ends[level - 1]?.[1] as number);
  });
}

test("any forest has each node once, children in lower levels, siblings in their order", () => {
  for (let seed = 0; seed < 60; seed++) {
    const trees = randomTrees(seed, 1 + (seed % 9), 1 + 3 * (seed % 20));
    expectPacked(trees, forestOf(trees));
  }
  const random = new RandomStream(3, "wide");
  const wide = [randomTree(random, 900, 900), randomTree(random, 1500, 3), randomTree(random, 1)];
  expectPacked(wide, forestOf(wide));
});

test("a tree 100,000 deep, and one with as many children", () => {
  const size = 100_000;
  const chain = {
    values: new Int32Array(size),
    parents: Int32Array.from({ length: size }, (_, i) => (i === size - 1 ? -1 : i + 1)),
  };
  const star = {
    values: new Int32Array(size),
    parents: Int32Array.from({ length: size }, (_, i) => (i === size - 1 ? -1 : size - 1)),
  };
  const { levels, nodes } = forestOf([chain, star]);
  // The leaves of the star are in levels of 256, then come the levels of the chain.
  expect(levels.shape[0]).toBe(size + Math.ceil(size / 256) - 1);
  expect(nodes.shape[0]).toBe(2 * size);
});

describe("batches of trees", () => {
  const trees = randomTrees(5, 12, 30);
  const y = trees.map(({ parents }) => Array.from(parents, () => 1));

  test("each is the forest of its rows, and fits into what the data needs at most", () => {
    const dataset = read(labelled(), trees, y, sparseCategoricalCrossentropy());
    for (const [from, count] of [
      [0, 12],
      [3, 4],
      [11, 1],
    ] as const) {
      const own = trees.slice(from, from + count);
      const fed = batch(dataset, count, from);
      const { nodes, edges, levels, lengths } = forestOf(own);
      for (const [name, tensor] of Object.entries({ nodes, edges, levels, lengths }))
        expect(fed[`input/${name}`], name).toEqual({ shape: [...tensor.shape], data: [...tensor.data] });
      const room = capacitiesOf(dataset, count);
      expect(nodes.shape[0]).toBeLessThanOrEqual(room["input/nodes"] as number);
      expect(levels.shape[0]).toBeLessThanOrEqual(room["input/levels"] as number);
    }
    const sizes = trees.map(({ parents }) => parents.length).sort((a, b) => a - b);
    expect(capacitiesOf(dataset, 2)["input/nodes"]).toBe((sizes.at(-1) as number) + (sizes.at(-2) as number));
    expect(capacitiesOf({ ...dataset, reach: 5 }, 1)["input/nodes"]).toBeLessThanOrEqual(5);
  });

  test("vectors at nodes, and words beside other inputs", () => {
    const nodes = input({ shape: ["time", 2], name: "nodes", tree: true });
    const other = input({ shape: [1], name: "other" });
    const two = model([nodes, other], { all: reading({})(nodes), more: dense({ units: 2 })(other) });
    const x = {
      nodes: [
        {
          values: [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
          parents: [2, 2, -1],
        },
        { values: [[7, 8]], parents: [-1] },
      ],
      other: [[1], [2]],
    };
    const fed = batch(read(two, x));
    expect(fed.nodes).toEqual({ shape: [2, 3, 2], data: [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0] });
    expect(fed["nodes/lengths"]?.data).toEqual([3, 1]);
    expect(fed["nodes/levels"]?.data).toEqual([3, 0, 4, 2]);
  });
});

describe("the graph", () => {
  test("a chain with a layer of trees has an input of trees, also where the layer is inside of another", () => {
    const wrapping = defineLayer({
      kind: "wrapping",
      parse: (options: { readonly layer: object }, owner, known) => ({
        layer: parseLayer(`${owner}: layer`, options.layer, known),
      }),
      takes: "a sequence",
      outputs: { sequence: "sequence" } satisfies Outputs,
      build: (context, { layer }, [x]) => buildLayer(context, "layer", layer, [x]),
    });
    const table = embedding({ inputDim: 9, outputDim: 2 });
    for (const layer of [reading({}), wrapping({ layer: reading({}) })])
      expect(sequential([table, layer]).spec.inputs).toEqual([
        { name: "input", kind: "ids", shape: ["time"], lengths: true, tree: true },
      ]);
    expect(sequential([table, lstm({ units: 2 })]).spec.inputs[0]).not.toHaveProperty("tree");
  });

  test("whatever keeps the time axis keeps the trees, and a file does", () => {
    const x = input({ shape: ["nodes"], tree: true });
    const words = embedding({ inputDim: 9, outputDim: 2, maskZero: true })(x);
    const both = bidirectional(gru({ units: 2, returnSequences: true }), { mergeMode: "sum" })(words);
    const each = timeDistributed(dense({ units: 2 }))(dropout({ rate: 0.5 })(masking()(both)));
    const sums = attention()([layerNormalization()(each), add()([words, each])]);
    const whole = repeatAlong()([globalAveragePooling1d()(sums), sums]);
    const last = lstm({ units: 3 })(reading({})(concatenate()([whole, sums])));
    const { spec } = model(x, { last, nodes: dense({ units: 1 })(whole) });
    const again = parseModelSpec(JSON.parse(JSON.stringify(spec)), { layers: [reading] });
    expect(again.inputs).toEqual([{ name: "input", kind: "ids", shape: ["nodes"], lengths: true, tree: true }]);
    const { inputs, calls } = buildModel(again);
    again.calls.forEach(({ layer }, call) => {
      const [flow] = calls[call] ?? [];
      const { kind, name } = again.layers[layer] ?? {};
      expect(flow?.tree, name).toBe(flow?.kind === "sequence" ? inputs[0]?.tree : undefined);
      expect(flow?.lengths !== undefined, name).toBe(flow?.kind === "sequence");
      expect(flow?.kind === "features", name).toBe(kind === "lstm" || kind === "globalAveragePooling1d");
    });
  });
});

describe("a layer of a user's own", () => {
  const own = (flow: (x: Flow) => object) =>
    defineLayer({
      kind: "own",
      parse: () => ({}),
      takes: "a sequence",
      outputs: { sequence: "sequence" },
      build: (_context, _config, [x]) => [{ kind: "sequence", values: x.values, ...flow(x) }],
    });
  const chain = (flow: (x: Flow) => object) =>
    sequential([embedding({ inputDim: 9, outputDim: 2 }), own(flow)({}), reading({})]);

  test("passes trees on without knowing of them", () => {
    const { spec } = chain(({ lengths }) => ({ lengths }));
    const { inputs, calls } = buildModel(spec);
    expect(calls[1]?.[0]?.tree).toBe(inputs[0]?.tree);
    expect(inputs[0]?.tree).toBeDefined();
  });

  test("with trees from elsewhere is refused", () =>
    expectMisuse([
      "a copy",
      () => chain(({ lengths, tree }) => ({ lengths, tree: { ...tree } })),
      "ConfigError",
      'own "own": its result has a tree that is not that of an input',
    ]));
});

describe("what is no tree is refused", () => {
  const chain = labelled();
  const refused = (trees: unknown, ...words: readonly string[]): Misuse => [
    words.join(),
    () => read(chain, untyped(trees)),
    words[0] as string,
    ...words.slice(1),
  ];
  const tree = (parents: readonly unknown[], values: unknown = parents.map(() => 1)) => [small[0], { values, parents }];
  const wrong: readonly Misuse[] = [
    refused(
      [[1, 2], [3]],
      "ShapeError",
      'input "input" takes trees { values, parents }, row 0 is a list',
      "tree: true",
    ),
    refused(small[0], "ShapeError", "one tree", "[tree]"),
    refused(7, "ShapeError", "a list of trees"),
    refused(
      [{ words: ["film"], parents: [-1], labels: ["3"] }],
      "ShapeError",
      "row 0 is a tree of words",
      "encodeTrees",
    ),
    refused([small[0], null], "ShapeError", "row 1 is null"),
    // biome-ignore lint/suspicious/noSparseArray: a hole is what is tried
    refused([small[0], , small[1]], "ShapeError", "row 1 is undefined"),
    refused({ dtype: "int32", shape: [1, 2], data: [1, 2] }, "ShapeError", "got a tensor", "a list of values"),
    refused(tree([1n, -1n]), "DataError", "node 0 has the parent 1n, a bigint", "Int32Array.from(parents, Number)"),
    refused(tree([1, -1], [1, Number.NaN]), "DataError", "row 1, node 1: a whole number is wanted, got NaN"),
    refused([], "DataError", "no rows"),
    refused(tree([]), "DataError", "row 1 has no nodes"),
    refused(tree([1, -1], [1]), "DataError", "row 1 has 1 values and 2 parents"),
    refused(tree([0, -1]), "DataError", "row 1: node 0 has the parent 0, which does not come after it"),
    refused(tree([2, 0, -1]), "DataError", "node 1 has the parent 0, which does not come after it"),
    refused(tree([-1, -1]), "DataError", "node 0 has the parent -1", "one root"),
    refused(tree([1, 0]), "DataError", "node 1, the last, has the parent 0", "root"),
    refused(tree([7, -1]), "DataError", "node 0 has the parent 7", "one of the nodes 1 … 1"),
    refused(tree([0.5, -1]), "DataError", "node 0 has the parent 0.5"),
    refused(tree(["1", -1]), "DataError", 'node 0 has the parent "1"'),
    refused(tree([1, -1], [1, 9]), "DataError", 'embedding "words"', "row 1 has the id 9 at node 1"),
    refused(tree([1, -1], [1, "good"]), "DataError", "row 1", 'the string "good"', "encodeTexts"),
    ...[
      [[0, 1, 2, 0], [1]],
      [
        [0, 1, 2, 0, 1],
        [1, 1],
      ],
    ].map(
      (y, row): Misuse => [
        `labels of ${row === 0 ? "too few" : "too many"} nodes`,
        () => read(chain, small, y, sparseCategoricalCrossentropy()),
        "ShapeError",
        `row ${row} has ${y[row]?.length} steps, input "input" has ${row === 0 ? 5 : 1} nodes`,
      ],
    ),
    [
      "ids without an embedding",
      () => sequential(untyped([treeLstm({ units: 2 })])),
      "ShapeError",
      "put an embedding first",
      'for vectors begin with input({ shape: ["time", features], tree: true })',
    ],
    [
      "labels of nodes for a model of roots",
      () => {
        const table = embedding({ inputDim: 9, outputDim: 2, maskZero: true });
        const roots = sequential([table, treeLstm({ units: 2 }), dense({ units: 3, activation: "softmax" })]);
        return read(roots, small, [[0, 1, 2, 0, 1], [1]], sparseCategoricalCrossentropy());
      },
      "ShapeError",
      "row 0 has 5 numbers; where each step or node has one",
      "returnSequences: true",
    ],
    [
      "trees for a plain input",
      () => read(sequential([embedding({ inputDim: 9, outputDim: 2, maskZero: true }), lstm({ units: 2 })]), small),
      "ShapeError",
      "row 0 is an object",
      "tree: true",
    ],
    [
      "an input of trees that nothing reads",
      () => sequential([input({ shape: ["time", 2], tree: true }), lstm({ units: 2 })]),
      "ConfigError",
      'no layer reads the trees of the input "input"',
    ],
    [
      "trees of features",
      () => input({ shape: [2], tree: true }),
      "ConfigError",
      'input "input": features have no nodes',
    ],
  ];
  for (const misuse of wrong) test(misuse[0], () => expectMisuse(misuse));
});
