/** How much room programs need for the batches of a data set. */
import type { Capacities } from "../../plan/binder.ts";
import { type BatchSizing, type RowBatches, rowsOf } from "./batchOrder.ts";
import type { Dataset } from "./dataset.ts";

/** The named sizes of batches of up to `batch` rows of a part of the data, at the most. */
export function capacitiesOf({ fed, longest, reach }: Dataset, batch: number): Capacities {
  const ofTrees = fed.flatMap(({ feed, column: { trees } }) =>
    Object.entries(trees?.room(batch, reach) ?? {}).map(([name, most]) => [`${feed}/${name}`, most] as const),
  );
  return { batch, ...longest, ...Object.fromEntries(ofTrees) };
}

/** The data set for batches of a reach, and how many rows the largest has. */
function roomOf(dataset: Dataset, rows: number, { batchSize, batchTokens }: BatchSizing, reach: number) {
  if (batchTokens === undefined) return { part: dataset, batch: Math.min(batchSize, rows) };
  const longest = Object.entries(dataset.longest).map(([time, most]) => [time, Math.min(most, reach)] as const);
  const most = Math.floor(batchTokens / (Math.floor(reach / 2) + 1));
  const part = { ...dataset, longest: Object.fromEntries(longest), reach };
  return { part, batch: Math.max(1, Math.min(most, batchSize, rows)) };
}

/**
 * What `prepare` makes for batch `step`: for up to `batch` rows of a part of the data. Where tokens bound a batch it has few long rows or many short ones, and one program
 * with room for many long ones would take a multiple of the memory. So rows up to each power of two, the reach of a part, have a program, made when it is first needed;
 * those so short that tokens do not bound their batches, but rows do, share one.
 */
export function preparedBatches<T>(
  dataset: Dataset,
  batches: RowBatches,
  sizing: BatchSizing,
  prepare: (part: Dataset, batch: number) => Promise<T>,
): (step: number) => Promise<T> {
  const [lengths] = batches.lengths;
  const { batchSize, batchTokens } = sizing;
  const shared = batchTokens === undefined ? 0 : 2 ** Math.floor(Math.log2(Math.max(1, batchTokens / batchSize)));
  const made = new Map<number, T>();
  const longer = (longest: number, row: number): number => Math.max(longest, lengths[row] as number);
  return async (step) => {
    const longest = batchTokens === undefined ? 0 : rowsOf(batches, step).reduce(longer, 1);
    const reach = Math.max(shared, 2 ** Math.ceil(Math.log2(longest)));
    const known = made.get(reach);
    if (known !== undefined) return known;
    const { part, batch } = roomOf(dataset, batches.order.length, sizing, reach);
    const ready = await prepare(part, batch);
    made.set(reach, ready);
    return ready;
  };
}
