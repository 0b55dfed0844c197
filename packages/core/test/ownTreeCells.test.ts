/** Cells of trees of one's own: files, types, and mistakes, each told in one line by the name of the cell. */
import {
  defineCell,
  defineTreeCell,
  embedding,
  feed,
  float32,
  fromBytes,
  inferenceGraph,
  input,
  model,
  OptionReader,
  parametersOf,
  printGraph,
  rnn,
  type Symbolic,
  sequential,
  sizeOf,
  sparseCategoricalCrossentropy,
  summary,
  toBytes,
  treeLstm,
  treeRnn,
} from "@ostinato/core";
import { add, full, matmul, mul, tanh } from "@ostinato/core/graph";
import { describe, expect, expectTypeOf, test } from "vitest";
import { read } from "./data.ts";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";

const readUnits = (options: { units: number }, owner: string) => ({
  units: new OptionReader(owner, options, ["units"]).integer("units", 1),
});

/** h = tanh(W · x + R · Σ h of the children) */
const sumTree = defineTreeCell({
  kind: "sumTree",
  parse: readUnits,
  states: ["h"],
  sizes: ({ units }) => ({ h: units }),
  build({ parameter }, { units }, { features }) {
    const kernel = parameter("kernel", [features, units], "glorotUniform");
    const recurrent = parameter("recurrent", [units, units], "orthogonal");
    return {
      prepare: (x) => matmul(x, kernel),
      node: ({ x, children: [all], sum }) => ({ states: { h: tanh(add(x, sum(matmul(all!.h, recurrent)))) } }),
    };
  },
});

/** h = x + left - right, of features as they are. */
const difference = defineTreeCell({
  kind: "difference",
  parse: readUnits,
  states: ["h"],
  sizes: ({ units }) => ({ h: units }),
  arity: () => 2,
  build: () => ({
    node: ({ x, children: [left, right] }) => ({ states: { h: add(x, add(left!.h, mul(right!.h, -1))) } }),
  }),
});

const nodes = () => input({ shape: ["time", 3], name: "x", tree: true });

test("a model with cells comes back from a file that is read with them, with the same graph", () => {
  const { spec } = sequential([
    nodes(),
    treeRnn(sumTree({ units: 3 }), { returnSequences: true }),
    treeRnn(difference({ units: 3 })),
  ]);
  expect(summary({ spec })).toContain("treeRnn_1 (treeRnn)  [batch, 3]");
  const weights = Object.fromEntries(
    parametersOf({ spec }).map(({ name, shape }) => [name, float32(shape, new Float32Array(sizeOf(shape)).fill(0.5))]),
  );
  expect(Object.keys(weights)).toEqual(["treeRnn/kernel", "treeRnn/recurrent"]);
  const bytes = toBytes({ spec, weights });
  const { spec: again } = fromBytes(bytes, { layers: [sumTree, difference] });
  expect(again).toEqual(spec);
  expect(printGraph(inferenceGraph(again))).toBe(printGraph(inferenceGraph(spec)));
  expect(() => fromBytes(bytes, { layers: [sumTree] })).toThrow('is of an unknown kind, "difference"');
});

test("the root alone, or every node, as types too", () => {
  const every = treeRnn(sumTree({ units: 2 }), { returnSequences: true })(nodes());
  expectTypeOf(every).toEqualTypeOf<Symbolic<"sequence">>();
  expectTypeOf(treeRnn(sumTree({ units: 2 }))(every)).toEqualTypeOf<Symbolic<"features">>();
});

const own = (parts: object) =>
  defineTreeCell(
    untyped({
      kind: "broken",
      parse: readUnits,
      states: ["h"],
      sizes: ({ units }: { units: number }) => ({ h: units }),
      build: () => ({ node: ({ x }: { x: unknown }) => ({ states: { h: x } }) }),
      ...parts,
    }),
  ) as typeof sumTree;
const run = (parts: object, units = 3) => {
  const x = nodes();
  return inferenceGraph(model(x, treeRnn(own(parts)({ units }))(x)).spec);
};
const node = (make: unknown) => ({ build: () => ({ node: make }) });

