/**
 * The order in which a recurrence takes the rows of a batch: longest first, so that the rows that still run are always the first ones and
 * ended rows do no work. What a recurrence keeps for its gradient lies in this order, step after step, without gaps.
 */
import { aligned, type View } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { expectIds } from "../ids.ts";
import { expectLengths } from "../lengths.ts";
import type { RecurrentCall } from "./recurrence.ts";

/** Bytes of the order and the lengths, and of the room to sort them. */
export function rowsBytes(time: number, batch: number): number {
  return 2 * aligned(batch * 4) + aligned((time + 1) * 4);
}

/** Index in `i32` of the rows' order in scratch. */
export function orderAt(memory: Memory): number {
  return memory.scratch / 4;
}

/** Index in `i32` of the rows' lengths in that order. */
export function lengthsAt(memory: Memory, batch: number): number {
  return (memory.scratch + aligned(batch * 4)) / 4;
}

/** Throws where X are ids that W has no row for. */
export function expectGiven(op: string, memory: Memory, { inputs }: RecurrentCall): void {
  const [x, w] = inputs;
  if (x.dtype === "int32") expectIds(op, memory, x, w.dims[0]);
}

/** Sorts the rows by length (stable, by counting), and returns the sum of the lengths. */
export function sortRows(op: string, memory: Memory, lengths: View | undefined, time: number, batch: number): number {
  const { i32 } = memory;
  const order = orderAt(memory);
  const sorted = lengthsAt(memory, batch);
  if (lengths === undefined) {
    for (let row = 0; row < batch; row++) {
      i32[order + row] = row;
      i32[sorted + row] = time;
    }
    return time * batch;
  }
  expectLengths(op, memory, lengths, time);
  const places = (memory.scratch + 2 * aligned(batch * 4)) / 4;
  i32.fill(0, places, places + time + 1);
  let total = 0;
  // `places[k]` counts the rows of length time - k, and then tells where the next of them goes.
  for (let row = 0; row < batch; row++) {
    const length = i32[lengths.offset + row];
    i32[places + time - length] += 1;
    total += length;
  }
  for (let k = 0, place = 0; k <= time; k++) {
    const count = i32[places + k];
    i32[places + k] = place;
    place += count;
  }
  for (let row = 0; row < batch; row++) {
    const length = i32[lengths.offset + row];
    const place = i32[places + time - length]++;
    i32[order + place] = row;
    i32[sorted + place] = length;
  }
  return total;
}

/** Writes zeros [time, batch, width] past the end of each row. */
export function clearEnds(memory: Memory, to: number, time: number, batch: number, width: number): void {
  const { f32, i32 } = memory;
  const order = orderAt(memory);
  const sorted = lengthsAt(memory, batch);
  for (let p = 0; p < batch; p++) {
    for (let t = i32[sorted + p]; t < time; t++) {
      const start = to + (t * batch + i32[order + p]) * width;
      for (let d = 0; d < width; d++) f32[start + d] = 0;
    }
  }
}
