/** Keras's legacy `Tokenizer` to the letter, as an immutable value and functions over it. */
import { refuseUnknown, TextOptionError } from "./errors.ts";
import { countingVisitor, type WordCounts, wordCountsFrom, wordsOf } from "./word-counts.ts";
import { findWord, wordTable } from "./word-table.ts";
import {
  characterScanner,
  eachText,
  hashOf,
  type Standardization,
  standardizationFrom,
  standardizationOptions,
  type VisitWord,
  wordScanner,
} from "./words.ts";

/** A text, or a text that is already cut into words (only `lower` applies to it). */
export type TokenizerText = string | readonly string[];

const isTokenizerText = (text: unknown): boolean =>
  typeof text === "string" || (Array.isArray(text) && text.every((word) => typeof word === "string"));

function textsOf(texts: Iterable<TokenizerText>): Iterable<TokenizerText> {
  return eachText(texts, isTokenizerText, "be a string or a list of words");
}

/** Keras's settings, all filled in. */
export type TokenizerSettings = Standardization & {
  /** Words with an index of `numWords` or more are dropped, or become `oovToken`; `null` keeps all. */
  readonly numWords: number | null;
  /** Every character is a word; `filters` and `split` do not apply. */
  readonly charLevel: boolean;
  /** Stands for words that are unknown or past `numWords`, with index 1; `null` drops them. */
  readonly oovToken: string | null;
};

/** What `tokenizer` takes: any of the settings, the rest as in Keras. */
export type TokenizerOptions = Partial<TokenizerSettings>;

const tokenizerOptions: Record<keyof TokenizerOptions, true> = {
  numWords: true,
  ...standardizationOptions,
  charLevel: true,
  oovToken: true,
};

/** A tokenizer and what it has counted so far. Never changed: `fitOnTexts` returns another. */
export interface Tokenizer {
  readonly options: TokenizerSettings;
  /** Number of texts counted. */
  readonly documentCount: number;
  /** Occurrences of each word, in first-seen order. */
  readonly wordCounts: ReadonlyMap<string, number>;
  /** Number of texts that hold each word. */
  readonly wordDocs: ReadonlyMap<string, number>;
  /** Index of each word from 1, most frequent first, ties in first-seen order; 0 is never given. */
  readonly wordIndex: ReadonlyMap<string, number>;
  /** The inverse of `wordIndex`. */
  readonly indexWord: ReadonlyMap<number, string>;
}

/**
 * A tokenizer that has counted nothing yet, with Keras's defaults: Keras's filters, lower case, split on spaces,
 * all words, no token for unknown words.
 *
 * @example
 * const fitted = fitOnTexts(tokenizer({ numWords: 5000 }), texts);
 * const sequences = textsToSequences(fitted, texts);
 */
export function tokenizer(options: TokenizerOptions = {}): Tokenizer {
  refuseUnknown("tokenizer", options, tokenizerOptions);
  return ranked(tokenizerSettings(options), 0, new Map(), new Map());
}

/** Keras's defaults for what is left out; throws `TextOptionError` for what cannot work. */
export function tokenizerSettings(options: TokenizerOptions): TokenizerSettings {
  const { numWords = null, charLevel = false, oovToken = null } = options;
  if (numWords !== null && !(Number.isSafeInteger(numWords) && numWords >= 1)) {
    throw new TextOptionError("numWords", "be a whole number of at least 1, or null for all words", numWords);
  }
  if (typeof charLevel !== "boolean") throw new TextOptionError("charLevel", "be true or false", charLevel);
  if (oovToken !== null && typeof oovToken !== "string") {
    throw new TextOptionError("oovToken", "be a string, or null for none", oovToken);
  }
  return Object.freeze({ numWords, ...standardizationFrom(options), charLevel, oovToken });
}

/** Keras's word index over given counts, which stand in first-seen order. */
function ranked(
  options: TokenizerSettings,
  documentCount: number,
  wordCounts: ReadonlyMap<string, number>,
  wordDocs: ReadonlyMap<string, number>,
): Tokenizer {
  const words = [...wordCounts].sort(([, a], [, b]) => b - a).map(([word]) => word);
  if (options.oovToken !== null) words.unshift(options.oovToken);
  // Keras builds a dict: an oovToken that also occurs in the texts ends up with its later index.
  const wordIndex = new Map(words.map((word, rank) => [word, rank + 1]));
  return indexed({ options, documentCount, wordCounts, wordDocs, wordIndex });
}

