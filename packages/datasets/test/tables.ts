/** Tables for tests: written to a folder that is gone when the tests of the file have ended. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { DatasetFormatError, readTextClassification, type TextClassificationOptions } from "../src/index.ts";

export const folder = mkdtempSync(join(tmpdir(), "tables-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

/** Writes a file of its own. */
export function written(name: string, content: string | Uint8Array): string {
  const path = join(folder, `${files++}-${name}`);
  writeFileSync(path, content);
  return path;
}

/** Text and label of each row. */
export async function rowsOf(name: string, content: string | Uint8Array, options?: TextClassificationOptions) {
  const { rows, labelEncoder } = await readTextClassification(written(name, content), options);
  return rows.texts.map((text, row) => [text, labelEncoder.classes[rows.labels[row]!]]);
}

/** Expects a `DatasetFormatError` in one line that names the file. */
export async function refused(
  name: string,
  content: string | Uint8Array,
  message: string,
  options?: TextClassificationOptions,
) {
  const path = written(name, content);
  const error = await readTextClassification(path, options).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(DatasetFormatError);
  expect(String(error)).toContain(message);
  expect(error).toHaveProperty("file", path);
  expect(String(error)).not.toContain("\n");
}

/** The rows of a file, and how it turned out to be written. */
export async function readOf(name: string, content: string | Uint8Array, options?: TextClassificationOptions) {
  const { rows, labelEncoder, form } = await readTextClassification(written(name, content), options);
  return { rows: rows.texts.map((text, row) => [text, labelEncoder.classes[rows.labels[row]!]]), form };
}
