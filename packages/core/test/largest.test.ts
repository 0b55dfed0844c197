/** The selection that backends share, beside a sort of everything. */
import { findLargest, RandomStream } from "@ostinato/core";
import { expect, test } from "vitest";

/** Few different numbers, so that many are equal; some are none. */
function numbers(count: number, seed: number): Float32Array {
  const random = new RandomStream(seed, "largest");
  return Float32Array.from({ length: count }, () =>
    random.uniform() < 0.1 ? Number.NaN : ([Number.NEGATIVE_INFINITY, -0, 0][random.below(9)] ?? random.below(7) - 3),
  );
}

const ranked = (x: number): number => (Number.isNaN(x) ? Number.NEGATIVE_INFINITY : x);

test("finds what a stable sort finds, whatever is asked for", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const width = 1 + (seed % 23);
    const x = numbers(width + 5, seed);
    const start = seed % 5;
    const places = Array.from({ length: width }, (_, i) => start + i);
    const valueAt = (place: number): number => ranked(x[place] as number);
    const sorted = places.toSorted((a, b) => (valueAt(a) === valueAt(b) ? a - b : valueAt(a) > valueAt(b) ? -1 : 1));
    for (let k = 1; k <= width; k++) {
      const found = new Int32Array(k + 2).fill(-1);
      findLargest(x, start, width, k, found, 1);
      expect([...found]).toEqual([-1, ...sorted.slice(0, k), -1]);
    }
  }
});
