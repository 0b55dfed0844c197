/** Which rows make a batch, and in which order: all rows once, drawn from the seed alone, of similar length where that is asked for, within their bound. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  batchesOf,
  batchesOfEpoch,
  longestFirst,
  type OrderOptions,
  type RowBatches,
  type RowLengths,
  rowsOf,
} from "../src/train/data/batchOrder.ts";

const rowNumbers = (count: number) => Int32Array.from({ length: count }, (_, row) => row);
const options: OrderOptions = { seed: 3, index: 0, batchSize: 8, shuffle: true, groupByLength: false };
const ones = (count: number): RowLengths => [new Int32Array(count).fill(1)];
const listOf = (batches: RowBatches): number[][] => batches.ends.map((_, step) => [...rowsOf(batches, step)]);

/** Lengths of pairs as sentences and their translations have them, and the longer of both. */
function pairs(count: number): [longest: Int32Array, source: Int32Array, target: Int32Array] {
  const source = Int32Array.from({ length: count }, (_, row) => 5 + ((row * 7919) % 46));
  const target = source.map((length, row) => Math.max(1, length + ((row * 104_729) % 17) - 8));
  return [source.map((length, row) => Math.max(length, target[row] as number)), source, target];
}

/** The share of padding, where a batch is as long as its longest row. */
function padding(batches: RowBatches, lengths: Int32Array): number {
  const sides = listOf(batches).map((rows) => rows.map((row) => lengths[row] as number));
  const room = sides.reduce((sum, side) => sum + side.length * Math.max(...side), 0);
  return 1 - sides.flat().reduce((a, b) => a + b, 0) / room;
}

