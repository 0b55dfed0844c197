/** What data takes of memory while it is trained with, as the section "Memory" of the README states it. */
import { float32, int32 } from "@ostinato/core";
import { expect, test } from "vitest";
import { batchWriter } from "../src/train/data/batchWriter.ts";
import { masked, read, sequence } from "./data.ts";

const rows = [[1, 2, 3], [4], [5, 6]];

test("4 bytes for each id and each number, and 12 for each row of a column", () => {
  const { fed } = read(masked, rows, [0, 1, 1]);
  const bytes = fed.map(({ column: { data, starts, lengths } }) => [
    data.buffer.byteLength,
    starts.buffer.byteLength + lengths.buffer.byteLength,
  ]);
  expect(bytes).toEqual([
    [4 * 6, 12 * 3],
    [4 * 3, 12 * 3],
  ]);
});

test("a tensor of the right type is used where it lies", () => {
  const ids = int32([2, 2], [1, 2, 3, 0]);
  const targets = float32([2], [0, 1]);
  const [x, y] = read(masked, ids, targets).fed;
  expect([x?.column.data, y?.column.data]).toEqual([ids.data, targets.data]);
  expect(x?.column.data).toBe(ids.data);
  expect(y?.column.data).toBe(targets.data);
});

test("a batch takes 4 bytes for each number of its rows, as long as the longest of all", () => {
  const bytesOf = (feeds: Readonly<Record<string, { readonly data: { readonly byteLength: number } }>>) =>
    Object.values(feeds).map(({ data }) => data.byteLength);
  expect(bytesOf(batchWriter(read(masked, rows, [0, 1, 1]), 2).feeds)).toEqual([4 * 2 * 3, 4 * 2]);
  // Two numbers a step.
  const steps = float32([3, 5, 2], new Float32Array(30));
  expect(bytesOf(batchWriter(read(sequence, steps, [0, 1, 1]), 2).feeds)).toEqual([4 * 2 * 5 * 2, 4 * 2]);
});
