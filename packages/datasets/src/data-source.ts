/** Any data by its path: finds out what it is, and reads it as texts to train and to test with. */
import { readdir, stat } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import type { LabelEncoder } from "@ostinato/text";
import { DatasetFormatError, DatasetNotFoundError, refuseUnknown } from "./errors.ts";
import { howToGetFolder, imdbRoot, missingFolders, readImdbFolder } from "./imdb-folder.ts";
import { readImdbNpzTexts, wordIndexName } from "./imdb-word-index.ts";
import type { LabelledTexts } from "./labelled-texts.ts";
import { readError } from "./read-error.ts";
import { splitExamples } from "./split-examples.ts";
import {
  readTextClassification,
  type TableFormat,
  type TableOptions,
  tableEndings,
  tableFormatOf,
  tableOptions,
} from "./text-classification.ts";

/** What a path leads to. */
export interface DataSource {
  readonly kind: "imdbFolder" | "imdbNpz" | TableFormat;
  readonly path: string;
}

/** Texts to train and to test with; `Imdb` is one such. */
export interface TextData {
  readonly train: LabelledTexts;
  readonly test: LabelledTexts;
  readonly labelEncoder: LabelEncoder<string>;
}

/** Options of `readTextData`. */
export interface TextDataOptions extends TableOptions {
  /** Draws the order of the rows, and of a table those to test with; 0 by default. */
  readonly seed?: number;
  /** Share of a table's rows to test with; 0.2 by default. IMDB has its official halves. */
  readonly testFraction?: number;
}

const known = `a folder in the layout of Stanford's IMDB archive, Keras's imdb.npz, or a file that ends in ${Object.values(tableEndings).flat().join(", ")}`;

/**
 * What a path leads to, by its name and, for a folder, by what it holds. `format` says what a file is, whatever its
 * name. Throws `DatasetNotFoundError` with what was looked for and how to get it, and `DatasetFormatError` for a file
 * of another kind.
 */
export async function detectDataSource(path: string, format?: TableFormat): Promise<DataSource> {
  const found = await stat(path).catch((error: unknown) => {
    throw readError(error, "data", path, `give the path of ${known}; for the IMDB reviews, ${howToGetFolder}`);
  });
  if (found.isDirectory()) return folderSource(path);
  if (format !== undefined) return { kind: format, path };
  if (extname(path).toLowerCase() === ".npz") return { kind: "imdbNpz", path };
  const kind = tableFormatOf(path);
  if (kind !== undefined) return { kind, path };
  throw new DatasetFormatError(path, `is of no known kind by its name: give ${known}, or rename it`);
}

async function folderSource(path: string): Promise<DataSource> {
  const root = await imdbRoot(path);
  if (root !== undefined) return { kind: "imdbFolder", path: root };
  const names = await readdir(path).catch(() => []);
  const file = names.find(
    (name) => !name.startsWith(".") && (extname(name) === ".npz" || tableFormatOf(name) !== undefined),
  );
  const hint = file === undefined ? "" : `, or give the path of a file, such as ${join(path, file)}`;
  throw new DatasetNotFoundError("IMDB reviews", missingFolders(path), howToGetFolder + hint);
}

/**
 * Reads whatever `detectDataSource` finds: IMDB in its official halves; of a table `testFraction` of the rows to test
 * with, every class in proportion. Keras's `imdb.npz` holds ids only: its words come from `imdb_word_index.json`
 * beside it. Rows are in an order drawn from `seed`; a split for validation is left to the caller.
 *
 * Throws as the readers do, and `MissingClassError` where a class has no row to train with.
 *
 * @example
 * const { train, test, labelEncoder } = await readTextData("tickets.csv", { labelColumn: "queue", seed: 1 });
 */
export async function readTextData(path: string, options: TextDataOptions = {}): Promise<TextData> {
  refuseUnknown("readTextData", options, { ...tableOptions, seed: true, testFraction: true });
  const { seed = 0, testFraction = 0.2, ...table } = options;
  const source = await detectDataSource(path, table.format);
  switch (source.kind) {
    case "imdbFolder":
      return readImdbFolder(source.path, { seed });
    case "imdbNpz":
      return readImdbNpzTexts(path, join(dirname(path), wordIndexName), seed);
    default: {
      const { rows, labelEncoder } = await readTextClassification(path, { ...table, format: source.kind });
      const { train, test } = splitExamples(rows, labelEncoder, { test: testFraction, validation: 0, seed });
      return { train, test, labelEncoder };
    }
  }
}
