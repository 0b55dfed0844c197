/** A vocabulary: which word has which id, and how text becomes words; plain data that a model file carries. */
import { refuseUnknown, shown, TextDataError, TextOptionError, UnknownIdError } from "./errors.ts";
import {
  booleanField,
  field,
  listField,
  requireDistinct,
  settingsAt,
  stringField,
  stringsOf,
  wholeNumber,
} from "./saved-data.ts";
import { adaptedWords, type TextVectorization } from "./text-vectorization.ts";
import type { Tokenizer } from "./tokenizer.ts";
import {
  longestGram,
  parseVectorizationRules,
  tokenScanner,
  tokenSeparator,
  type VectorizationRules,
} from "./vectorization-rules.ts";
import { countingVisitor, idsByFrequency, wordCountsFrom, wordsOf } from "./word-counts.ts";
import { findWord, type WordTable, wordTable } from "./word-table.ts";
import {
  checkedText,
  eachText,
  hashOf,
  ngramScanner,
  type Standardization,
  standardizationFrom,
  standardizationOptions,
  type WordScanner,
  wordScanner,
} from "./words.ts";

/** Plain, frozen JSON data: save it as it is, and read it back with `parseVocabulary`. */
export type Vocabulary = VocabularyIds & Rules;

type VocabularyRules = {
  /** Version of this format: text is split as Keras's `Tokenizer` does. */
  readonly version: 1;
  readonly standardization: Standardization;
};

type VectorizationVocabularyRules = {
  /** Version of this format: text is split as Keras's `TextVectorization` does. */
  readonly version: 2;
  readonly standardization: VectorizationRules;
};

type NgramVocabularyRules = {
  /** Version of this format: text is split as in version 1, and each word counts with those before it. */
  readonly version: 3;
  readonly standardization: Standardization;
  /** How many words are one entry of `words`, from 2 on. */
  readonly ngram: number;
};

type Rules = VocabularyRules | VectorizationVocabularyRules | NgramVocabularyRules;

type VocabularyIds = {
  /** Names of the ids 0, 1, … that are not words; id 0 is padding, and words start at `reserved.length`. */
  readonly reserved: readonly string[];
  /** The id of every word that is not in `words`; `null` leaves such words out. */
  readonly unknownId: number | null;
  /** `words[i]` has the id `reserved.length + i`; most frequent first. */
  readonly words: readonly string[];
};

/** What becomes of a word that the vocabulary does not hold. */
export type UnknownWords = keyof typeof unknownForms;

const unknownForms = {
  /** 0 is padding only, 1 is unknown, words start at 2. Needed where padding is masked. */
  "own-id": { reserved: ["", "[UNK]"], unknownId: 1 },
  /** 0 is both padding and unknown, and keeps its place in the sequence; words start at 1. */
  padding: { reserved: [""], unknownId: 0 },
  /** Unknown words are left out, as Keras's `Tokenizer` does without `oov_token`; words start at 1. */
  drop: { reserved: [""], unknownId: null },
} as const;

/** Options of `vocabularyFromTexts`. */
export interface VocabularyOptions extends Partial<Standardization> {
  /** The most ids to use, reserved ids included: the `inputDim` of the embedding. All words by default. */
  readonly maxTokens?: number;
  /** `"own-id"` by default. */
  readonly unknown?: UnknownWords;
  /**
   * How many words in a row are one entry: 1 by default, 2 for bigrams. Each word of a text then has the id of the n-gram that ends with it; the first ones,
   * with fewer words before them, that of a shorter one. So the ids of several vocabularies stand side by side, step by step.
   */
  readonly ngram?: number;
  /** How often a word must occur to have an id. Default 1. */
  readonly minCount?: number;
}

const vocabularyOptions: Record<keyof VocabularyOptions, true> = {
  maxTokens: true,
  unknown: true,
  ngram: true,
  minCount: true,
  ...standardizationOptions,
};

/**
 * The most frequent words of the texts, or n-grams of words; ties keep first-seen order. Text is split as Keras's `Tokenizer` does.
 *
 * @throws TextOptionError for options that cannot work
 *
 * @example
 * const vocabulary = vocabularyFromTexts(["the cat sat", "the dog"], { maxTokens: 4 });
 * encodeText(vocabulary, "The dog sat!"); // [2, 1, 1]: "the" is 2, "cat" is 3, the others are unknown
 *
 * @example
 * const bigrams = vocabularyFromTexts(["the cat sat", "the cat ran"], { ngram: 2, minCount: 2 });
 * bigrams.words; // ["the", "the cat"]: the first word of a text has none before it
 * encodeText(bigrams, "The cat sat!"); // [2, 3, 1]
 */
