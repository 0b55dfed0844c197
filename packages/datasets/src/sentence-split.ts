/** Parts of tagged sentences, by a hash of each. */
import type { TaggedSentence } from "./conll.ts";
import { type HashSplit, type HashSplitOptions, splitByHash, textHash } from "./hash-split.ts";

/**
 * The 32-bit FNV-1a hash of a sentence: of the UTF-8 bytes of its tokens with one space between each two.
 *
 * @example
 * sentenceHash(["a"]); // 0xe40c292c
 */
export function sentenceHash(tokens: readonly string[]): number {
  return textHash(tokens.join(" "));
}

/** Sentences to train, to validate and to test with; a part that nobody asked for is empty. */
export interface TaggedData extends HashSplit<TaggedSentence> {}

/**
 * Splits sentences by `sentenceHash` modulo 20: below `test` they are for testing, the next `validation` for validation, the rest is for training. Each part keeps their order.
 *
 * Throws `DatasetOptionError` for parts that leave nothing to train with.
 *
 * @example
 * const { train, validation, test } = splitSentences(sentences); // 0: test, 1: validation, 2 to 19: training
 */
export function splitSentences(sentences: readonly TaggedSentence[], options: HashSplitOptions = {}): TaggedData {
  return splitByHash("splitSentences", sentences, ({ tokens }) => tokens.join(" "), options);
}
