/** Kernels that look up, scatter and move by whole numbers. */
import { DataError } from "@ostinato/core";
import type { Call, View } from "../call.ts";
import { aligned } from "../call.ts";
import type { Memory } from "../memory.ts";
import { expectLengths } from "./lengths.ts";
import { normal } from "./small.ts";

/** Throws unless every id is a row of the table. */
export function expectIds(op: string, { i32 }: Memory, ids: View, rows: number): void {
  for (let k = 0; k < ids.size; k++) {
    const id = i32[ids.offset + k];
    if (id < 0 || id >= rows)
      throw new DataError(`${op}: id ${id} is outside of a table of ${rows} rows (0 to ${rows - 1})`);
  }
}

/** Bytes of scratch that `sortPositions` fills. */
export function positionsBytes(ids: number, rows: number): number {
  return aligned((rows + 1) * 4) + ids * 4;
}

/**
 * Sorts the positions of ids by id (stable, by counting): the ends of the rows' positions come to `memory.scratch`, the positions behind
 * them. Returns where the positions begin, an index in `i32`.
 */
export function sortPositions({ i32, scratch }: Memory, ids: View, rows: number): number {
  const ends = scratch / 4;
  const positions = (scratch + aligned((rows + 1) * 4)) / 4;
  i32.fill(0, ends, ends + rows + 1);
  for (let k = 0; k < ids.size; k++) i32[ends + i32[ids.offset + k] + 1] += 1;
  for (let row = 0; row < rows; row++) i32[ends + row + 1] += i32[ends + row];
  for (let k = 0; k < ids.size; k++) i32[positions + i32[ends + i32[ids.offset + k]]++] = k;
  return positions;
}

/** Copies `size` units without making a subarray. */
function copyUnits(x: Int32Array | Uint8Array, from: number, to: number, size: number): void {
  for (let i = 0; i < size; i++) x[to + i] = x[from + i];
}

export const indexedKernels = {
  gather: {
    run(memory: Memory, { inputs, outputs }: Call<"gather">): void {
      const table = inputs[0];
      const ids = inputs[1];
      const y = outputs[0];
      expectIds("gather", memory, ids, table.dims[0]);
      const units = table.dtype === "bool" ? memory.u8 : memory.i32;
      const width = table.size / table.dims[0];
      for (let k = 0; k < ids.size; k++) {
        copyUnits(units, table.offset + memory.i32[ids.offset + k] * width, y.offset + k * width, width);
      }
    },
  },
  /** Positions are sorted by id first, so that each row is summed once, in double precision and in the order of the updates. */
  scatterAdd: {
    scratch: ({ inputs, outputs }: Call<"scatterAdd">): number => positionsBytes(inputs[0].size, outputs[0].dims[0]),
    run(memory: Memory, { inputs, outputs }: Call<"scatterAdd">): void {
      const { f32, i32 } = memory;
      const ids = inputs[0];
      const updates = inputs[1];
      const y = outputs[0];
      const rows = y.dims[0];
      const width = y.size / rows;
      expectIds("scatterAdd", memory, ids, rows);
      const ends = memory.scratch / 4;
      const positions = sortPositions(memory, ids, rows);
      for (let row = 0, start = 0; row < rows; row++) {
        const end = i32[ends + row];
        for (let d = 0; d < width; d++) {
          let sum = 0;
          for (let k = start; k < end; k++) sum += f32[updates.offset + i32[positions + k] * width + d];
          f32[y.offset + row * width + d] = normal(sum);
        }
        start = end;
      }
    },
  },
  reverseSequence: {
    run(memory: Memory, { inputs, outputs }: Call<"reverseSequence">): void {
      const x = inputs[0];
      const lengths = inputs[1];
      const y = outputs[0];
      const time = x.dims[0];
      const batch = x.dims[1];
      const width = x.size / (time * batch);
      expectLengths("reverseSequence", memory, lengths, time);
      const units = x.dtype === "bool" ? memory.u8 : memory.i32;
      for (let row = 0; row < batch; row++) {
        const length = memory.i32[lengths.offset + row];
        for (let t = 0; t < time; t++) {
          const from = t < length ? length - 1 - t : t;
          copyUnits(units, x.offset + (from * batch + row) * width, y.offset + (t * batch + row) * width, width);
        }
      }
    },
  },
};
