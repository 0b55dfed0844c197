/** Naive Bayes' log-count ratios, by hand and by their properties. */
import { expect, test } from "vitest";
import { logCountRatios } from "../src/log-count-ratios.ts";

test("of two classes: how much oftener texts of the second have the id, each text counted once", () => {
  const rows = [[2, 2, 3], [2], [3, 1, 3], []];
  const { shape, data } = logCountRatios(rows, [0, 0, 1, 1], { inputDim: 5, units: 1, scale: 10 });
  expect(shape).toEqual([5, 1]);
  // Id 2: none of 2 against both of 2; id 3: one against one; id 4 has no text.
  const expected = [0, 0, 10 * Math.log(1 / 4 / (3 / 4)), 0, 0];
  for (const [id, ratio] of data.entries()) expect(ratio).toBeCloseTo(expected[id] as number, 5);
});

test("of more classes: each against all others", () => {
  const { shape, data } = logCountRatios([[2], [2, 3], [3], [4]], [0, 0, 1, 2], { inputDim: 5, units: 3, scale: 1 });
  expect(shape).toEqual([5, 3]);
  const [two, four] = [data.subarray(6, 9), data.subarray(12, 15)];
  expect(two[0]).toBeCloseTo(Math.log(3 / 4 / (1 / 4)), 5);
  expect(two[1]).toBeCloseTo(Math.log(1 / 3 / (3 / 5)), 5);
  expect(four[2]).toBeCloseTo(Math.log(2 / 3 / (1 / 5)), 5);
  expect([...data.subarray(0, 6)]).toEqual([0, 0, 0, 0, 0, 0]);
});
