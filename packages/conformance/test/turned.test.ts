/** Products that read transposed operands as they lie: the same numbers, and nothing is written down for them. */
import { evaluate } from "@ostinato/conformance";
import {
  attention,
  decodingOf,
  embedding,
  encoderDecoder,
  float32,
  type Graph,
  gru,
  nodesOf,
  rootsOf,
  sizeOf,
} from "@ostinato/core";
import { dot, feed, transpose, type Value } from "@ostinato/core/graph";
import { expect, test } from "vitest";
import { stepGraph } from "../../core/src/decoding/graphs.ts";
import { turned } from "../../core/src/passes/turned.ts";

const graphOf = (y: Value): Graph => ({ fetches: { y }, updates: [] });
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

test("a step of decoding reads its memory as it is held", () => {
  const { spec } = encoderDecoder({
    sourceEmbedding: embedding({ inputDim: 9, outputDim: 4, maskZero: true }),
    targetEmbedding: embedding({ inputDim: 7, outputDim: 4, maskZero: true }),
    encoder: [gru({ units: 3 })],
    decoder: [gru({ units: 3 })],
    attention: attention({ scoreMode: "general" }),
  });
  const graph = stepGraph(decodingOf(spec), { top: 3, limited: false, attention: false });
  const moved = (given: Graph): number =>
    nodesOf(rootsOf(given)).filter(({ op, inputs: [x] }) => {
      const from = x?.node;
      return op === "transpose" && from?.op === "input" && x?.type.shape.length === 3;
    }).length;
  expect(moved(graph)).toBeGreaterThan(0);
  expect(moved(turned(graph))).toBe(0);
});
