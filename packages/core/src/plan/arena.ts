/** Places in memory: values that are not alive at the same time share it. */
import { Occupancy } from "./occupancy.ts";

/** A block of memory needed from one step to another, both included. */
export interface Interval {
  readonly bytes: number;
  readonly birth: number;
  readonly death: number;
}

/** Offsets are multiples of this, enough for the widest vector and a cache line. */
const ALIGNMENT = 64;

/** Bytes up to where the next value may begin. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** The offset of each interval and the size of the whole: largest first, each at the lowest place that is free in its time. */
export function place(intervals: readonly Interval[]): { readonly offsets: readonly number[]; readonly bytes: number } {
  const offsets = intervals.map(() => 0);
  const first = intervals.reduce((least, { birth }) => Math.min(least, birth), 0);
  const last = intervals.reduce((most, { death }) => Math.max(most, death), first);
  const occupancy = new Occupancy(last - first + 1);
  let bytes = 0;
  const order = intervals
    .map((_, i) => i)
    .sort((a, b) => (intervals[b] as Interval).bytes - (intervals[a] as Interval).bytes || a - b);
  for (const i of order) {
    const { bytes: wanted, birth, death } = intervals[i] as Interval;
    const size = aligned(wanted);
    const offset = occupancy.take(birth - first, death - first, size);
    offsets[i] = offset;
    bytes = Math.max(bytes, offset + size);
  }
  return { offsets, bytes };
}
