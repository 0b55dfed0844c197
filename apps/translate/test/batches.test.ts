/** How batches and translations are bounded, so that one long text stops no training. */
import { expect, test } from "vitest";
import { stepsOf } from "../src/course.ts";
import { type PresetName, presets, withPreset } from "../src/presets.ts";
import { boundBy } from "../src/validation.ts";

test("--batch-tokens takes the place of the batch size, and both bound both; sentences have both", async () => {
  type Bounds = { readonly batchSize?: number; readonly batchTokens?: number };
  const boundsOf = async (preset: PresetName, given: Bounds) => {
    const defaults: Bounds = { batchSize: presets.pronunciation.options.batchSize };
    const options = { preset, test: true, ...defaults, ...given };
    const { batchSize, batchTokens } = await withPreset<typeof options>(options, new Set(Object.keys(given)));
    return [batchSize, batchTokens];
  };
  expect(await boundsOf("pronunciation", {})).toEqual([128, undefined]);
  expect(await boundsOf("pronunciation", { batchTokens: 300 })).toEqual([undefined, 300]);
  expect(await boundsOf("pronunciation", { batchSize: 8, batchTokens: 300 })).toEqual([8, 300]);
  expect(await boundsOf("sentences", {})).toEqual([64, 4096]);
  expect(await boundsOf("sentences", { batchSize: 8 })).toEqual([8, 4096]);
  expect(await boundsOf("sentences", { batchTokens: 300 })).toEqual([undefined, 300]);
  expect(await boundsOf("sentences", { batchSize: 8, batchTokens: 300 })).toEqual([8, 300]);
});

test("the steps of an epoch, within both bounds: a long row is one of its own", () => {
  const lengths = [3, 1000, 3, 3, 2, 2, 2, 3, 4];
  expect(stepsOf({ batchSize: 4 }, lengths)).toBe(3);
  expect(stepsOf({ batchTokens: 12 }, lengths)).toBe(4); // 2 2 2 3 | 3 3 3 | 4 | 1000
  expect(stepsOf({ batchSize: 3, batchTokens: 12 }, lengths)).toBe(4); // 2 2 2 | 3 3 3 | 3 4 | 1000
  const short = Array.from({ length: 130 }, (_, i) => 1 + (i % 64));
  expect(stepsOf({ batchSize: 64, batchTokens: 4096 }, short)).toBe(3);
});

test("validation writes three times as many tokens as are usual for a text of its length, and 10, at most", () => {
  const rows = (...lengths: number[]) => lengths.map((length) => Array<number>(length).fill(5));
  const pairs = { sources: rows(2, 3, 1000), targets: rows(4, 6, 2000) };
  expect([1, 10].map(boundBy(pairs))).toEqual([16, 70]);
});