const misuses: readonly Misuse[] = [
  [
    "no cell",
    () => treeRnn(untyped(undefined)),
    "ConfigError",
    "treeRnn: cell takes a cell, which comes from what defineTreeCell made",
  ],
  [
    "a layer of trees",
    () => treeRnn(untyped(treeLstm({ units: 2 }))),
    "ConfigError",
    'got the layer "treeLstm"; a layer needs no treeRnn around it',
  ],
  [
    "a cell of trees for rnn",
    () => rnn(sumTree({ units: 2 })),
    "ConfigError",
    'what defineCell made, got the cell "sumTree"; treeRnn makes a layer of it: treeRnn(sumTree({ … }))',
  ],
  [
    "a cell of steps for treeRnn",
    () => {
      const steps = defineCell({
        kind: "steps",
        parse: readUnits,
        states: ["h"],
        sizes: ({ units }) => ({ h: units }),
        build: () => ({ step: ({ states }) => ({ states }) }),
      });
      return treeRnn(steps({ units: 2 }));
    },
    "ConfigError",
    'what defineTreeCell made, got the cell "steps"; rnn makes a layer of it: rnn(steps({ … }))',
  ],
  [
    "the kind of a layer",
    () => own({ kind: "treeLstm" }),
    "ConfigError",
    "defineTreeCell",
    "call yours by another kind",
  ],
  ["no build", () => own({ build: undefined }), "ConfigError", "defineTreeCell: build of", "must be a function"],
  ["an unknown part", () => own({ step: () => 0 }), "ConfigError", 'unknown key "step"', "arity"],
  [
    "another option",
    () => treeRnn(sumTree({ units: 2 }), untyped({ reverse: true })),
    "ConfigError",
    'no option "reverse"',
  ],
  [
    "no places",
    () => run({ arity: () => 0 }),
    "ConfigError",
    "broken: arity must be a whole number from 1 to 256, got 0",
  ],
  ["no node", () => run({ build: () => ({}) }), "ConfigError", "treeRnn", "its cell broken: build must give { node }"],
  ["no states", () => run(node(() => ({}))), "ConfigError", "node must give { states: { h } }"],
  ["another state", () => run(node(() => ({ states: { c: 1 } }))), "ConfigError", 'unknown key "c"'],
  [
    "a state that is no value",
    () => run(node(() => ({ states: { h: 1 } }))),
    "ConfigError",
    "the state h that node gives",
  ],
  [
    "a state of another size",
    () => run({}, 2),
    "ShapeError",
    "the state h that node gives must be float32[x/nodes/level, 2]",
  ],
  [
    "a sum over places",
    () =>
      run({
        ...node(({ sum, x }: { sum: (v: unknown) => unknown; x: unknown }) => ({ states: { h: sum(x) } })),
        arity: () => 2,
      }),
    "ConfigError",
    "sum is for cells without arity",
  ],
  [
    "what is not its own",
    () => run(node(() => ({ states: { h: feed("other", "float32", ["x/nodes/level", 3]) } }))),
    "ConfigError",
    'build reads the feed "other"',
  ],
  [
    "a prepared value without its nodes",
    () =>
      run({
        build: () => ({
          prepare: () => full(0, ["batch", 3]),
          node: ({ x }: { x: unknown }) => ({ states: { h: x } }),
        }),
      }),
    "ShapeError",
    "what prepare gives must begin with [time, batch]",
  ],
  [
    "an input of sequences",
    () => {
      const x = input({ shape: ["time", 3], name: "x" });
      return inferenceGraph(model(x, treeRnn(sumTree({ units: 2 }))(x)).spec);
    },
    "ShapeError",
    "input({ shape, tree: true })",
  ],
  [
    "more children than places",
    () =>
      read(
        sequential([
          embedding({ inputDim: 9, outputDim: 3, maskZero: true }),
          treeRnn(difference({ units: 3 }), { name: "top" }),
        ]),
        [{ values: [1, 2, 3, 0], parents: [3, 3, 3, -1] }],
        [0],
        sparseCategoricalCrossentropy(),
      ),
    "DataError",
    'treeRnn "top"',
    "node 3 has 3 children, and arity is 2",
  ],
];

describe("wrong use is told in one line", () => {
  for (const misuse of misuses) test(misuse[0], () => expectMisuse(misuse));
});