/** A tokenizer over a given word index. */
export function indexed(fields: Omit<Tokenizer, "indexWord">): Tokenizer {
  return Object.freeze({
    ...fields,
    indexWord: new Map(Array.from(fields.wordIndex, ([word, index]) => [index, word])),
  });
}

/** A tokenizer that has counted these texts too; counts add up over calls, and all words are ranked anew. */
export function fitOnTexts(fitted: Tokenizer, texts: Iterable<TokenizerText>): Tokenizer {
  const { options, wordCounts, wordDocs } = fitted;
  const counted = wordCountsFrom(Array.from(wordCounts, ([word, count]) => [word, count, wordDocs.get(word) ?? 0]));
  const scan = textScanner(options);
  const count = countingVisitor(counted);
  for (const text of textsOf(texts)) {
    counted.document += 1;
    scan(text, count);
  }
  return ranked(options, fitted.documentCount + counted.document, ...countMaps(counted));
}

/**
 * The word indexes of each text. A word that is unknown, or whose index is `numWords` or more, becomes the index of
 * `oovToken`, or is left out where there is none.
 */
export function textsToSequences(fitted: Tokenizer, texts: Iterable<TokenizerText>): number[][] {
  const { scan, table, indexes, unknown } = lookupOf(fitted);
  return Array.from(textsOf(texts), (text) => {
    const sequence: number[] = [];
    scan(text, (source, start, end, hash) => {
      const id = findWord(table, source, start, end, hash);
      const index = id < 0 ? unknown : indexes[id]!;
      if (index !== 0) sequence.push(index);
    });
    return sequence;
  });
}

/** The words of each sequence, joined by spaces; indexes without a word become `oovToken`, or are left out. */
export function sequencesToTexts(fitted: Tokenizer, sequences: Iterable<Iterable<number>>): string[] {
  const { indexWord } = fitted;
  const { unknown } = lookupOf(fitted);
  const limit = fitted.options.numWords ?? Number.POSITIVE_INFINITY;
  return Array.from(sequences, (sequence) => {
    const words: string[] = [];
    for (const index of sequence) {
      const word = indexWord.get(index < limit ? index : unknown) ?? indexWord.get(unknown);
      if (word !== undefined) words.push(word);
    }
    return words.join(" ");
  });
}

interface Lookup {
  readonly scan: (text: TokenizerText, visit: VisitWord) => void;
  readonly table: ReturnType<typeof wordTable>;
  /** What a word of the table becomes; 0 drops it. */
  readonly indexes: Int32Array;
  /** What any other word becomes; 0 drops it. */
  readonly unknown: number;
}

// A memo, not state: the lookup of an immutable tokenizer never changes.
const lookups = new WeakMap<Tokenizer, Lookup>();

function lookupOf(fitted: Tokenizer): Lookup {
  const known = lookups.get(fitted);
  if (known !== undefined) return known;

  const { options, wordIndex } = fitted;
  const unknown = options.oovToken === null ? 0 : wordIndex.get(options.oovToken)!;
  const limit = options.numWords ?? Number.POSITIVE_INFINITY;
  const lookup = {
    scan: textScanner(options),
    table: wordTable(wordIndex.keys()),
    indexes: Int32Array.from(wordIndex.values(), (index) => (index < limit ? index : unknown)),
    unknown,
  };
  lookups.set(fitted, lookup);
  return lookup;
}

function textScanner(options: TokenizerSettings): (text: TokenizerText, visit: VisitWord) => void {
  const scan = options.charLevel ? characterScanner(options.lower) : wordScanner(options);
  return (text, visit) => {
    if (typeof text === "string") return scan(text, visit);
    if (!Array.isArray(text)) throw new TextOptionError("texts", "hold strings or lists of words", text);
    for (const word of text) {
      const cased = options.lower ? word.toLowerCase() : word;
      visit(cased, 0, cased.length, hashOf(cased));
    }
  };
}

function countMaps(counted: WordCounts): [counts: Map<string, number>, documents: Map<string, number>] {
  const words = wordsOf(
    counted,
    Array.from({ length: counted.table.size }, (_, id) => id),
  );
  return [
    new Map(words.map((word, id) => [word, counted.counts[id]!])),
    new Map(words.map((word, id) => [word, counted.documents[id]!])),
  ];
}
