/** Which rows make a batch, and the order of the batches. */
import { RandomStream, shuffle } from "../../random.ts";

/** How large batches are at the most. */
export interface BatchSizing {
  /** Rows of a batch. Infinity where its steps alone are bounded. */
  readonly batchSize: number;
  /** Steps of a batch: its rows times the steps of the longest of them. A longer row is a batch by itself. */
  readonly batchTokens?: number | undefined;
}

export interface OrderOptions extends BatchSizing {
  readonly seed: number;
  /** Which order of this seed: the epochs count. */
  readonly index: number;
  readonly shuffle: boolean;
  /** Batches are made of rows of similar length. */
  readonly groupByLength: boolean;
}

/** Rows in the order in which they are taken, and where each batch of them ends. */
export interface RowBatches {
  readonly order: Int32Array;
  readonly ends: readonly number[];
  /** Of all rows of the data, by their numbers. */
  readonly lengths: RowLengths;
}

/** Lengths by row: the first tell how long a row is, the others decide among rows that are equally long. */
export type RowLengths = readonly [Int32Array, ...Int32Array[]];

/** Batches from among which rows of similar length are put together: enough to waste little, few enough to keep the batches mixed. */
const POOL = 100;

/** Row numbers in order. */
export function inOrder(rows: number): Int32Array {
  return Int32Array.from({ length: rows }, (_, row) => row);
}

/** The rows of batch `step`, from 0. */
export function rowsOf({ order, ends }: RowBatches, step: number): Int32Array {
  return order.subarray(ends[step - 1] ?? 0, ends[step]);
}

/** Where batches end of the rows `from` … `to - 1` of an order: each has as many rows as are within the bounds, and one at least. */
function cut(sizing: BatchSizing, order: Int32Array, [lengths]: RowLengths, from: number, to: number): number[] {
  const { batchSize, batchTokens = Number.POSITIVE_INFINITY } = sizing;
  const ends: number[] = [];
  let start = from;
  let longest = 0;
  for (let at = from; at < to; at++) {
    const length = lengths[order[at] as number] as number;
    longest = Math.max(longest, length);
    const rows = at + 1 - start;
    if (rows === 1 || (rows <= batchSize && rows * longest <= batchTokens)) continue;
    ends.push(at);
    start = at;
    longest = length;
  }
  if (start < to) ends.push(to);
  return ends;
}

/** How many rows are whole batches: without a bound of their number all are. */
function wholeRows(rows: number, { batchSize }: BatchSizing): number {
  return Number.isFinite(batchSize) ? rows - (rows % batchSize) : rows;
}

/** Sorts rows by length; equal ones keep their order. */
function sortByLength(rows: Int32Array, lengths: RowLengths, sign: 1 | -1): void {
  const sorted = [...rows].sort((a, b) => {
    for (const own of lengths) {
      const difference = (own[a] as number) - (own[b] as number);
      if (difference !== 0) return sign * difference;
    }
    return 0;
  });
  rows.set(sorted);
}

/** Sorts each pool of rows by length; the batches of each. */
function groupPools(order: Int32Array, sizing: BatchSizing, lengths: RowLengths): number[] {
  const { batchSize, batchTokens = Number.POSITIVE_INFINITY } = sizing;
  // A short last batch weighs its few rows as much as the others many: it is left as it was drawn, and not made of the longest.
  const whole = wholeRows(order.length, sizing);
  const ends: number[] = [];
  for (let from = 0, to = 0; from < whole; from = to) {
    let room = POOL * batchTokens;
    for (; to < whole && to - from < POOL * batchSize && room > 0; to++)
      room -= lengths[0][order[to] as number] as number;
    sortByLength(order.subarray(from, to), lengths, 1);
    ends.push(...cut(sizing, order, lengths, from, to));
  }
  return [...ends, ...cut(sizing, order, lengths, whole, order.length)];
}

/** The batches in a random order; rows that are left over from whole batches stay last. */
function shuffleBatches(given: RowBatches, sizing: BatchSizing, stream: RandomStream): RowBatches {
  const { order, ends } = given;
  const whole = wholeRows(order.length, sizing);
  const batches = inOrder(ends.filter((end) => end <= whole).length);
  shuffle(batches, stream);
  const out = order.slice();
  let end = 0;
  const moved = ends.map((_, to) => {
    const rows = rowsOf(given, batches[to] ?? to);
    out.set(rows, end);
    end += rows.length;
    return end;
  });
  return { ...given, order: out, ends: moved };
}

/** Batches of rows in this order. */
export function batchesOf(order: Int32Array, lengths: RowLengths, sizing: BatchSizing): RowBatches {
  return { order, ends: cut(sizing, order, lengths, 0, order.length), lengths };
}

/** The batches of one epoch of `rows`. The same seed and index give the same. */
export function batchesOfEpoch(rows: Int32Array, lengths: RowLengths, options: OrderOptions): RowBatches {
  const stream = new RandomStream(options.seed, `shuffle/${options.index}`);
  const order = rows.slice();
  if (options.shuffle) shuffle(order, stream);
  if (!options.groupByLength) return batchesOf(order, lengths, options);
  const grouped = { order, ends: groupPools(order, options, lengths), lengths };
  return options.shuffle ? shuffleBatches(grouped, options, stream) : grouped;
}

/** `rows` with the longest first; equal ones keep their order. For passes in which the order of rows does not matter, batches then hold little padding. */
export function longestFirst(rows: Int32Array, lengths: RowLengths): Int32Array {
  const order = rows.slice();
  sortByLength(order, lengths, -1);
  return order;
}