export function vocabularyFromTexts(texts: Iterable<string>, options: VocabularyOptions = {}): Vocabulary {
  refuseUnknown("vocabularyFromTexts", options, vocabularyOptions);
  const { maxTokens = Number.POSITIVE_INFINITY, unknown = "own-id", ngram = 1, minCount = 1 } = options;
  if (!Object.hasOwn(unknownForms, unknown)) {
    throw new TextOptionError("unknown", `be one of ${Object.keys(unknownForms).map(shown).join(", ")}`, unknown);
  }
  const { reserved, unknownId } = unknownForms[unknown];
  if (maxTokens !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(maxTokens) && maxTokens > reserved.length)) {
    throw new TextOptionError("maxTokens", `be a whole number above ${reserved.length} (the reserved ids)`, maxTokens);
  }
  if (ngram !== 1) requireNgram(ngram);
  if (ngram !== 1 && unknownId === null) {
    const rule = 'be "own-id" or "padding" with ngram: each word keeps its place';
    throw new TextOptionError("unknown", rule, unknown);
  }
  if (!(Number.isSafeInteger(minCount) && minCount >= 1)) {
    throw new TextOptionError("minCount", "be a whole number of at least 1", minCount);
  }
  const standardization = standardizationFrom(options);
  const rules =
    ngram === 1 ? { version: 1 as const, standardization } : { version: 3 as const, standardization, ngram };
  const scan = scannerOf(rules);
  const counted = wordCountsFrom([]);
  const count = countingVisitor(counted);
  for (const text of eachText(texts)) {
    counted.document += 1;
    scan(text, count);
  }
  const kept = idsByFrequency(counted, minCount).slice(0, maxTokens - reserved.length);
  return frozen({ ...rules, reserved, unknownId, words: wordsOf(counted, kept) });
}

/** The vocabulary that encodes text as `textsToSequences` does with this tokenizer. */
export function vocabularyFromTokenizer(tokenizer: Tokenizer): Vocabulary {
  const { options, wordIndex, wordCounts } = tokenizer;
  const { numWords, oovToken, charLevel } = options;
  if (charLevel)
    throw new TextOptionError("tokenizer.options.charLevel", "be false: a vocabulary holds words", charLevel);
  if (oovToken !== null && wordCounts.has(oovToken)) {
    throw new TextOptionError("tokenizer.options.oovToken", "not be a word of the texts", oovToken);
  }
  const reserved = oovToken === null ? [""] : ["", oovToken];
  const words = [...wordIndex.keys()].slice(reserved.length - 1, (numWords ?? Number.POSITIVE_INFINITY) - 1);
  return frozen({
    version: 1,
    standardization: standardizationFrom(options),
    reserved,
    unknownId: oovToken === null ? null : 1,
    words,
  });
}

/** The vocabulary that gives the tokens of a text the ids that `vectorizeTexts` does with this layer. */
export function vocabularyFromTextVectorization(vectorization: TextVectorization): Vocabulary {
  const { outputMode, standardize, split, ngrams } = vectorization;
  if (outputMode !== "int") {
    throw new TextOptionError("vectorization.outputMode", 'be "int": a vocabulary gives ids', outputMode);
  }
  const standardization = Object.freeze({ standardize, split, ngrams });
  const { reserved, unknownId } = unknownForms["own-id"];
  return frozen({ version: 2, standardization, reserved, unknownId, words: adaptedWords(vectorization) });
}

/** A vocabulary from data of unknown origin, such as a model file; throws `TextDataError` naming what is wrong. */
export function parseVocabulary(data: unknown): Vocabulary {
  const path = "vocabulary";
  const rules = parseRules(data, path);
  const reserved = stringsOf(listField(data, path, "reserved"), `${path}.reserved`);
  if (reserved.length === 0) throw new TextDataError(`${path}.reserved`, "must hold at least id 0, for padding");
  const unknown = field(data, path, "unknownId");
  const unknownId = unknown === null ? null : wholeNumber(unknown, `${path}.unknownId`, 0);
  if (unknownId !== null && unknownId >= reserved.length) {
    throw new TextDataError(
      `${path}.unknownId`,
      `must be one of the ${reserved.length} reserved ids, got ${unknownId}`,
    );
  }
  if (rules.version === 3 && unknownId === null)
    throw new TextDataError(`${path}.unknownId`, "must be a reserved id: with n-grams each word keeps its place");
  const words = stringsOf(listField(data, path, "words"), `${path}.words`);
  const empty = words.indexOf("");
  if (empty !== -1) throw new TextDataError(`${path}.words[${empty}]`, "must not be empty");
  requireDistinct(words, `${path}.words`);
  return frozen({ ...rules, reserved, unknownId, words });
}