describe("the batches of an epoch", () => {
  test("hold each row once, are the same for the same seed and epoch, and others for others", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 60 }),
        fc.boolean(),
        fc.boolean(),
        (count, bound, groupByLength, tokens) => {
          const lengths: RowLengths = [Int32Array.from({ length: count }, (_, row) => 1 + ((row * 7919) % 97))];
          const sizing = tokens ? { batchSize: Infinity, batchTokens: bound * 5 } : { batchSize: bound };
          const given = { ...options, ...sizing, groupByLength };
          const batches = batchesOfEpoch(rowNumbers(count), lengths, given);
          expect(listOf(batches).flat()).toEqual([...batches.order]);
          expect([...batches.order].sort((a, b) => a - b)).toEqual([...rowNumbers(count)]);
          expect(batchesOfEpoch(rowNumbers(count), lengths, given)).toEqual(batches);
          for (const rows of listOf(batches)) {
            const longest = Math.max(...rows.map((row) => lengths[0][row] as number));
            if (rows.length > 1)
              expect(tokens ? rows.length * longest : rows.length).toBeLessThanOrEqual(bound * (tokens ? 5 : 1));
            expect(rows.length).toBeGreaterThan(0);
          }
          if (count > 20 && !groupByLength) {
            const other = (more: object) => batchesOfEpoch(rowNumbers(count), lengths, { ...given, ...more }).order;
            expect(other({ index: 1 })).not.toEqual(batches.order);
            expect(other({ seed: 4 })).not.toEqual(batches.order);
          }
        },
      ),
    );
  });

  test("are of one size but for the last, which is left as it was drawn", () => {
    const lengths: RowLengths = [Int32Array.from([3, 1, 2, 1, 0])];
    const still = { ...options, batchSize: 4, shuffle: false };
    expect(listOf(batchesOfEpoch(rowNumbers(5), lengths, still))).toEqual([[0, 1, 2, 3], [4]]);
    expect(listOf(batchesOfEpoch(rowNumbers(5), lengths, { ...still, groupByLength: true }))).toEqual([
      [1, 3, 2, 0],
      [4],
    ]);
    for (const groupByLength of [true, false]) {
      const { ends } = batchesOfEpoch(rowNumbers(1003), ones(1003), { ...options, groupByLength });
      expect(ends).toEqual(Array.from({ length: 126 }, (_, step) => Math.min(8 * (step + 1), 1003)));
    }
  });

  test("take as many rows as their tokens allow, and a longer row alone", () => {
    const lengths: RowLengths = [Int32Array.from([2, 3, 1, 9, 1, 1, 1, 1, 1, 1, 1])];
    const still = { ...options, batchSize: Infinity, batchTokens: 6, shuffle: false };
    const mixed = batchesOfEpoch(rowNumbers(11), lengths, still);
    expect(listOf(mixed)).toEqual([[0, 1], [2], [3], [4, 5, 6, 7, 8, 9], [10]]);
    const grouped = batchesOfEpoch(rowNumbers(11), lengths, { ...still, groupByLength: true });
    expect(listOf(grouped)).toEqual([[2, 4, 5, 6, 7, 8], [9, 10, 0], [1], [3]]);
  });

  test("within both bounds are those of rows alone where steps are few, and otherwise cut where these are full", () => {
    const lengths: RowLengths = [Int32Array.from({ length: 1003 }, (_, row) => 1 + ((row * 7919) % 40))];
    const huge = lengths[0].slice();
    huge[400] = 10_000;
    huge[1002] = 9000;
    for (const groupByLength of [true, false]) {
      const rows = { ...options, groupByLength };
      const both = { ...rows, batchTokens: 320 };
      expect(batchesOfEpoch(rowNumbers(1003), lengths, both)).toEqual(batchesOfEpoch(rowNumbers(1003), lengths, rows));
      const cut = listOf(batchesOfEpoch(rowNumbers(1003), [huge], both));
      expect(cut.flat().sort((a, b) => a - b)).toEqual([...rowNumbers(1003)]);
      expect(cut).toContainEqual([400]);
      expect(cut).toContainEqual([1002]);
      for (const batch of cut.filter(({ length }) => length > 1))
        expect(batch.length * Math.max(8, ...batch.map((row) => huge[row] as number))).toBeLessThanOrEqual(320);
      expect(cut.length).toBeLessThan(134);
    }
  });

  test("of similar length hold a tenth of the padding, and come in no order of length", () => {
    const lengths: RowLengths = [Int32Array.from({ length: 4000 }, (_, row) => 1 + ((row * 7919) % 300))];
    for (const sizing of [{}, { batchSize: Infinity, batchTokens: 1200 }]) {
      const given = { ...options, ...sizing };
      const mixed = batchesOfEpoch(rowNumbers(4000), lengths, given);
      const grouped = batchesOfEpoch(rowNumbers(4000), lengths, { ...given, groupByLength: true });
      expect(padding(grouped, lengths[0])).toBeLessThan(0.1 * padding(mixed, lengths[0]));
      const firsts = listOf(grouped)
        .slice(0, 100)
        .map(([row]) => lengths[0][row as number] as number);
      const rising = firsts.filter((length, i) => i > 0 && length > (firsts[i - 1] as number)).length;
      expect(rising).toBeGreaterThan(30);
      expect(rising).toBeLessThan(70);
    }
  });

  test("pad neither side of pairs much: less than by the longer side alone", () => {
    const lengths = pairs(6000);
    const [longest, source, target] = lengths;
    const both = (batches: RowBatches) => [padding(batches, source), padding(batches, target)];
    for (const sizing of [{ batchSize: 32 }, { batchSize: Infinity, batchTokens: 1500 }]) {
      const given = { ...options, ...sizing, groupByLength: true };
      const sides = both(batchesOfEpoch(rowNumbers(6000), lengths, given));
      const alone = both(batchesOfEpoch(rowNumbers(6000), [longest], given));
      const mixed = both(batchesOfEpoch(rowNumbers(6000), lengths, { ...given, groupByLength: false }));
      for (const side of [0, 1]) {
        expect(sides[side]).toBeLessThan(alone[side] as number);
        expect(sides[side]).toBeLessThan(0.12);
        expect(mixed[side]).toBeGreaterThan(0.35);
      }
    }
  });
});

test("batches of a pass are in the order of the rows, or have the longest first", () => {
  const lengths: RowLengths = [Int32Array.from([2, 3, 1, 3, 1]), Int32Array.from([2, 1, 1, 3, 1])];
  const sorted = longestFirst(rowNumbers(5), lengths);
  expect(listOf(batchesOf(rowNumbers(5), lengths, { batchSize: 2 }))).toEqual([[0, 1], [2, 3], [4]]);
  expect(listOf(batchesOf(sorted, lengths, { batchSize: 2 }))).toEqual([[3, 1], [0, 2], [4]]);
  expect(listOf(batchesOf(sorted, lengths, { batchSize: 2, batchTokens: 4 }))).toEqual([[3], [1], [0, 2], [4]]);
});
