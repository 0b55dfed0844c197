/** Random numbers: known answers of Threefry, what streams promise, and that shuffles and draws are fair. */
import { fillDropoutMask, fillNormalNoise, RandomStream, shuffle, siteOf, threefry } from "@ostinato/core";
import { describe, expect, test } from "vitest";

function hex(...words: readonly [number, number, number, number]): string[] {
  const out = new Uint32Array(2);
  threefry(...words, out);
  return Array.from(out, (word) => word.toString(16).padStart(8, "0"));
}

test("threefry gives the known answers of Random123 for 2x32 and 20 rounds", () => {
  expect(hex(0, 0, 0, 0)).toEqual(["6b200159", "99ba4efe"]);
  expect(hex(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff)).toEqual(["1cb996fc", "bb002be7"]);
  expect(hex(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).toEqual(["c4923a9c", "483df7a0"]);
  // Words are taken modulo 2³², however they are signed.
  expect(hex(-1, -1, -1, -1)).toEqual(["1cb996fc", "bb002be7"]);
});

const draws = (stream: RandomStream, count: number): number[] => Array.from({ length: count }, () => stream.bits());

describe("a stream", () => {
  test("depends on its seed and its site, and on nothing else", () => {
    expect(draws(new RandomStream(7, "lstm/W"), 9)).toEqual(draws(new RandomStream(7, "lstm/W"), 9));
    expect(draws(new RandomStream(7, "lstm/W"), 9)).not.toEqual(draws(new RandomStream(8, "lstm/W"), 9));
    expect(draws(new RandomStream(7, "lstm/W"), 9)).not.toEqual(draws(new RandomStream(7, "lstm/R"), 9));
    expect(siteOf("lstm/W")).not.toBe(siteOf("lstm/R"));
  });

  test("is uniform on [0, 1)", () => {
    const stream = new RandomStream(1, "uniform");
    const values = Array.from({ length: 50_000 }, () => stream.uniform());
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    const bins = new Array<number>(10).fill(0);
    for (const value of values) bins[Math.floor(value * 10)]! += 1;
    expect(chiSquared(bins)).toBeLessThan(27.9); // 9 degrees of freedom, p = 0.001
  });

  test("is normal where it says so: moments, one by one or filled", () => {
    const filled = new Float64Array(50_001);
    new RandomStream(2, "normal").fillNormal(filled);
    const stream = new RandomStream(3, "normal");
    for (const values of [Array.from(filled), Array.from({ length: 50_000 }, () => stream.normal())]) {
      const moment = (power: number): number => values.reduce((sum, x) => sum + x ** power, 0) / values.length;
      expect(Math.abs(moment(1))).toBeLessThan(0.02);
      expect(Math.abs(moment(2) - 1)).toBeLessThan(0.03);
      expect(Math.abs(moment(3))).toBeLessThan(0.07);
      expect(Math.abs(moment(4) - 3)).toBeLessThan(0.2);
    }
  });

  test("draws whole numbers below n without bias", () => {
    for (const n of [1, 2, 3, 7, 10]) {
      const stream = new RandomStream(n, "below");
      const counts = new Array<number>(n).fill(0);
      for (let i = 0; i < 10_000; i++) counts[stream.below(n)]! += 1;
      expect(chiSquared(counts), `below ${n}`).toBeLessThan(27.9);
    }
    // Of 3 · 2³⁰ a plain remainder would favour the lowest third two to one.
    const stream = new RandomStream(1, "large");
    const n = 3 * 2 ** 30;
    const low = Array.from({ length: 6000 }, () => stream.below(n)).filter((value) => value < n / 3).length;
    expect(Math.abs(low / 6000 - 1 / 3)).toBeLessThan(0.03);
  });
});

function chiSquared(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe("shuffle", () => {
  test("permutes, the same way for the same stream", () => {
    for (const size of [0, 1, 2, 5, 1000]) {
      const [first, again] = [0, 1].map(() => Int32Array.from({ length: size }, (_, i) => i));
      shuffle(first!, new RandomStream(5, "shuffle/0"));
      shuffle(again!, new RandomStream(5, "shuffle/0"));
      expect(first).toEqual(again);
      expect(Array.from(first!).sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
    }
  });

  test("makes every order equally often", () => {
    const counts: Record<string, number> = {};
    for (let seed = 0; seed < 6000; seed++) {
      const order = Int32Array.of(0, 1, 2);
      shuffle(order, new RandomStream(seed, "orders"));
      counts[order.join()] = (counts[order.join()] ?? 0) + 1;
    }
    expect(Object.keys(counts)).toHaveLength(6);
    expect(chiSquared(Object.values(counts))).toBeLessThan(20.5); // 5 degrees of freedom, p = 0.001
  });
});

describe("dropout masks", () => {
  const mask = (size: number, rate: number, step = 0, offset = 0): Float32Array => {
    const out = new Float32Array(offset + size);
    fillDropoutMask(out, offset, size, rate, 11, siteOf("dropout"), step, new Uint32Array(2));
    return out.subarray(offset);
  };

  test("drop the rate's share, and keep the sum as it was on average", () => {
    for (const rate of [0, 0.1, 0.5, 0.9]) {
      const values = mask(20_000, rate);
      const dropped = values.filter((value) => value === 0).length;
      expect(Math.abs(dropped / 20_000 - rate)).toBeLessThan(0.015);
      expect(new Set(values)).toEqual(new Set(rate === 0 ? [1] : [0, Math.fround(1 / (1 - rate))]));
    }
  });

  test("differ from step to step, and do not depend on where they are written or how long they are", () => {
    expect(mask(99, 0.5, 1)).not.toEqual(mask(99, 0.5, 2));
    expect(Array.from(mask(99, 0.5, 1, 3))).toEqual(Array.from(mask(99, 0.5, 1)));
    expect(Array.from(mask(99, 0.5, 1))).toEqual(Array.from(mask(100, 0.5, 1)).slice(0, 99));
  });
});

describe("normal noise", () => {
  const noise = (size: number, step = 0, offset = 0, site = "noise"): Float64Array => {
    const out = new Float64Array(offset + size);
    fillNormalNoise(out, offset, size, 11, siteOf(site), step, new Uint32Array(2));
    return out.subarray(offset);
  };
  const size = 200_000;
  const mean = (values: Float64Array, of: (z: number, i: number) => number): number =>
    values.reduce((sum, z, i) => sum + of(z, i), 0) / values.length;

  test("has the moments of the normal distribution", () => {
    const values = noise(size);
    // Each within four times its deviation: √(1, 2, 15, 96) / √size.
    for (const [power, expected, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ] as const)
      expect(Math.abs(mean(values, (z) => z ** power) - expected), `${power}`).toBeLessThan(
        4 * Math.sqrt(variance / size),
      );
  });

  test("has its shares of numbers, up to those beyond four deviations", () => {
    // Φ at the bounds.
    const below = [0.0000316712, 0.001349898, 0.0227501319, 0.1586552539, 0.3085375387, 0.5];
    const shares = [
      ...below,
      ...below
        .slice(0, -1)
        .reverse()
        .map((p) => 1 - p),
      1,
    ].map((p, i, all) => p - (all[i - 1] ?? 0));
    const bounds = [-4, -3, -2, -1, -0.5, 0, 0.5, 1, 2, 3, 4];
    const counts = shares.map(() => 0);
    for (const z of noise(size)) counts[bounds.filter((bound) => z >= bound).length]! += 1;
    const expected = shares.map((share) => share * size);
    const chi = counts.reduce((sum, count, i) => sum + (count - expected[i]!) ** 2 / expected[i]!, 0);
    expect(chi).toBeLessThan(31.3); // 11 degrees of freedom, p = 0.001
  });

  test("is of its own in each step, site and place", () => {
    const values = noise(size);
    const [ofNextStep, elsewhere] = [noise(size, 1), noise(size, 0, 0, "noise:1")];
    const correlations = [
      mean(values, (z, i) => z * (ofNextStep[i] as number)),
      mean(values, (z, i) => z * (elsewhere[i] as number)),
      // Beside each other: of one block, and of two.
      ...[1, 2, 3].map((lag) => mean(values.subarray(lag), (z, i) => z * (values[i] as number))),
      ...[1, 2].map((lag) =>
        mean(values.subarray(lag), (z, i) => ((z * z - 1) * ((values[i] as number) ** 2 - 1)) / 2),
      ),
    ];
    for (const correlation of correlations) expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(size));
  });
  test("does not depend on where it is written or how long it is", () => {
    expect(Array.from(noise(99, 1, 3))).toEqual(Array.from(noise(99, 1)));
    expect(Array.from(noise(99, 1))).toEqual(Array.from(noise(100, 1)).slice(0, 99));
    expect(noise(99, 1)).not.toEqual(noise(99, 2));
  });
});
