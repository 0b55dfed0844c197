/** Places in memory: the same as by the plain rule, found without looking at everything that is placed. */
import { RandomStream } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { type Interval, place } from "../src/plan/arena.ts";
import { processorTime } from "./processorTime.ts";

const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** The rule as it is said: largest first, each at the lowest place that is free in its time. */
function plainly(intervals: readonly Interval[]): number[] {
  const offsets: number[] = [];
  const placed: number[] = [];
  const at = (i: number): Interval => intervals[i] as Interval;
  const endOf = (i: number): number => (offsets[i] as number) + aligned(at(i).bytes);
  const order = intervals.map((_, i) => i).sort((a, b) => at(b).bytes - at(a).bytes || a - b);
  for (const i of order) {
    const { bytes, birth, death } = at(i);
    const rivals = placed
      .filter((j) => at(j).birth <= death && birth <= at(j).death)
      .sort((a, b) => (offsets[a] as number) - (offsets[b] as number));
    let offset = 0;
    for (const j of rivals) {
      if ((offsets[j] as number) >= offset + aligned(bytes)) break;
      offset = Math.max(offset, endOf(j));
    }
    offsets[i] = offset;
    placed.push(i);
  }
  return offsets;
}

test("each value lies where the rule puts it", () => {
  const random = new RandomStream(1, "arena");
  for (let trial = 0; trial < 300; trial++) {
    const moments = 1 + random.below(trial % 10 === 0 ? 2000 : 60);
    const intervals = Array.from({ length: random.below(80) }, (): Interval => {
      const birth = random.below(moments) - 1;
      const life = random.below(random.below(3) === 0 ? moments : 3);
      return { bytes: random.below(6) === 0 ? random.below(5000) : 64 * random.below(5), birth, death: birth + life };
    });
    const { offsets, bytes } = place(intervals);
    expect(offsets).toEqual(plainly(intervals));
    expect(bytes).toBe(
      intervals.reduce((most, { bytes: own }, i) => Math.max(most, (offsets[i] as number) + aligned(own)), 0),
    );
  }
});

/** The values of a deep network in training: activations from step i to its mirror image, state to the end, and much that is soon gone. */
function deep(layers: number): Interval[] {
  const end = 30 * layers;
  return Array.from({ length: layers }, (_, i) => [
    { bytes: 64, birth: i, death: end - i },
    ...[0, 1, 2, 3].map((k) => ({ bytes: 64 * (1 + (k % 2)), birth: 2 * layers + 8 * i + k, death: end + 1 })),
    ...[0, 1, 2, 3, 4, 5].map((k) => ({ bytes: 16, birth: 20 * i + k, death: 20 * i + k + 1 })),
  ]).flat();
}

describe("many values", () => {
  test("take time in proportion", () => {
    const few = deep(300);
    const many = deep(1800);
    place(few);
    // Where each was held against all that were placed, six times as many took 40 times as long.
    const ratio = processorTime(() => place(many)) / processorTime(() => place(few));
    expect(ratio).toBeLessThan(25);
  });
});
