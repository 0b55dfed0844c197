/** The Large Movie Review Dataset from a folder in the layout of Stanford's archive: one text file for each review. */
import { readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { foreignEncoding, foreignEncodingProblem, notUtf8Remedy } from "./encoding.ts";
import { DatasetFormatError, DatasetNotFoundError, refuseUnknown } from "./errors.ts";
import { type Imdb, type ImdbOptions, imdbLabels } from "./imdb.ts";
import type { LabelledTexts } from "./labelled-texts.ts";
import { readError } from "./read-error.ts";
import { shuffledIndices } from "./shuffle.ts";
import { withNewlines } from "./tables/delimited-row.ts";

/** Options of `readImdbFolder`. */
export type ImdbFolderOptions = Pick<ImdbOptions, "seed" | "shuffle">;

const halves = ["train", "test"] as const;
/** In the order of the labels. */
const classFolders = ["neg", "pos"] as const;
const dataset = "IMDB reviews";
export const howToGetFolder =
  "download https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz, unpack it with: tar -xzf aclImdb_v1.tar.gz, and give the path of the folder aclImdb";

/**
 * Reads the reviews of a folder that holds `train` and `test` with `neg` and `pos` in each, or of one that holds such a
 * folder as `aclImdb`; 50,000 files take a few seconds. Files that do not end in `.txt` or that begin with a dot (macOS
 * leaves `._1_7.txt` beside `1_7.txt`) are passed over, and an empty file is an empty review. Without shuffling, the negative reviews come first, each class by the number in its names.
 *
 * Throws `DatasetNotFoundError` where folders or reviews are missing, `DatasetFormatError` for a file that is not UTF-8.
 *
 * @example
 * const { train, test } = await readImdbFolder("aclImdb", { seed: 1 });
 */
export async function readImdbFolder(path: string, options: ImdbFolderOptions = {}): Promise<Imdb> {
  refuseUnknown("readImdbFolder", options, { seed: true, shuffle: true });
  const { seed = 0, shuffle = true } = options;
  const root = await imdbRoot(path);
  if (root === undefined) throw new DatasetNotFoundError(dataset, missingFolders(path), howToGetFolder);
  const half = async (name: (typeof halves)[number]): Promise<LabelledTexts> => {
    const negative = await reviewsIn(join(root, name, "neg"));
    const texts = [...negative, ...(await reviewsIn(join(root, name, "pos")))];
    const order = shuffle ? shuffledIndices(texts.length, seed) : Int32Array.from(texts.keys());
    return {
      texts: Array.from(order, (row) => texts[row]!),
      labels: order.map((row) => (row < negative.length ? 0 : 1)),
    };
  };
  return { train: await half("train"), test: await half("test"), labelEncoder: imdbLabels };
}

/** The folder with the four folders of reviews: `path`, or `aclImdb` in it; `undefined` where there is none. */
export async function imdbRoot(path: string): Promise<string | undefined> {
  for (const root of [path, join(path, "aclImdb")]) {
    const found = await Promise.all(reviewFolders(root).map(isFolder));
    if (found.every(Boolean)) return root;
  }
  return undefined;
}

export function missingFolders(path: string): string[] {
  const inside = halves.flatMap((half) => classFolders.map((name) => `${half}/${name}`));
  return [`the folders ${inside.join(", ")} in ${path}`, join(path, "aclImdb")];
}

function reviewFolders(root: string): string[] {
  return halves.flatMap((half) => classFolders.map((name) => join(root, half, name)));
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Files read before other work gets its turn. */
const filesAtOnce = 200;

async function reviewsIn(folder: string): Promise<string[]> {
  const names = (await filesIn(folder)).filter((name) => /^[^.].*\.txt$/s.test(name)).sort(byNumber);
  if (names.length === 0) throw new DatasetNotFoundError(dataset, [`*.txt in ${folder}`], howToGetFolder);
  const texts: string[] = [];
  for (let start = 0; start < names.length; start += filesAtOnce) {
    // Many small files are read three times as fast without a promise for each.
    for (const name of names.slice(start, start + filesAtOnce)) texts.push(review(join(folder, name)));
    await setImmediate();
  }
  return texts;
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw readError(error, dataset, folder, howToGetFolder);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function review(file: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw readError(error, dataset, file, howToGetFolder);
  }
  const foreign = foreignEncoding(bytes);
  if (foreign !== undefined) throw new DatasetFormatError(file, foreignEncodingProblem(foreign));
  try {
    return withNewlines(utf8.decode(bytes));
  } catch (error) {
    throw new DatasetFormatError(file, `is not UTF-8; ${notUtf8Remedy(bytes)}`, { cause: error });
  }
}

/** Files are named `<number>_<rating>.txt`; other names come last. */
function byNumber(a: string, b: string): number {
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== right) return left < right ? -1 : 1;
  return a < b ? -1 : 1;
}

function numberOf(name: string): number {
  const number = Number.parseInt(name, 10);
  return Number.isNaN(number) ? Number.POSITIVE_INFINITY : number;
}
