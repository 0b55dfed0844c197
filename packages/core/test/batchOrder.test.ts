/** The order of rows in an epoch: permutations, drawn from the seed alone, in batches of similar length where that is asked for. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { orderOfEpoch } from "../src/train/data/batchOrder.ts";

const rowsOf = (count: number) => Int32Array.from({ length: count }, (_, row) => row);
const options = { seed: 3, index: 0, batchSize: 8, shuffle: true };

/** Steps that are padding, when each batch is as long as its longest row. */
function padding(order: Int32Array, lengths: Int32Array, batchSize: number): number {
  let steps = 0;
  for (let from = 0; from < order.length; from += batchSize) {
    const batch = [...order.subarray(from, from + batchSize)].map((row) => lengths[row] as number);
    steps += Math.max(...batch) * batch.length - batch.reduce((a, b) => a + b, 0);
  }
  return steps;
}

describe("the order of an epoch", () => {
  test("is a permutation, the same for the same seed and epoch, another for another", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        (count, batchSize, grouped) => {
          const lengths = Int32Array.from({ length: count }, (_, row) => (row * 7919) % 97);
          const given = { ...options, batchSize, ...(grouped ? { lengths } : {}) };
          const order = orderOfEpoch(rowsOf(count), given);
          expect([...order].sort((a, b) => a - b)).toEqual([...rowsOf(count)]);
          expect(orderOfEpoch(rowsOf(count), given)).toEqual(order);
          if (count > 20 && !grouped) {
            expect(orderOfEpoch(rowsOf(count), { ...given, index: 1 })).not.toEqual(order);
            expect(orderOfEpoch(rowsOf(count), { ...given, seed: 4 })).not.toEqual(order);
          }
        },
      ),
    );
  });

  test("is that of the rows without shuffling, sorted by length where batches are grouped, but for the rows of a short last batch", () => {
    expect(orderOfEpoch(rowsOf(5), { ...options, shuffle: false })).toEqual(rowsOf(5));
    const lengths = Int32Array.from([3, 1, 2, 1, 0]);
    const sorted = orderOfEpoch(rowsOf(5), { ...options, batchSize: 4, shuffle: false, lengths });
    expect([...sorted]).toEqual([1, 3, 2, 0, 4]);
  });

  test("of grouped batches holds a tenth of the padding, and the batches come in no order of length", () => {
    const lengths = Int32Array.from({ length: 4000 }, (_, row) => 1 + ((row * 7919) % 300));
    const mixed = orderOfEpoch(rowsOf(4000), options);
    const grouped = orderOfEpoch(rowsOf(4000), { ...options, lengths });
    expect(padding(grouped, lengths, 8)).toBeLessThan(0.1 * padding(mixed, lengths, 8));
    const firsts = Array.from({ length: 100 }, (_, batch) => lengths[grouped[batch * 8] as number] as number);
    const rising = firsts.filter((length, i) => i > 0 && length > (firsts[i - 1] as number)).length;
    expect(rising).toBeGreaterThan(30);
    expect(rising).toBeLessThan(70);
  });
});
