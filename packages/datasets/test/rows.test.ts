/** Shuffles, splits and length summaries. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DatasetOptionError, selectRows, shuffledIndices, stratifiedSplit, summariseLengths } from "../src/index.ts";

const seeds = fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 });

describe("shuffledIndices", () => {
  test("holds every index once, and the same seed gives the same order", () => {
    fc.assert(
      fc.property(fc.nat(500), seeds, (count, seed) => {
        const order = shuffledIndices(count, seed);
        expect([...order].sort((a, b) => a - b)).toEqual([...new Array(count).keys()]);
        expect(shuffledIndices(count, seed)).toEqual(order);
      }),
    );
  });

  test("an order that must not change between versions or machines", () => {
    // Pinned from pure-rand 8.4.2: saved runs name their seed and rely on it.
    expect([...shuffledIndices(10, 42)]).toEqual([1, 5, 8, 6, 2, 7, 9, 4, 3, 0]);
  });

  test("each index is equally likely in each place, over neighbouring seeds", () => {
    const [size, orders] = [10, 5000];
    const counts = Array.from({ length: size }, () => new Array<number>(size).fill(0));
    for (let seed = 0; seed < orders; seed++) {
      for (const [place, index] of shuffledIndices(size, seed).entries()) counts[place]![index]! += 1;
    }
    const expected = orders / size;
    for (const place of counts) {
      const chiSquare = place.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      // 9 degrees of freedom: outside these, one place in ten thousand on either side. Too even is wrong as well.
      expect(chiSquare).toBeGreaterThan(0.6);
      expect(chiSquare).toBeLessThan(33.7);
    }
  });

  test("a count or seed that cannot work", () => {
    expect(() => shuffledIndices(-1, 0)).toThrow(DatasetOptionError);
    expect(() => shuffledIndices(3, 0.5)).toThrow("seed must be a 32-bit integer, got 0.5");
    expect(() => shuffledIndices(3, 2 ** 32)).toThrow(DatasetOptionError);
  });
});

describe("stratifiedSplit", () => {
  const labels = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 4, maxLength: 300 });
  const fraction = fc.double({ min: 0.2, max: 0.8, noNaN: true });

  test("every row once; the sizes asked for; every class in proportion", () => {
    fc.assert(
      fc.property(labels, fraction, seeds, (labels, fraction, seed) => {
        const { train, validation } = stratifiedSplit(labels, fraction, seed);
        expect([...train, ...validation].sort((a, b) => a - b)).toEqual([...labels.keys()]);
        expect(validation.length).toBe(Math.round(labels.length * fraction));
        for (const label of new Set(labels)) {
          const size = labels.filter((other) => other === label).length;
          const taken = validation.reduce((sum, row) => sum + (labels[row] === label ? 1 : 0), 0);
          expect(Math.abs(taken - size * fraction)).toBeLessThan(1);
        }
        expect(stratifiedSplit(labels, fraction, seed)).toEqual({ train, validation });
      }),
    );
  });

  test("rows that come ordered by class are mixed in both parts", () => {
    const labels = Int32Array.from({ length: 25_000 }, (_, row) => (row < 12_500 ? 0 : 1));
    const { train, validation } = stratifiedSplit(labels, 0.1, 3);
    const positive = (rows: Int32Array) => rows.reduce((sum, row) => sum + labels[row]!, 0);
    expect([validation.length, positive(validation), train.length, positive(train)]).toEqual([
      2500, 1250, 22_500, 11_250,
    ]);
    for (const part of [train, validation]) {
      // Six standard deviations of a fair coin.
      expect(Math.abs(positive(part.subarray(0, 400)) - 200)).toBeLessThan(60);
      expect(Math.abs(positive(part.subarray(-400)) - 200)).toBeLessThan(60);
    }
    expect(stratifiedSplit(labels, 0.1, 4).validation).not.toEqual(validation);
  });

  test("a fraction that leaves a part empty", () => {
    expect(() => stratifiedSplit([0, 1], 0, 1)).toThrow("fraction must lie between 0 and 1, got 0");
    expect(() => stratifiedSplit([0, 1], Number.NaN, 1)).toThrow(DatasetOptionError);
    expect(() => stratifiedSplit([0, 1], 0.1, 1)).toThrow("fraction must leave rows in both parts of 2 rows, got 0.1");
    expect(() => stratifiedSplit([], 0.5, 1)).toThrow(DatasetOptionError);
  });
});

describe("selectRows", () => {
  const rows = { texts: ["a", "b", "c"], labels: Int32Array.of(0, 1, 2) };

  test("takes rows in the order asked for", () => {
    expect(selectRows(rows, Int32Array.of(2, 0))).toEqual({ texts: ["c", "a"], labels: Int32Array.of(2, 0) });
  });

  test("refuses a row that is not there", () => {
    expect(() => selectRows(rows, [3])).toThrow("indices must lie below 3, got 3");
  });
});

describe("summariseLengths", () => {
  test("mean, median and percentile as NumPy computes them, and what a cut costs", () => {
    // np.percentile([1, 2, 3, 10], 90) is 3 + 0.7 * 7.
    const summary = summariseLengths([10, 2, 3, 1], 5);
    expect(summary).toMatchObject({ count: 4, min: 1, mean: 4, median: 2.5, max: 10, cutShare: 0.25, cutMean: 2.75 });
    expect(summary.percentile90).toBeCloseTo(7.9, 10);
  });

  test("nothing is cut without a cut, and a length equal to it is whole", () => {
    expect(summariseLengths([4, 6])).toMatchObject({ cutShare: 0, cutMean: 5 });
    expect(summariseLengths([4, 6], 6)).toMatchObject({ cutShare: 0, cutMean: 5 });
  });

  test("one length, and none", () => {
    expect(summariseLengths([3])).toMatchObject({ count: 1, median: 3, percentile90: 3 });
    expect(() => summariseLengths([])).toThrow(DatasetOptionError);
    expect(() => summariseLengths([1], -1)).toThrow("cut must be a length of 0 or more, got -1");
  });
});
