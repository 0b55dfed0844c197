/** Damaged files: only typed errors, each in time, and no buffer longer than ten times the file. `damage.soak.ts` tests more of them. */
import { expect, test } from "vitest";
import { damagedArchives, damagedStateDicts } from "./damagedFiles.ts";
import { damagedHdf5, damagedArchives as damagedKeras, damagedOlder, damagedWeights } from "./damagedKeras.ts";

test("2,000 mutations of state dicts", async () => {
  const { refused, read } = await damagedStateDicts(2000, 1);
  expect(refused).toBeGreaterThan(1000);
  expect(read).toBeGreaterThan(100);
});

test("2,000 mutations of NumPy's archives", async () => {
  const { refused, read } = await damagedArchives(2000, 1);
  // Checksums detect damage outside the headers.
  expect(refused).toBeGreaterThan(1500);
  expect(read).toBeGreaterThan(50);
});

test("2,000 mutations of Keras's archives", async () => {
  const { refused, read } = await damagedKeras(2000, 1);
  expect(refused).toBeGreaterThan(1000);
  expect(read).toBeGreaterThan(200);
});

test("2,000 mutations of Keras's files of weights", async () => {
  const { refused, read } = await damagedWeights(2000, 1);
  expect(refused).toBeGreaterThan(500);
  expect(read).toBeGreaterThan(200);
});

test("2,000 mutations of Keras's older files", async () => {
  const { refused, read } = await damagedOlder(2000, 1);
  expect(refused).toBeGreaterThan(500);
  expect(read).toBeGreaterThan(200);
});

test("2,000 mutations of HDF5 files", async () => {
  const { refused, read } = await damagedHdf5(2000, 1);
  expect(refused).toBeGreaterThan(300);
  expect(read).toBeGreaterThan(300);
});
