/** Tagged sentences by their path: one CoNLL file, or a folder with files to train, to validate and to test with. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type ConllOptions, conllOptions, readConll } from "./conll.ts";
import { DatasetFormatError, DatasetNotFoundError, refuseUnknown } from "./errors.ts";
import type { HashSplitOptions } from "./hash-split.ts";
import { readError } from "./read-error.ts";
import { splitSentences, type TaggedData } from "./sentence-split.ts";

/** Options of `readTaggedData`: those of `readConll`, and of `splitSentences` for the parts that have no file of their own, a tenth each by default. */
export interface TaggedDataOptions extends ConllOptions, HashSplitOptions {}

/** The CoNLL files at a path. */
export interface TaggedSource {
  /** The files by their part. A file that is given alone is that of `train`. */
  readonly files: { readonly [P in keyof TaggedData]?: string };
}

/** Words of file names that say what a file is for. */
const partNames: Readonly<Record<keyof TaggedData, readonly string[]>> = {
  train: ["train", "training"],
  validation: ["dev", "devel", "development", "valid", "validation", "val", "testa"],
  test: ["test", "testing", "testb"],
};
const parts = Object.keys(partNames) as (keyof TaggedData)[];

/** Not read, whatever they are called: what stands beside data. */
const besides = /^\.|^(readme|licen[cs]e)|\.(md|json|html?|zip|gz|tgz|py|sh|log)$/i;

const advice = "give a CoNLL file, or a folder with files named train, dev and test, such as train.conll";

/**
 * Finds out which files there are at a path: a file by itself, or in a folder those whose names have `train`, `dev` or `test` in them, or `training`, `valid`, `testa` and
 * the like, as whole words: `eng.train`, `en_ewt-ud-dev.conllu`.
 *
 * Throws `DatasetNotFoundError` where there is nothing to train with, and `DatasetFormatError` where two files are for the same part.
 */
export async function findTaggedData(path: string): Promise<TaggedSource> {
  const found = await stat(path).catch((error: unknown) => {
    throw readError(error, "tagged sentences", path, advice);
  });
  if (!found.isDirectory()) return { files: { train: path } };
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory() && !besides.test(entry.name)).map(({ name }) => name);
  const files: Partial<Record<keyof TaggedData, string>> = {};
  for (const name of names.sort()) {
    const words = name.toLowerCase().split(/[^a-z0-9]+/);
    const part = parts.find((each) => partNames[each].some((word) => words.includes(word)));
    if (part === undefined) continue;
    const before = files[part];
    if (before !== undefined)
      throw new DatasetFormatError(
        path,
        `two files are for ${part}: ${before.slice(path.length + 1)} and ${name}; leave one in the folder, or give the path of a file`,
      );
    files[part] = join(path, name);
  }
  if (files.train === undefined) {
    const held = names.length === 0 ? "no file" : names.slice(0, 5).join(", ") + (names.length > 5 ? ", …" : "");
    throw new DatasetNotFoundError(
      "a file to train with",
      [join(path, "train.*")],
      `the folder has ${held}; ${advice}`,
    );
  }
  return { files };
}

/**
 * Reads tagged sentences to train, to validate and to test with: from the files of a folder (`findTaggedData`). A part without a file is split from the training file
 * by `splitSentences`; where a folder has a file to validate or to test with, none but those that it has are used, so that all of the training file is trained with.
 *
 * Throws as `findTaggedData` and `readConll` do.
 *
 * @example
 * const { train, validation, test } = await readTaggedData("conll2003", { tagColumn: 4 });
 */
export async function readTaggedData(path: string, options: TaggedDataOptions = {}): Promise<TaggedData> {
  refuseUnknown("readTaggedData", options, { ...conllOptions, test: true, validation: true });
  const { test = 2, validation = 2, ...conll } = options;
  const { files } = await findTaggedData(path);
  const sentences = await readConll(files.train as string, conll);
  const own = {
    validation: files.validation === undefined ? undefined : await readConll(files.validation, conll),
    test: files.test === undefined ? undefined : await readConll(files.test, conll),
  };
  const split = splitSentences(sentences, {
    validation: own.validation === undefined ? validation : 0,
    test: own.test === undefined && own.validation === undefined ? test : 0,
  });
  return { train: split.train, validation: own.validation ?? split.validation, test: own.test ?? split.test };
}
