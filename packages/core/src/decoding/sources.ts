/** The sources that sequences are written for: read and checked as the inputs of a model, and written into feeds batch by batch. */
import { ConfigError, DataError } from "../errors.ts";
import type { Dim } from "../ir/value.ts";
import { shown } from "../nn/options.ts";
import type { ModelSpec } from "../nn/spec.ts";
import type { Tensors } from "../tensor.ts";
import { type BatchArrays, batchWriter } from "../train/data/batchWriter.ts";
import { type Dataset, lengthsOver, readDataset, rowLengths } from "../train/data/dataset.ts";
import type { Inputs } from "../train/data/named.ts";

/** Sources as a model reads them. */
export interface SourceReader {
  readonly count: number;
  /** The steps of each source. */
  readonly lengths: Int32Array;
  /** The feeds of these sources, as long as the longest of them. They are written again by the next call. */
  feeds(rows: Int32Array): Tensors;
}

/** A model without sources is told how many sequences to write. */
function unread(given: Inputs | number): SourceReader {
  if (!Number.isSafeInteger(given) || (given as number) < 1)
    throw new ConfigError(
      `the model has no sources; in their place it takes how many sequences to write, from 1 on, got ${shown(given)}`,
    );
  return { count: given as number, lengths: new Int32Array(given as number), feeds: () => ({}) };
}

/** The steps of each source, of that which is attended to where that is one. */
function lengthsOf(dataset: Dataset, attentionTime: Dim | undefined): Int32Array {
  if (typeof attentionTime === "number") return new Int32Array(dataset.rows).fill(attentionTime);
  const attended = attentionTime !== undefined && Object.hasOwn(dataset.longest, attentionTime);
  return attended ? lengthsOver(dataset, attentionTime) : rowLengths(dataset)[0];
}

/**
 * Reads and checks sources.
 *
 * @param sources the model of the sources alone
 * @param attentionTime the size of what is attended to, if anything is
 * @throws DataError, ShapeError, DTypeError with the name of the source and the row
 */
export function readSources(sources: ModelSpec, given: Inputs | number, attentionTime?: Dim): SourceReader {
  if (sources.inputs.length === 0) return unread(given);
  if (typeof given === "number") throw new DataError(`the model reads sources, got the number ${given} in their place`);
  const dataset = readDataset(sources, given);
  const arrays: BatchArrays = new Map();
  return {
    count: dataset.rows,
    lengths: lengthsOf(dataset, attentionTime),
    feeds(rows) {
      const writer = batchWriter(dataset, rows.length, arrays);
      writer.write(rows, 0, rows.length);
      return writer.feeds;
    },
  };
}
