/** Drawing ids of classes for a sampled softmax, in the graph, from the random masks of training: the same ids on every backend. */
import { add, cast, less, select } from "../../ir/build/elementwise.ts";
import { gather } from "../../ir/build/index.ts";
import { dot } from "../../ir/build/linear.ts";
import { constant } from "../../ir/build/source.ts";
import type { Value } from "../../ir/ops.ts";
import type { BuildContext } from "../../nn/layer.ts";

/** Float32 adds up whole numbers exactly below 2²⁴. */
const MOST_BITS = 24;

/**
 * A line of `samples` intervals of equal length, in whole units. Each class has a piece of the line, of no more than one interval. A point is drawn from each interval, so that a class
 * is drawn as often, on average, as its piece is a share of an interval; a class that has a whole interval is drawn once each time.
 */
export interface CandidateLine {
  readonly samples: number;
  /** An interval has 2^bits units. */
  readonly bits: number;
  /** The classes in the order of their pieces. */
  readonly order: readonly number[];
  /** Where the piece of each begins, in that order. */
  readonly starts: readonly number[];
  /** The mean number of times that each class, by id, is drawn: from above 0 to 1. */
  readonly expected: readonly number[];
}

/** Shares of the classes → how often each is drawn: in proportion to its share, but no more than once. `falling` is sorted, the largest first. */
function expectedCounts(falling: readonly number[], samples: number): number[] {
  let rest = falling.reduce((a, b) => a + b, 0);
  let whole = 0;
  // Each class whose part of what is left would be more than one draw gets one.
  for (; whole < samples && (falling[whole] as number) * (samples - whole) >= rest; whole++)
    rest -= falling[whole] as number;
  const factor = rest > 0 ? (samples - whole) / rest : 0;
  return falling.map((share, i) => (i < whole ? 1 : share * factor));
}

/** The line for classes with such `shares`, which are above 0. `samples` is at most their number. */
export function candidateLine(shares: readonly number[], samples: number): CandidateLine {
  const bits = Math.min(MOST_BITS, 30 - Math.ceil(Math.log2(samples)));
  const unit = 2 ** bits;
  const order = shares.map((_, id) => id).sort((a, b) => (shares[b] as number) - (shares[a] as number) || a - b);
  const counts = expectedCounts(
    order.map((id) => shares[id] as number),
    samples,
  );
  let at = 0;
  const starts = counts.map((count, i) => {
    // Each piece has a unit at least: no class is left out.
    const start = Math.min(Math.max(Math.round(at), i), samples * unit - (counts.length - i));
    at += count * unit;
    return start;
  });
  for (let i = 1; i < starts.length; i++) starts[i] = Math.max(starts[i] as number, (starts[i - 1] as number) + 1);
  const expected: number[] = [];
  order.forEach((id, i) => {
    expected[id] = ((starts[i + 1] ?? samples * unit) - (starts[i] as number)) / unit;
  });
  return { samples, bits, order, starts, expected };
}

/** int32 [samples]: the class of a point of each interval. */
export function drawCandidates(
  { samples, bits, order, starts }: CandidateLine,
  mask: NonNullable<BuildContext["mask"]>,
): Value {
  const ints = (data: readonly number[]): Value => constant(data, "int32", [data.length]);
  // A mask that keeps half of its elements as 2, and the others as 0, is a row of coins.
  const coins = mask(0.5, [samples, bits]);
  const digits = constant(
    Array.from({ length: bits }, (_, bit) => 2 ** (bit - 1)),
    "float32",
    [bits],
  );
  const within = cast(dot(coins, digits, { contract: [[1], [0]] }), "int32");
  const points = add(within, ints(Array.from({ length: samples }, (_, i) => i * 2 ** bits)));
  // A binary search for the last piece that begins at the point or before, from the piece that the interval begins in.
  const first: number[] = [];
  for (let i = 0, piece = 0; i < samples; i++) {
    while ((starts[piece + 1] ?? Number.POSITIVE_INFINITY) <= i * 2 ** bits) piece++;
    first.push(piece);
  }
  const widest = first.reduce((most, piece, i) => Math.max(most, (first[i + 1] ?? order.length - 1) - piece), 0);
  const steps = Math.ceil(Math.log2(widest + 1));
  const past = Array.from({ length: 2 ** steps }, () => 2 ** 31 - 1);
  const table = ints([...starts, ...past]);
  let piece = ints(first);
  for (let step = steps - 1; step >= 0; step--) {
    const next = add(piece, 2 ** step);
    piece = select(less(points, gather(table, next)), piece, next);
  }
  return order.every((id, i) => id === i) ? piece : gather(ints(order), piece);
}
