/** Random graphs of many ops: values that are read late, twice, under another shape or from one number, so that plans are put to the test. */
import {
  abs,
  broadcast,
  concat,
  dot,
  max,
  mul,
  relu,
  reshape,
  reverse,
  scan,
  sigmoid,
  slice,
  softmax,
  sub,
  sum,
  tanh,
  transpose,
  type Value,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import type { Draw, DrawnDim } from "./draw.ts";

const columns = 4;

/** Values of the shapes [n, 4], [n] and []. */
interface Pool {
  readonly matrices: Value[];
  readonly vectors: Value[];
  readonly scalars: Value[];
}

type Grow = (draw: Draw, pool: Pool, n: DrawnDim) => void;

const matrix = (draw: Draw, { matrices }: Pool): Value => draw.one(matrices);

/** Keeps numbers small, so that long chains stay within single precision. */
const tame = (x: Value): Value => mul(tanh(x), 1.5);

/** Each adds one or more values to the pool. */
const growth: readonly Grow[] = [
  (draw, pool) => pool.matrices.push(tame(add(matrix(draw, pool), matrix(draw, pool)))),
  (draw, pool) => pool.matrices.push(tame(mul(matrix(draw, pool), sub(1, matrix(draw, pool))))),
  (draw, pool) => pool.matrices.push(draw.one([relu, sigmoid, abs, softmax])(matrix(draw, pool))),
  (draw, pool) => pool.matrices.push(reverse(matrix(draw, pool), draw.whole(0, 1))),
  (draw, pool) => pool.vectors.push(tame(sum(matrix(draw, pool), [1]))),
  (draw, pool) => pool.vectors.push(max(matrix(draw, pool), [1])),
  (draw, pool) => pool.scalars.push(tame(sum(matrix(draw, pool)))),
  (draw, pool) => pool.scalars.push(max(draw.one(pool.vectors), [0])),
  // One number for all: read by an elementwise op, and by one that needs every element.
  (draw, pool, { dim }) => {
    const spread = broadcast(draw.one(pool.scalars), [dim, columns], []);
    pool.matrices.push(add(matrix(draw, pool), spread));
    if (draw.chance(0.3)) pool.vectors.push(tame(sum(spread, [1])));
  },
  (draw, pool, { dim }) => pool.matrices.push(broadcast(draw.one(pool.vectors), [dim, columns], [0])),
  // Another shape over the same memory, and back.
  (draw, pool, { dim }) => {
    const folded = reshape(matrix(draw, pool), [dim, 2, 2]);
    const turned = draw.chance(0.5) ? folded : transpose(folded, [0, 2, 1]);
    pool.matrices.push(reshape(turned, [dim, columns]));
  },
  (draw, pool) => {
    const x = matrix(draw, pool);
    pool.matrices.push(concat([slice(x, 1, 2, 2), slice(matrix(draw, pool), 1, -3, 2)], 1));
  },
  (draw, pool) => {
    const gram = tame(dot(matrix(draw, pool), matrix(draw, pool), { contract: [[0], [0]] }));
    pool.matrices.push(tame(dot(matrix(draw, pool), gram, { contract: [[1], [draw.whole(0, 1)]] })));
  },
  (draw, pool) => {
    const { carries, outputs } = scan({
      initial: [max(matrix(draw, pool), [0])],
      sequences: [matrix(draw, pool), draw.one(pool.vectors)],
      constants: [draw.one(pool.scalars)],
      reverse: draw.chance(0.5),
      body: ([h], [x, v], [s]) => ({ carries: [tanh(add(mul(h, s), mul(x, v)))], outputs: [sub(x, h)] }),
    });
    pool.matrices.push(tame(outputs[0]));
    pool.scalars.push(tame(sum(carries[0])));
  },
];

/** About thirty ops, and a few of all their values. */
export function graphTrial(draw: Draw): Readonly<Record<string, Value>> {
  const n = draw.named("n", 7);
  const pool: Pool = {
    matrices: [
      draw.float("a", [n, { dim: columns, size: columns }]),
      draw.float("b", [n, { dim: columns, size: columns }]),
    ],
    vectors: [draw.float("v", [n])],
    scalars: [draw.float("s", [])],
  };
  for (let i = 0; i < 30; i++) draw.one(growth)(draw, pool, n);
  const last = { matrix: pool.matrices.at(-1), vector: pool.vectors.at(-1), scalar: pool.scalars.at(-1) };
  const some = Array.from({ length: 4 }, (_, i) => [`some${i}`, matrix(draw, pool)]);
  return { ...(last as Record<string, Value>), ...Object.fromEntries(some) };
}