function parseRules(data: unknown, parent: string): Rules {
  const version = field(data, parent, "version");
  const path = `${parent}.standardization`;
  const standardization = () => field(data, parent, "standardization");
  switch (version) {
    case 1:
      return { version, standardization: parseStandardization(standardization(), path) };
    case 2:
      return { version, standardization: parseVectorizationRules(standardization(), path) };
    case 3: {
      const ngram = field(data, parent, "ngram");
      settingsAt(`${parent}.ngram`, () => requireNgram(ngram));
      return { version, standardization: parseStandardization(standardization(), path), ngram: ngram as number };
    }
    default:
      throw new TextDataError(`${parent}.version`, `must be 1, 2 or 3, got ${shown(version)}`);
  }
}

function parseStandardization(data: unknown, path: string): Standardization {
  const lower = booleanField(data, path, "lower");
  const filters = stringField(data, path, "filters");
  const split = stringField(data, path, "split");
  return settingsAt(path, () => standardizationFrom({ lower, filters, split }));
}

/** The number of ids, reserved ones included: the least `inputDim` of an embedding over it. */
export function vocabularySize(vocabulary: Vocabulary): number {
  requireVocabulary(vocabulary);
  return vocabulary.reserved.length + vocabulary.words.length;
}

/** The id of a standardized word; `null` where unknown words are left out. */
export function wordId(vocabulary: Vocabulary, word: string): number | null {
  const id = findWord(lookupOf(vocabulary).table, word, 0, word.length, hashOf(word));
  return id < 0 ? vocabulary.unknownId : vocabulary.reserved.length + id;
}

/** The word of an id, or the name of a reserved id (padding is `""`); throws `UnknownIdError` beyond the last. */
export function idWord(vocabulary: Vocabulary, id: number): string {
  requireVocabulary(vocabulary);
  const word = vocabulary.reserved[id] ?? vocabulary.words[id - vocabulary.reserved.length];
  if (word === undefined) throw new UnknownIdError("vocabulary", id, vocabularySize(vocabulary));
  return word;
}

/** The ids of a text's words, in order; of n-grams one for each word, too. Empty text gives an empty list; the time is linear in the text. */
export function encodeText(vocabulary: Vocabulary, text: string): number[] {
  const { scan, table } = lookupOf(vocabulary);
  const { unknownId } = vocabulary;
  const firstWord = vocabulary.reserved.length;
  const ids: number[] = [];
  scan(checkedText(text), (source, start, end, hash) => {
    const id = findWord(table, source, start, end, hash);
    if (id >= 0) ids.push(firstWord + id);
    else if (unknownId !== null) ids.push(unknownId);
  });
  return ids;
}

/** `encodeText` of each text: ragged rows, ready for `padSequences`. */
export function encodeTexts(vocabulary: Vocabulary, texts: Iterable<string>): number[][] {
  return Array.from(eachText(texts), (text) => encodeText(vocabulary, text));
}

/**
 * The words of the ids, joined by what the vocabulary splits text at (nothing where it splits into characters);
 * padding, whose name is empty, is left out.
 */
export function decodeIds(vocabulary: Vocabulary, ids: Iterable<number>): string {
  return Array.from(ids, (id) => idWord(vocabulary, id))
    .filter((word) => word !== "")
    .join(vocabulary.version === 2 ? tokenSeparator(vocabulary.standardization) : vocabulary.standardization.split);
}

// A memo, not state: the lookup of frozen data never changes.
const lookups = new WeakMap<Vocabulary, { scan: WordScanner; table: WordTable }>();

function lookupOf(vocabulary: Vocabulary): { scan: WordScanner; table: WordTable } {
  let lookup = lookups.get(vocabulary);
  if (lookup === undefined) {
    requireVocabulary(vocabulary);
    lookup = { scan: scannerOf(vocabulary), table: wordTable(vocabulary.words) };
    lookups.set(vocabulary, lookup);
  }
  return lookup;
}

function requireVocabulary(data: unknown): void {
  const lists = typeof data === "object" && data !== null && "words" in data && "reserved" in data ? data : undefined;
  if (Array.isArray(lists?.words) && Array.isArray(lists.reserved)) return;
  throw new TextOptionError("vocabulary", "be what vocabularyFromTexts(texts) or parseVocabulary(data) gave", data);
}

function scannerOf(rules: Rules): WordScanner {
  switch (rules.version) {
    case 1:
      return wordScanner(rules.standardization);
    case 2:
      return tokenScanner(rules.standardization);
    case 3:
      return ngramScanner(rules.standardization, rules.ngram);
  }
}

function requireNgram(ngram: unknown): void {
  if (Number.isSafeInteger(ngram) && Number(ngram) >= 2 && Number(ngram) <= longestGram) return;
  throw new TextOptionError("ngram", `be a whole number from 1 to ${longestGram}`, ngram);
}

function frozen(vocabulary: Vocabulary): Vocabulary {
  Object.freeze(vocabulary.reserved);
  Object.freeze(vocabulary.words);
  return Object.freeze(vocabulary);
}
