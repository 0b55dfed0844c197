/** Which rows make a batch, and the order of the batches. */
import { RandomStream, shuffle } from "../../random.ts";

/** How large batches are. */
export interface BatchSizing {
  /** Rows of a batch. */
  readonly batchSize: number;
  /** In its place: rows times the steps of the longest of them. A longer row is a batch by itself. */
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

/** What row `at` of an order counts: its steps, or one. */
type Counts = (at: number) => number;

function countsOf(order: Int32Array, { batchTokens }: BatchSizing, [lengths]: RowLengths): Counts {
  return (at) => (batchTokens === undefined ? 1 : (lengths[order[at] as number] as number));
}

/** Where batches end of the rows `from` … `to - 1` of an order: each has as many rows as are within the bound, times what the greatest counts, and one at least. */
function cut({ batchSize, batchTokens }: BatchSizing, counts: Counts, from: number, to: number): number[] {
  const ends: number[] = [];
  let start = from;
  let greatest = 0;
  for (let at = from; at < to; at++) {
    greatest = Math.max(greatest, counts(at));
    if (at === start || (at + 1 - start) * greatest <= (batchTokens ?? batchSize)) continue;
    ends.push(at);
    start = at;
    greatest = counts(at);
  }
  if (start < to) ends.push(to);
  return ends;
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
  const { batchSize, batchTokens } = sizing;
  // A short last batch weighs its few rows as much as the others many: it is left as it was drawn, and not made of the longest.
  const whole = batchTokens === undefined ? order.length - (order.length % batchSize) : order.length;
  const counts = countsOf(order, sizing, lengths);
  const ends: number[] = [];
  for (let from = 0, to = 0; from < whole; from = to) {
    for (let room = POOL * (batchTokens ?? batchSize); to < whole && room > 0; to++) room -= counts(to);
    sortByLength(order.subarray(from, to), lengths, 1);
    for (const end of cut(sizing, counts, from, to)) ends.push(end);
  }
  if (whole < order.length) ends.push(order.length);
  return ends;
}

/** The batches in a random order; the last, which may be short, stays last where batches are of so many rows. */
function shuffleBatches(given: RowBatches, { batchTokens, batchSize }: BatchSizing, stream: RandomStream): RowBatches {
  const { order, ends } = given;
  const batches = inOrder(batchTokens === undefined ? Math.floor(order.length / batchSize) : ends.length);
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
  return { order, ends: cut(sizing, countsOf(order, sizing, lengths), 0, order.length), lengths };
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
