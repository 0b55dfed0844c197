/** Keras's `imdb.npz`: the reviews as word ids, prepared as `keras.datasets.imdb.load_data` does. */
import { readFile } from "node:fs/promises";
import type { LabelEncoder } from "@ostinato/text";
import { DatasetFormatError, DatasetOptionError, refuseUnknown } from "./errors.ts";
import { type ImdbClass, imdbLabels } from "./imdb.ts";
import { integersOf, listsOf } from "./npz/npy.ts";
import { NpzProblem } from "./npz/problem.ts";
import { unpacked, type ZipArchive, zipArchive } from "./npz/zip-archive.ts";
import { numpyShuffle } from "./numpy-shuffle.ts";
import { readError } from "./read-error.ts";

/** Rows of ids with a class each; `padSequences` makes a tensor of the rows. */
export interface LabelledSequences {
  readonly sequences: readonly Int32Array[];
  /** Class id of each row. */
  readonly labels: Int32Array;
}

/** Keras's two parts; `classes` are the names of the labels: 0 is negative, 1 is positive. */
export interface ImdbSequences {
  readonly train: LabelledSequences;
  readonly test: LabelledSequences;
  readonly labelEncoder: LabelEncoder<ImdbClass>;
}

/** Keras's options and defaults. Ids are compared to `numWords` and `skipTop` once they are shifted by `indexFrom`. */
export interface ImdbNpzOptions {
  /** Ids of `numWords` or more become `oovChar`; by default the greatest id there is, so that only that one does. */
  readonly numWords?: number | null;
  /** Ids below become `oovChar`, `startChar` among them; 0 by default. */
  readonly skipTop?: number;
  /** Rows of this length or more, `startChar` included, are dropped; by default none. */
  readonly maxlen?: number | null;
  /** Draws the order of the rows, as NumPy's `RandomState` does; 113 by default. */
  readonly seed?: number;
  /** Put in front of every row; 1 by default, `null` for nothing. */
  readonly startChar?: number | null;
  /** Stands for words that are left out; 2 by default, `null` drops them without a trace. */
  readonly oovChar?: number | null;
  /** Added to the ids of the file, which start at 1; 3 by default. */
  readonly indexFrom?: number;
}

const howToGetNpz =
  "download https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz, or give the path of your copy";

/**
 * Reads `imdb.npz` (17 MB). The file's pickled lists are read as data and never run; whatever else a pickle may hold
 * is refused, and so are archives that unpack to more than 256 MiB.
 *
 * Throws `DatasetNotFoundError`, `DatasetFormatError` and `DatasetOptionError`.
 *
 * @example
 * const { train } = await readImdbNpz("imdb.npz", { numWords: 10_000 });
 * padSequences(train.sequences, { maxLength: 300 });
 */
export async function readImdbNpz(path: string, options: ImdbNpzOptions = {}): Promise<ImdbSequences> {
  const settings = checkedOptions(options);
  const shuffle = numpyShuffle(settings.seed);
  const halves = storedHalves(await fileBytes(path), path);
  // One after the other: Keras draws both orders from one generator.
  const train = prepared(halves.train, shuffle, settings);
  const test = prepared(halves.test, shuffle, settings);
  if (train.sequences.length === 0 || test.sequences.length === 0) {
    throw new DatasetOptionError("maxlen", "leave rows in both halves: none is shorter", settings.maxlen);
  }
  const numWords = settings.numWords ?? greatest(train, test);
  const limited = (rows: LabelledSequences) => limitedWords(rows, numWords, settings);
  return { train: limited(train), test: limited(test), labelEncoder: imdbLabels };
}

type Settings = Required<ImdbNpzOptions>;

const npzOptions: Record<keyof ImdbNpzOptions, true> = {
  numWords: true,
  skipTop: true,
  maxlen: true,
  seed: true,
  startChar: true,
  oovChar: true,
  indexFrom: true,
};

