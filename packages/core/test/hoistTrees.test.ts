/** What levels of trees add up for a weight: one product over all nodes where its operands can be kept, and what stays as it is. */
import {
  feed,
  type Graph,
  gradients,
  hoistTrees,
  lower,
  scatterAdd,
  state,
  type TreeLevel,
  tanh,
  treeRecur,
  type Value,
} from "@ostinato/core";
import { add, dot, gather, mul, printGraph, sigmoid, sum } from "@ostinato/core/graph";
import { expect, test } from "vitest";

const tree = {
  nodes: feed("nodes", "int32", ["n", 2]),
  edges: feed("edges", "int32", ["n", 3]),
  levels: feed("levels", "int32", ["l", 2]),
};
const x = feed("x", "float32", ["time", "batch", 3]);
const R = state("R", "float32", [3, 3]);
const all = { name: "all", runs: () => true };

/** The gradient of R, and of x where it is asked for. */
function gradientOf(body: (level: TreeLevel) => Value, wrt: readonly Value[] = [R]): Graph {
  const [h] = treeRecur({ tree, sequences: [x], constants: [R], states: [[3]], body: (level) => [body(level)] });
  const fetches = Object.fromEntries(gradients([{ value: h as Value, cotangent: x }], wrt).map((d, i) => [`d${i}`, d]));
  return lower({ fetches, updates: [] }, all, [hoistTrees]).graph;
}

const lines = (graph: Graph): string[] => printGraph(graph).split("\n");

/** What stands before and behind the gradient op, and the results of its body. */
const around = (graph: Graph): string => {
  const printed = lines(graph);
  const from = printed.findIndex((line) => line.includes("treeRecurGrad"));
  return printed
    .slice(from)
    .filter((line) => !line.startsWith("  %"))
    .join("\n");
};

const times = (a: Value, w: Value): Value => dot(a, w, { contract: [[1], [1]] });
const ofChildren = ({ children: [h], parents, level }: TreeLevel): Value =>
  scatterAdd(parents as Value, h?.[0] as Value, level);

test("a product with what is known of the nodes of a level", () => {
  const graph = gradientOf((level) =>
    tanh(add(level.slices[0] as Value, times(ofChildren(level), level.constants[0] as Value))),
  );
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "%0: int32[n, 2] = feed nodes
    %1: int32[n, 3] = feed edges
    %2: int32[l, 2] = feed levels
    %3: float32[time, batch, 3] = feed x
    %4: float32[3, 3] = state R
    %5: float32[time, batch, 3] = treeRecur(%0, %1, %2, %3, %4, body={
      %0: float32[n/children, 3] = parameter children0
      %1: float32[n/level, 3] = parameter slice0
      %2: int32[n/children] = parameter parents
      %3: float32[3, 3] = parameter constant0
      %4: float32[n/level, 3] = scatterAdd(%2, %0, rows=n/level)
      %5: float32[n/level, 3] = dot(%4, %3, contract=[[1],[1]], batch=[[],[]])
      %6: float32[n/level, 3] = fused(%1, %5, shape=["n/level",3], operands=["float32","float32"], operations=[{"op":"add","attrs":{},"inputs":[0,1],"dtype":"float32"},{"op":"tanh","attrs":{},"inputs":[2],"dtype":"float32"}], results=[3])
      return %6
    }, states=1, sequences=1)
    %6: float32[time, batch, 3], float32[n, 3], float32[n, 3] = treeRecurGrad(%0, %1, %2, %5, %3, %3, %4, body={
      %0: float32[n/level, 3] = parameter cotangent0
      %1: float32[n/children, 3] = parameter parameter0
      %2: float32[n/level, 3] = parameter parameter1
      %3: int32[n/children] = parameter parameter2
      %4: float32[3, 3] = parameter parameter3
      %5: float32[n/level, 3] = scatterAdd(%3, %1, rows=n/level)
      %6: float32[n/level, 3] = dot(%5, %4, contract=[[1],[1]], batch=[[],[]])
      %7: float32[] = constant(dtype=float32, shape=[], data=[1])
      %8: float32[n/level, 3] = fused(%2, %6, %7, %0, shape=["n/level",3], operands=["float32","float32","float32","float32"], operations=[{"op":"broadcast","attrs":{"shape":["n/level",3],"axes":[]},"inputs":[2],"dtype":"float32"},{"op":"add","attrs":{},"inputs":[0,1],"dtype":"float32"},{"op":"tanh","attrs":{},"inputs":[5],"dtype":"float32"},{"op":"mul","attrs":{},"inputs":[6,6],"dtype":"float32"},{"op":"sub","attrs":{},"inputs":[4,7],"dtype":"float32"},{"op":"mul","attrs":{},"inputs":[3,8],"dtype":"float32"}], results=[9])
      %9: float32[n/level, 3] = dot(%8, %4, contract=[[1],[0]], batch=[[],[]])
      %10: float32[n/children, 3] = gather(%9, %3)
      return %10, %8, %5
    }, states=1, sequences=1, slices=0, rows=2)
    %7: float32[3, 3] = dot(%6.1, %6.2, contract=[[0],[0]], batch=[[],[]])
    fetch d0 = %7"
  `);
});

test("a product with each child, and the gradient of a sequence beside it", () => {
  const graph = gradientOf(
    (level) => {
      const [[h] = []] = level.children;
      const parents = level.parents as Value;
      const gate = sigmoid(
        add(gather(level.slices[0] as Value, parents), times(h as Value, level.constants[0] as Value)),
      );
      return tanh(add(level.slices[0] as Value, scatterAdd(parents, mul(gate, h as Value), level.level)));
    },
    [x, R],
  );
  expect(around(graph)).toMatchInlineSnapshot(`
    "%6: float32[time, batch, 3], float32[time, batch, 3], float32[n, 3], float32[n, 3] = treeRecurGrad(%0, %1, %2, %5, %3, %3, %4, body={
      return %14, %16, %12, %1
    }, states=1, sequences=1, slices=1, rows=2)
    %7: float32[3, 3] = dot(%6.2, %6.3, contract=[[0],[0]], batch=[[],[]])
    fetch d0 = %6.1
    fetch d1 = %7"
  `);
});

test("the sum of two products of one weight", () => {
  const graph = gradientOf((level) => {
    const w = level.constants[0] as Value;
    return tanh(add(times(level.slices[0] as Value, w), times(tanh(ofChildren(level)), w)));
  });
  expect(around(graph)).toMatchInlineSnapshot(`
    "%6: float32[time, batch, 3], float32[n, 3], float32[n, 3], float32[n, 3] = treeRecurGrad(%0, %1, %2, %5, %3, %3, %4, body={
      return %13, %10, %6, %2
    }, states=1, sequences=1, slices=0, rows=3)
    %7: float32[3, 3] = dot(%6.1, %6.2, contract=[[0],[0]], batch=[[],[]])
    %8: float32[3, 3] = dot(%6.1, %6.3, contract=[[0],[0]], batch=[[],[]])
    %9: float32[3, 3] = add(%7, %8)
    fetch d0 = %9"
  `);
});

test("what is no sum over the nodes stays", () => {
  const stays = gradientOf((level) => {
    const scale = sum(mul(level.constants[0] as Value, level.constants[0] as Value));
    return tanh(mul(ofChildren(level), scale));
  });
  expect(around(stays)).toMatchInlineSnapshot(`
    "%6: float32[time, batch, 3], float32[3, 3] = treeRecurGrad(%0, %1, %2, %5, %3, %3, %4, body={
      return %9, %10
    }, states=1, sequences=1, slices=0, rows=0)
    fetch d0 = %6.1"
  `);
});
