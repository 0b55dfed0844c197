/** 100,000 damaged files of each format: only typed errors, each in time, and no buffer longer than ten times the file. */
import { expect, test } from "vitest";
import { damagedArchives, damagedStateDicts } from "./damagedFiles.ts";
import { damagedHdf5, damagedArchives as damagedKeras, damagedOlder, damagedWeights } from "./damagedKeras.ts";

test("100,000 mutations of state dicts", async () => {
  const { refused, read } = await damagedStateDicts(100_000, 2);
  expect(refused).toBeGreaterThan(50_000);
  expect(read).toBeGreaterThan(5000);
});

test("100,000 mutations of NumPy's archives", async () => {
  const { refused, read } = await damagedArchives(100_000, 2);
  expect(refused).toBeGreaterThan(75_000);
  expect(read).toBeGreaterThan(5000);
});

test.each([
  ["Keras's archives", damagedKeras],
  ["Keras's files of weights", damagedWeights],
  ["Keras's older files", damagedOlder],
  ["HDF5 files", damagedHdf5],
] as const)("100,000 mutations of %s", async (_name, damaged) => {
  const { refused, read } = await damaged(100_000, 2);
  expect(refused).toBeGreaterThan(15_000);
  expect(read).toBeGreaterThan(10_000);
});