function checkedOptions(options: ImdbNpzOptions): Settings {
  refuseUnknown("readImdbNpz", options, npzOptions);
  const { numWords = null, skipTop = 0, maxlen = null, seed = 113 } = options;
  const { startChar = 1, oovChar = 2, indexFrom = 3 } = options;
  const whole = (name: string, value: number | null, least: number, orNull: string) => {
    if (value === null && orNull !== "") return;
    if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= greatestId) return;
    throw new DatasetOptionError(name, `be a whole number from ${least} to ${greatestId}${orNull}`, value);
  };
  whole("numWords", numWords, 1, ", or null for all words");
  whole("skipTop", skipTop, 0, "");
  whole("maxlen", maxlen, 1, ", or null for any length");
  whole("startChar", startChar, 0, ", or null for none");
  whole("oovChar", oovChar, 0, ", or null to drop words");
  whole("indexFrom", indexFrom, 0, "");
  return { numWords, skipTop, maxlen, seed, startChar, oovChar, indexFrom };
}

/** Ids and `indexFrom` stay below, so that their sum is a 32-bit integer. */
const greatestId = 2 ** 30;

async function fileBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw readError(error, "Keras's IMDB file", path, howToGetNpz);
  }
}

/** The two halves as the file holds them; throws `DatasetFormatError`. */
export function storedHalves(bytes: Uint8Array, path: string): Record<"train" | "test", LabelledSequences> {
  const archive = named(path, "", () => zipArchive(bytes));
  return { train: storedHalf(path, archive, "train"), test: storedHalf(path, archive, "test") };
}

function storedHalf(path: string, archive: ZipArchive, half: string): LabelledSequences {
  const member = <T>(name: string, read: (bytes: Uint8Array) => T) =>
    named(path, `${name}.npy `, () => read(unpacked(archive, `${name}.npy`)));
  const sequences = member(`x_${half}`, listsOf);
  const labels = member(`y_${half}`, integersOf);
  if (labels.length !== sequences.length) {
    throw new DatasetFormatError(path, `y_${half}.npy has ${labels.length} labels for ${sequences.length} reviews`);
  }
  for (const [row, ids] of sequences.entries()) {
    const wrong = ids.find((id) => id < 0 || id >= greatestId);
    if (wrong !== undefined) throw new DatasetFormatError(path, `x_${half}.npy holds the id ${wrong} in row ${row}`);
  }
  const other = labels.find((label) => label !== 0 && label !== 1);
  if (other !== undefined) throw new DatasetFormatError(path, `y_${half}.npy holds the label ${other}, not 0 or 1`);
  return { sequences, labels };
}

/** What `read` returns; a problem with the data becomes an error that names the file and the part. */
function named<T>(path: string, part: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof NpzProblem)) throw error;
    throw new DatasetFormatError(path, part + error.message, { cause: error });
  }
}

/** Rows in their drawn order, shifted, with `startChar`, those that are too long left out. */
function prepared(
  { sequences, labels }: LabelledSequences,
  shuffle: (count: number) => Int32Array,
  { startChar, indexFrom, maxlen }: Settings,
): LabelledSequences {
  const start = startChar === null ? 0 : 1;
  const order = shuffle(sequences.length).filter((row) => start + sequences[row]!.length < (maxlen ?? Infinity));
  return {
    sequences: Array.from(order, (row) => {
      const stored = sequences[row]!;
      const ids = new Int32Array(start + stored.length);
      if (startChar !== null) ids[0] = startChar;
      for (let index = 0; index < stored.length; index++) ids[start + index] = stored[index]! + indexFrom;
      return ids;
    }),
    labels: order.map((row) => labels[row]!),
  };
}

function greatest(...halves: readonly LabelledSequences[]): number {
  let found = 0;
  for (const { sequences } of halves) for (const ids of sequences) for (const id of ids) found = Math.max(found, id);
  return found;
}

function limitedWords(rows: LabelledSequences, numWords: number, { skipTop, oovChar }: Settings): LabelledSequences {
  const isKept = (id: number) => id >= skipTop && id < numWords;
  const limited = (ids: Int32Array) =>
    oovChar === null ? ids.filter(isKept) : ids.map((id) => (isKept(id) ? id : oovChar));
  return { sequences: rows.sequences.map(limited), labels: rows.labels };
}
