/** Products that read transposed operands as they lie. Sizes of axes differ, so that a product of the same shape sums over the same axes. */
import { nodesOf } from "@ostinato/core";
import { dot, feed, transpose, type Value } from "@ostinato/core/graph";
import { expect, test } from "vitest";
import { rewrite } from "../src/ir/rewrite.ts";
import { readAsItLies } from "../src/nn/decoding/layout.ts";

const turned = (product: Value): Value => rewrite([product], readAsItLies)[0] as Value;
const transposes = (value: Value): number => nodesOf([value]).filter(({ op }) => op === "transpose").length;

/** A value of `shape`, whose axis i is the axis order[i] of the feed that it is a transpose of. */
function turn(name: string, order: readonly number[], shape: readonly number[]): Value {
  const before = shape.map((_, axis) => shape[order.indexOf(axis)] as number);
  return transpose(feed(name, "float32", before), order);
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
      const product = dot(a, b, { contract: [[2], [1]], batch: [[0], [0]] });
      const same = turned(product);
      expect(transposes(same)).toBe(0);
      expect(same.type).toEqual(product.type);
    }
});

test("groups of axes that were not side by side stay as they are made", () => {
  const x = feed("x", "float32", [2, 3, 4]);
  // The rows are the first and the last axis of x.
  const rows = transpose(x, [0, 2, 1]);
  expect(transposes(turned(dot(rows, feed("w", "float32", [3, 2]), { contract: [[2], [0]] })))).toBe(1);
  // The summed axes are in another order.
  const sums = dot(transpose(x, [0, 2, 1]), feed("v", "float32", [4, 3]), {
    contract: [
      [1, 2],
      [0, 1],
    ],
  });
  expect(transposes(turned(sums))).toBe(1);
});
