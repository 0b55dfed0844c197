/** Parts of sentences by a hash of each: the same sentence is in the same part whatever stands beside it, and never in two. */
import type { TaggedSentence } from "./conll.ts";
import { DatasetOptionError, refuseUnknown } from "./errors.ts";

const encoder = new TextEncoder();

/**
 * The 32-bit FNV-1a hash of a sentence: of the UTF-8 bytes of its tokens with one space between each two.
 *
 * @example
 * sentenceHash(["a"]); // 0xe40c292c
 */
export function sentenceHash(tokens: readonly string[]): number {
  let hash = 0x811c9dc5;
  for (const byte of encoder.encode(tokens.join(" "))) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** How many parts of twenty are for what. */
export interface SentenceSplitOptions {
  /** Twentieths to test with; 1 by default, 0 for none. */
  readonly test?: number;
  /** Twentieths to validate with; 1 by default, 0 for none. */
  readonly validation?: number;
}

/** Sentences to train, to validate and to test with; a part that nobody asked for is empty. */
export interface TaggedData {
  readonly train: readonly TaggedSentence[];
  readonly validation: readonly TaggedSentence[];
  readonly test: readonly TaggedSentence[];
}

const parts = 20;

/**
 * Splits sentences by `sentenceHash` modulo 20: below `test` they are for testing, the next `validation` for validation, the rest is for training. Each part keeps their order.
 *
 * Throws `DatasetOptionError` for parts that leave nothing to train with.
 *
 * @example
 * const { train, validation, test } = splitSentences(sentences); // 0: test, 1: validation, 2 to 19: training
 */
export function splitSentences(sentences: readonly TaggedSentence[], options: SentenceSplitOptions = {}): TaggedData {
  refuseUnknown("splitSentences", options, { test: true, validation: true } satisfies Record<
    keyof SentenceSplitOptions,
    true
  >);
  const { test = 1, validation = 1 } = options;
  for (const [name, count] of Object.entries({ test, validation })) {
    if (!(Number.isSafeInteger(count) && count >= 0 && count < parts))
      throw new DatasetOptionError(name, "be a whole number of twentieths from 0 to 19", count);
  }
  if (test + validation >= parts)
    throw new DatasetOptionError("validation", "leave sentences to train with beside test", validation);
  const split: { readonly [P in keyof TaggedData]: TaggedSentence[] } = { train: [], validation: [], test: [] };
  for (const sentence of sentences) {
    const part = sentenceHash(sentence.tokens) % parts;
    split[part < test ? "test" : part < test + validation ? "validation" : "train"].push(sentence);
  }
  return split;
}
