/** Ids, which name rows of a table: checked, and sorted. */
import { DataError } from "@ostinato/core";
import { aligned, type View } from "../call.ts";
import type { Memory } from "../memory.ts";

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
