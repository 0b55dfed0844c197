/** Batches of a data set, written into buffers that are used again. */
import type { Tensor, Tensors } from "../../tensor.ts";
import { type BatchBuffer, bufferFor, type ColumnSpec, takeArray, writeBatch } from "./column.ts";
import type { Dataset } from "./dataset.ts";
import type { Fed } from "./fed.ts";

/** The form in which the lengths of rows are fed. */
const lengthsSpec: ColumnSpec = { label: "lengths", dtype: "int32", width: 1, widthAxis: false };

/** The feeds of one batch after another, in buffers that are used again. */
export interface BatchWriter {
  readonly feeds: Tensors;
  /** Writes rows `order[from]` … `order[from + count - 1]`, as long as the longest of them. */
  write(order: Int32Array, from: number, count: number): void;
}

/** Arrays for batches, by feed. They are used again where they are large enough. */
export type BatchArrays = Map<string, BatchBuffer["data"]>;

/** The steps of a column: 1 where it has no time. */
const stepsOf = ({ time }: ColumnSpec, sizes: Readonly<Record<string, number>>): number =>
  typeof time === "number" ? time : (sizes[time ?? ""] ?? 1);

/** Buffers for batches of up to `batch` rows of a data set. */
export function batchWriter(dataset: Dataset, batch: number, arrays: BatchArrays = new Map()): BatchWriter {
  const { fed, longest, reach } = dataset;
  const buffers = fed.map(({ feed, column }) =>
    bufferFor(column.spec, batch, stepsOf(column.spec, longest), feed, arrays),
  );
  const lengths = fed.map(({ lengthsFeed = "" }) =>
    lengthsFeed === "" ? undefined : bufferFor(lengthsSpec, batch, 1, lengthsFeed, arrays),
  );
  const forests = fed.map(({ feed, column: { trees } }) =>
    trees?.writer(
      trees.room(batch, reach),
      (name, size) => takeArray("int32", size, `${feed}/${name}`, arrays) as Int32Array,
    ),
  );
  const feeds: Record<string, Tensor> = {};
  fed.forEach(({ feed, lengthsFeed }, i) => {
    feeds[feed] = buffers[i] as Tensor;
    if (lengthsFeed !== undefined) feeds[lengthsFeed] = lengths[i] as Tensor;
    for (const [name, tensor] of Object.entries(forests[i]?.feeds ?? {})) feeds[`${feed}/${name}`] = tensor;
  });
  const sizes: Record<string, number> = {};
  return {
    feeds,
    write(order, from, count) {
      for (const time in longest) sizes[time] = 1;
      for (let f = 0; f < fed.length; f++) {
        const { column, leads } = fed[f] as Fed;
        const { time } = column.spec;
        if (!leads || typeof time !== "string") continue;
        let most = sizes[time] as number;
        for (let i = 0; i < count; i++) most = Math.max(most, column.lengths[order[from + i] as number] as number);
        sizes[time] = most;
      }
      for (let f = 0; f < fed.length; f++) {
        const { column, lengthsFeed } = fed[f] as Fed;
        writeBatch(column, order, from, count, stepsOf(column.spec, sizes), buffers[f] as BatchBuffer);
        forests[f]?.write(order, from, count);
        if (lengthsFeed === undefined) continue;
        const own = lengths[f] as BatchBuffer;
        for (let i = 0; i < count; i++) own.data[i] = column.lengths[order[from + i] as number] as number;
        own.shape[0] = count;
      }
    },
  };
}
