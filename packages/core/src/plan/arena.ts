/** Places in memory: values that are not alive at the same time share it. */

/** A block of memory needed from one step to another, both included. */
export interface Interval {
  readonly bytes: number;
  readonly birth: number;
  readonly death: number;
}

/** Offsets are multiples of this, enough for the widest vector and a cache line. */
const ALIGNMENT = 64;

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** The offset of each interval and the size of the whole: largest first, each at the lowest place that is free in its time. */
export function place(intervals: readonly Interval[]): { readonly offsets: readonly number[]; readonly bytes: number } {
  const offsets = intervals.map(() => 0);
  const placed: number[] = [];
  let bytes = 0;
  const order = intervals
    .map((_, i) => i)
    .sort((a, b) => (intervals[b] as Interval).bytes - (intervals[a] as Interval).bytes || a - b);
  for (const i of order) {
    const interval = intervals[i] as Interval;
    const size = aligned(interval.bytes);
    const rivals = placed
      .filter(
        (j) => (intervals[j] as Interval).birth <= interval.death && interval.birth <= (intervals[j] as Interval).death,
      )
      .sort((a, b) => (offsets[a] as number) - (offsets[b] as number));
    let offset = 0;
    for (const j of rivals) {
      if ((offsets[j] as number) >= offset + size) break;
      offset = Math.max(offset, (offsets[j] as number) + aligned((intervals[j] as Interval).bytes));
    }
    offsets[i] = offset;
    placed.push(i);
    bytes = Math.max(bytes, offset + size);
  }
  return { offsets, bytes };
}
