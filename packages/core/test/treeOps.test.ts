/** Ops on trees: what is refused where graphs are built, and which indexes are refused where they run. */
import {
  apply,
  bind,
  bodyOf,
  checkForest,
  DataError,
  DTypeError,
  type Forest,
  feed,
  gradients,
  isStructured,
  levelDims,
  lower,
  mul,
  nodesPerLevel,
  rewriteBody,
  ShapeError,
  scatterAdd,
  type TreeLevel,
  tanh,
  treeRecur,
  UnsupportedOpError,
  type Value,
} from "@ostinato/core";
import { add, full, printGraph, sum } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";

const tree = {
  nodes: feed("x/nodes", "int32", ["x/nodes", 2]),
  edges: feed("x/edges", "int32", ["x/nodes", 3]),
  levels: feed("x/levels", "int32", ["x/levels", 2]),
};
const x = feed("x", "float32", ["time", "batch", 3]);

const sumOfChildren = ({ children: [h], slices: [now], parents, level }: TreeLevel): Value[] => [
  tanh(add(now as Value, scatterAdd(parents as Value, h?.[0] as Value, level))),
];
const run = (given: Partial<Parameters<typeof treeRecur>[0]> = {}): Value[] =>
  treeRecur({ tree, sequences: [x], states: [[3]], body: sumOfChildren, ...given });

describe("a graph of trees", () => {
  test("is shown with its body, and its gradient", () => {
    const [h] = run() as [Value];
    const [gradient] = gradients([{ value: h, cotangent: mul(h, 2) }], [x]) as [Value];
    expect(printGraph({ fetches: { h, gradient }, updates: [] })).toMatchInlineSnapshot(`
      "%0: int32[x/nodes, 2] = feed x/nodes
      %1: int32[x/nodes, 3] = feed x/edges
      %2: int32[x/levels, 2] = feed x/levels
      %3: float32[time, batch, 3] = feed x
      %4: float32[time, batch, 3] = treeRecur(%0, %1, %2, %3, body={
        %0: float32[x/nodes/children, 3] = parameter children0
        %1: float32[x/nodes/level, 3] = parameter slice0
        %2: int32[x/nodes/children] = parameter parents
        %3: float32[x/nodes/level, 3] = scatterAdd(%2, %0, rows=x/nodes/level)
        %4: float32[x/nodes/level, 3] = add(%1, %3)
        %5: float32[x/nodes/level, 3] = tanh(%4)
        return %5
      }, states=1, sequences=1)
      %5: float32[] = constant(dtype=float32, shape=[], data=[2])
      %6: float32[time, batch, 3] = broadcast(%5, shape=["time","batch",3], axes=[])
      %7: float32[time, batch, 3] = mul(%4, %6)
      %8: float32[time, batch, 3], float32[time, batch, 3] = treeRecurGrad(%0, %1, %2, %4, %7, %3, body={
        %0: float32[x/nodes/level, 3] = parameter cotangent0
        %1: float32[x/nodes/children, 3] = parameter parameter0
        %2: float32[x/nodes/level, 3] = parameter parameter1
        %3: int32[x/nodes/children] = parameter parameter2
        %4: float32[] = constant(dtype=float32, shape=[], data=[1])
        %5: float32[x/nodes/level, 3] = broadcast(%4, shape=["x/nodes/level",3], axes=[])
        %6: float32[x/nodes/level, 3] = scatterAdd(%3, %1, rows=x/nodes/level)
        %7: float32[x/nodes/level, 3] = add(%2, %6)
        %8: float32[x/nodes/level, 3] = tanh(%7)
        %9: float32[x/nodes/level, 3] = mul(%8, %8)
        %10: float32[x/nodes/level, 3] = sub(%5, %9)
        %11: float32[x/nodes/level, 3] = mul(%0, %10)
        %12: float32[x/nodes/children, 3] = gather(%11, %3)
        return %12, %11
      }, states=1, sequences=1, slices=1, rows=0)
      fetch h = %4
      fetch gradient = %8.1"
    `);
  });

  test("needs capacities of its feeds alone", () => {
    const all = { name: "all", runs: () => true };
    const { level, children } = levelDims("x/nodes");
    const { capacities, arenaBytes } = bind(lower({ fetches: { h: run()[0] as Value }, updates: [] }, all), {
      "x/nodes": 1000,
      "x/levels": 50,
      time: 100,
      batch: 10,
    });
    expect(capacities).toEqual({
      "x/nodes": 1000,
      "x/levels": 50,
      time: 100,
      batch: 10,
      [level]: nodesPerLevel,
      [children]: 1000,
    });
    expect(arenaBytes).toBeLessThan(4 * 3 * 1000 * 6);
  });

  test("keeps its sizes where another body takes the place of its own", () => {
    const { node, type } = run()[0] as Value;
    expect(isStructured(node.op)).toBe(true);
    expect(rewriteBody(node, node.inputs, (results) => results)).toBeUndefined();
    const [twice] = rewriteBody(node, node.inputs, ([h]) => [mul(h as Value, 2)]) as [Value];
    expect(twice.type).toEqual(type);
    expect(bodyOf(twice.node)?.results[0]?.node.op).toBe("mul");
  });

  test("has no gradient of its gradient", () => {
    const [h] = run() as [Value];
    const [once] = gradients([{ value: h, cotangent: h }], [x]) as [Value];
    expect(() => gradients([{ value: once, cotangent: once }], [x])).toThrow(
      new UnsupportedOpError("treeRecurGrad has no gradient of its own"),
    );
  });
});

