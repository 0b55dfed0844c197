/** Digests of columns, of 64 bits. Checkpoints keep them, so that resuming with other data is noticed. */
import { ConfigError } from "../../errors.ts";
import { isRecord, type Json } from "../../nn/options.ts";
import { WordSums } from "../../wordSums.ts";
import type { Column } from "./column.ts";
import type { Dataset } from "./dataset.ts";

/** Digests by the name by which errors call a column. */
type Digests = { readonly [label: string]: Json };

/** Columns do not change while they are trained with, so that only the first checkpoint reads them. */
const known = new WeakMap<Column, string>();

/** Of the lengths of rows and of what they hold, of trees also of their structure; not of padding: it does not matter whether rows were given padded or not. */
function digestOf(column: Column): string {
  const before = known.get(column);
  if (before !== undefined) return before;
  const { data, starts, lengths, spec, rows, trees } = column;
  const words = new Int32Array(data.buffer, data.byteOffset, data.length);
  const sums = new WordSums();
  sums.add(lengths, 0, rows);
  // Rows that lie end to end are read as one.
  let from = 0;
  let to = 0;
  for (let row = 0; row < rows; row++) {
    const start = starts[row] as number;
    if (start !== to) {
      sums.add(words, from, to);
      from = start;
    }
    to = start + (lengths[row] as number) * spec.width;
  }
  sums.add(words, from, to);
  if (trees) sums.add(trees.parents, 0, trees.parents.length);
  const digest = sums.toString();
  known.set(column, digest);
  return digest;
}

/** Digests of the columns for training, and of those for validation that differ. Batches of an iterable have none, nor have rows that are made anew. */
export function columnDigests(training: Dataset | undefined, validation: Dataset | undefined): Digests {
  const columns = (training?.fed ?? []).map(({ column }) => column);
  const others = (validation?.fed ?? []).map(({ column }) => column).filter((column) => !columns.includes(column));
  return Object.fromEntries([
    ...columns.map((column) => [column.spec.label, digestOf(column)]),
    ...others.map((column) => [`validation's ${column.spec.label}`, digestOf(column)]),
  ]);
}

/** @throws ConfigError that names the columns whose content has changed since the checkpoint. Columns without a digest in it are not compared. */
export function checkColumns(was: unknown, is: Digests): void {
  if (!isRecord(was)) return;
  const changed = Object.keys(is).filter((label) => Object.hasOwn(was, label) && was[label] !== is[label]);
  if (changed.length === 0) return;
  throw new ConfigError(
    `cannot go on from this checkpoint: it was made with other data; the content of ${changed.join(" and of ")} has changed. Give the same rows in the same order, or begin anew`,
  );
}
