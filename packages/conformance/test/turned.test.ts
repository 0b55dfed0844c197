/** Products that read transposed operands as they lie: the same numbers, and nothing is written down for them. */
import { evaluate } from "@ostinato/conformance";
import { float32, type Graph, nodesOf, rootsOf, sizeOf } from "@ostinato/core";
import { dot, feed, transpose, type Value } from "@ostinato/core/graph";
import { expect, test } from "vitest";
import { rewrite } from "../../core/src/ir/rewrite.ts";
import { readAsItLies } from "../../core/src/nn/decoding/layout.ts";

const graphOf = (y: Value): Graph => ({ fetches: { y }, updates: [] });
const turned = ({ fetches: { y } }: Graph): Graph => graphOf(rewrite([y], readAsItLies)[0]);
const transposes = (graph: Graph): number => nodesOf(rootsOf(graph)).filter(({ op }) => op === "transpose").length;

const numbers = (shape: readonly number[], seed: number) =>
  float32(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * seed + seed)),
  );

/** A value of `shape`, whose axis i is the axis order[i] of the feed that it is a transpose of. */
function turn(name: string, order: readonly number[], shape: readonly number[]) {
  const before = shape.map((_, axis) => shape[order.indexOf(axis)]);
  return { shape: before, value: transpose(feed(name, "float32", before), order) };
}

const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

test("a batched product reads either operand in any order of its axes", () => {
  for (const left of orders)
    for (const right of orders) {
      const [a, b] = [turn("a", left, [2, 3, 4]), turn("b", right, [2, 4, 5])];
      const graph = graphOf(dot(a.value, b.value, { contract: [[2], [1]], batch: [[0], [0]] }));
      const same = turned(graph);
      expect(transposes(same)).toBe(0);
      const feeds = { a: numbers(a.shape, 2), b: numbers(b.shape, 3) };
      expect(evaluate(same, feeds).fetches.y).toEqual(evaluate(graph, feeds).fetches.y);
    }
});

test("groups of axes that were not side by side stay as they are made", () => {
  const x = feed("x", "float32", [2, 3, 4]);
  // The rows are the first and the last axis of x.
  const rows = transpose(x, [0, 2, 1]);
  const product = dot(rows, feed("w", "float32", [3, 2]), { contract: [[2], [0]] });
  expect(transposes(turned(graphOf(product)))).toBe(1);
  // The summed axes are in another order.
  const turnedOver = transpose(x, [0, 2, 1]);
  const both = dot(turnedOver, feed("v", "float32", [4, 3]), {
    contract: [
      [1, 2],
      [0, 1],
    ],
  });
  expect(transposes(turned(graphOf(both)))).toBe(1);
});