describe("refused where a graph is built are", () => {
  const wrong: readonly [string, () => unknown, typeof ShapeError | typeof DTypeError, string][] = [
    [
      "index tensors of another type",
      () => run({ tree: { ...tree, nodes: feed("n", "float32", ["x/nodes", 2]) } }),
      DTypeError,
      "treeRecur: nodes must be int32[x/nodes, 2], got float32[x/nodes, 2]",
    ],
    [
      "edges of another number than nodes",
      () => run({ tree: { ...tree, edges: feed("e", "int32", ["edges", 3]) } }),
      ShapeError,
      "treeRecur: edges must be int32[x/nodes, 3], got int32[edges, 3]",
    ],
    [
      "no sequence",
      () => run({ sequences: [], body: ({ children }) => [children[0]?.[0] as Value] }),
      ShapeError,
      "treeRecur: sequences must be 1 or more, got 0",
    ],
    [
      "sequences over other rows",
      () => run({ sequences: [x, feed("y", "float32", ["time", "others", 3])] }),
      ShapeError,
      "treeRecur: sequence 1 must be float32[time, batch, 3], got float32[time, others, 3]",
    ],
    [
      "a state of another size than it is said to have",
      () => run({ body: ({ slices }) => [sum(slices[0] as Value, [1])] }),
      ShapeError,
      "treeRecur: parameter 0 of the body must be float32[x/nodes/children], got float32[x/nodes/children, 3]",
    ],
    [
      "a state that is not of each node",
      () => run({ body: ({ children }) => [children[0]?.[0] as Value] }),
      ShapeError,
      "treeRecur: state 0 of the body must be float32[x/nodes/level, 3], got float32[x/nodes/children, 3]",
    ],
    [
      "whole numbers as a state",
      () =>
        run({
          sequences: [feed("ids", "int32", ["time", "batch", 3])],
          body: ({ slices }) => [slices[0] as Value],
        }),
      DTypeError,
      "treeRecur: state 0 of the body must be float32[x/nodes/level, 3], got int32[x/nodes/level, 3]",
    ],
    [
      "fewer states than it is said to have",
      () => run({ states: [[3], [3]] }),
      ShapeError,
      "treeRecur: the body gives 1 states instead of 2",
    ],
    [
      "a constant of the size of a level",
      () => run({ constants: [full(1, ["x/nodes/level", 3])], body: ({ constants: [ones] }) => [ones as Value] }),
      ShapeError,
      "treeRecur: constant 0 is float32[x/nodes/level, 3], which changes from level to level; compute it in the body",
    ],
    [
      "trees in the body",
      () =>
        run({
          constants: [tree.nodes, tree.edges, tree.levels, x],
          body: ({ slices: [now], constants: [nodes, edges, levels, whole] }) => {
            const inner = { nodes, edges, levels } as typeof tree;
            const [h] = treeRecur({ tree: inner, sequences: [whole as Value], states: [[3]], body: sumOfChildren });
            return [mul(now as Value, sum(h as Value))];
          },
        }),
      ShapeError,
      "treeRecur: its body goes over trees itself",
    ],
  ];
  test.each(wrong)("%s", (_, build, kind, message) => {
    expect(build).toThrow(new kind(message));
  });

  test("gradients of constants that change from level to level", () => {
    const { node } = gradients([{ value: run()[0] as Value, cotangent: x }], [x])[0] as Value;
    if (node.op !== "treeRecurGrad") throw new Error(`the gradient is ${node.op}`);
    expect(() => apply("treeRecurGrad", node.inputs, { ...node.attrs, slices: 5 })).toThrow(
      "treeRecurGrad: of 0 constants, 5 slices and 0 rows the body gives 1 values",
    );
  });
});

