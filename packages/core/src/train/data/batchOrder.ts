/** The order of rows in an epoch. */
import { RandomStream, shuffle } from "../../random.ts";

export interface OrderOptions {
  readonly seed: number;
  /** Which order of this seed: the epochs count. */
  readonly index: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  /** The length of every row of the data set: batches are made of rows of similar length. */
  readonly lengths?: Int32Array;
}

/** Batches from among which rows of similar length are put together: enough to waste little, few enough to keep the batches mixed. */
const POOL = 100;

/** Sorts each pool of rows by length; equal lengths keep their order. */
function groupPools(order: Int32Array, lengths: Int32Array, batchSize: number): void {
  const pool = POOL * batchSize;
  for (let from = 0; from < order.length; from += pool) {
    const rows = order.subarray(from, from + pool);
    rows.set([...rows].sort((a, b) => (lengths[a] as number) - (lengths[b] as number)));
  }
}

/** The batches of `order` in a random order; the last, which may be short, stays last. */
function shuffleBatches(order: Int32Array, batchSize: number, stream: RandomStream): Int32Array {
  const whole = Math.floor(order.length / batchSize);
  const batches = Int32Array.from({ length: whole }, (_, batch) => batch);
  shuffle(batches, stream);
  const out = order.slice();
  batches.forEach((batch, to) => {
    out.set(order.subarray(batch * batchSize, (batch + 1) * batchSize), to * batchSize);
  });
  return out;
}

/** Row numbers in order. */
export function inOrder(rows: number): Int32Array {
  return Int32Array.from({ length: rows }, (_, row) => row);
}

/** `rows` in the order of one epoch. The same seed and index give the same order. */
export function orderOfEpoch(rows: Int32Array, options: OrderOptions): Int32Array {
  if (!options.shuffle && !options.lengths) return rows;
  const stream = new RandomStream(options.seed, `shuffle/${options.index}`);
  const order = rows.slice();
  if (options.shuffle) shuffle(order, stream);
  if (!options.lengths) return order;
  // A short last batch weighs its few rows as much as the others many: it is left as it was drawn, and not made of the longest.
  const whole = order.subarray(0, order.length - (order.length % options.batchSize));
  groupPools(whole, options.lengths, options.batchSize);
  return options.shuffle ? shuffleBatches(order, options.batchSize, stream) : order;
}

/** `rows` with the longest first; equal lengths keep their order. For passes in which the order of rows does not matter, batches then hold little padding. */
export function longestFirst(rows: Int32Array, lengths: Int32Array): Int32Array {
  return Int32Array.from([...rows].sort((a, b) => (lengths[b] as number) - (lengths[a] as number)));
}