/** Row 0: two leaves and their parent. Row 1: one node. */
const good = {
  nodes: [0, 0, 0, 1, 1, 0, 0, 2],
  edges: [0, 3, 0, 1, 3, 1, -1, -1, -1, -1, -1, -1],
  levels: [3, 0, 4, 2],
};

function check({ nodes, edges, levels }: typeof good, arity?: number): void {
  const rows = (name: string, data: number[], width: number) => {
    const padded = Int32Array.from([7, ...data]);
    return { name, data: padded, offset: 1, rows: data.length / width };
  };
  const forest: Forest = {
    nodes: rows("x/nodes", nodes, 2),
    edges: rows("x/edges", edges, 3),
    levels: rows("x/levels", levels, 2),
  };
  checkForest(forest, { time: 3, batch: 2, arity });
}

describe("indexes", () => {
  test("of trees are taken", () => {
    expect(() => check(good)).not.toThrow();
    expect(() => check(good, 2)).not.toThrow();
    expect(() => check({ nodes: [1, 2], edges: [-1, -1, -1], levels: [1, 0] })).not.toThrow();
  });

  const changed = (part: keyof typeof good, at: number, value: number) => ({
    ...good,
    [part]: good[part].with(at, value),
  });
  test.each([
    [
      "a level without nodes",
      changed("levels", 2, 3),
      '"x/levels", row 1: nodes 3 … 2 are not 1 to 256 of the 4 there are',
    ],
    [
      "a level past the nodes",
      changed("levels", 2, 5),
      '"x/levels", row 1: nodes 3 … 4 are not 1 to 256 of the 4 there are',
    ],
    [
      "a level past the edges",
      changed("levels", 3, 5),
      '"x/levels", row 1: edges 0 … 4 do not lie within the 4 there are',
    ],
    ["nodes in no level", { ...good, levels: [3, 0] }, '"x/nodes", row 3: it is in no level'],
    [
      "a row past the batch",
      changed("nodes", 0, 2),
      '"x/nodes", row 0: step 0 of row 2 does not lie within 3 steps of 2 rows',
    ],
    [
      "a negative step",
      changed("nodes", 1, -1),
      '"x/nodes", row 0: step -1 of row 0 does not lie within 3 steps of 2 rows',
    ],
    ["a place of two nodes", changed("nodes", 3, 0), '"x/nodes", row 1: step 0 of row 0 is another node already'],
    [
      "a parent in another level",
      changed("edges", 1, 2),
      '"x/edges", row 0: the parent 2 is none of the nodes 3 … 3, which are next in its level',
    ],
    ["positions that repeat", changed("edges", 5, 0), '"x/edges", row 1: the position 0 does not follow 0'],
    [
      "a child in its parent's level",
      changed("edges", 0, 3),
      '"x/edges", row 0: the child 3 is in no level below that of node 3',
    ],
    ["a negative child", changed("edges", 0, -1), '"x/edges", row 0: the child -1 is in no level below that of node 3'],
    [
      "a child of another row",
      changed("edges", 0, 2),
      '"x/edges", row 0: the child 2 is in another row than its parent 3',
    ],
    ["a child with two parents", changed("edges", 3, 0), '"x/edges", row 1: node 0 has two parents'],
    [
      "an edge behind the last",
      changed("edges", 6, 2),
      '"x/edges", row 2: it is in no level; behind the last edge each row must be -1',
    ],
  ])("of %s are refused", (_, forest, message) => {
    expect(() => check(forest)).toThrow(new DataError(message));
  });

  test("of more children than the arity are refused", () => {
    expect(() => check(good, 1)).toThrow('"x/edges", row 1: the position 1 does not follow 0 within an arity of 1');
  });

  test("of more nodes in a level than are computed together are refused", () => {
    const count = nodesPerLevel + 1;
    const rows = (name: string, data: number[], width: number) => ({
      name,
      data,
      offset: 0,
      rows: data.length / width,
    });
    const nodes = rows("nodes", Array.from({ length: count }, (_, i) => [i, 0]).flat(), 2);
    const edges = rows("edges", new Array(3 * count).fill(-1), 3);
    const sizes = { time: 1, batch: count };
    expect(() => checkForest({ nodes, edges, levels: rows("levels", [256, 0, count, 0], 2) }, sizes)).not.toThrow();
    expect(() => checkForest({ nodes, edges, levels: rows("levels", [count, 0], 2) }, sizes)).toThrow(
      '"levels", row 0: nodes 0 … 256 are not 1 to 256 of the 257 there are',
    );
  });
});
