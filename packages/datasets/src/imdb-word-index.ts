/** Keras's `imdb_word_index.json`: the words behind the ids of `imdb.npz`, as a vocabulary and as texts. */
import { kerasFilters, parseVocabulary, TextDataError, type Vocabulary } from "@ostinato/text";
import { DatasetFormatError, DatasetOptionError, refuseUnknown } from "./errors.ts";
import type { Imdb } from "./imdb.ts";
import { type LabelledSequences, readImdbNpz } from "./imdb-npz.ts";
import type { LabelledTexts } from "./labelled-texts.ts";
import { readError } from "./read-error.ts";
import { textPieces } from "./tables/text-pieces.ts";

export const wordIndexName = "imdb_word_index.json";
const howToGetWordIndex = `download https://storage.googleapis.com/tensorflow/tf-keras-datasets/${wordIndexName}`;

/** `readImdbNpz`'s ids before the first word, which has the id 4. */
const reserved = ["", "[START]", "[UNK]", "[UNUSED]"];

/**
 * The vocabulary that gives words the ids which `readImdbNpz` gives them by default (`startChar` 1 is not put in front
 * of a text): save it with a model that was trained on them, to predict from text.
 *
 * @example
 * const vocabulary = await readImdbVocabulary("imdb_word_index.json", { numWords: 10_000 });
 * encodeText(vocabulary, "the film"); // [4, 22]
 */
export async function readImdbVocabulary(
  path: string,
  options: {
    /** As for `readImdbNpz`: ids stay below; all words by default. */ readonly numWords?: number | null;
  } = {},
): Promise<Vocabulary> {
  refuseUnknown("readImdbVocabulary", options, { numWords: true });
  const { numWords = null } = options;
  if (numWords !== null && !(Number.isSafeInteger(numWords) && numWords > reserved.length)) {
    throw new DatasetOptionError("numWords", `be a whole number above ${reserved.length}, or null for all`, numWords);
  }
  const words = await indexedWords(path);
  const standardization = { lower: true, filters: kerasFilters, split: " " };
  const kept = words.slice(0, (numWords ?? Number.POSITIVE_INFINITY) - reserved.length);
  try {
    return parseVocabulary({ version: 1, standardization, reserved, unknownId: 2, words: kept });
  } catch (error) {
    if (error instanceof TextDataError) throw new DatasetFormatError(path, error.message, { cause: error });
    throw error;
  }
}

/** The reviews of `imdb.npz` as texts, in the order of `seed`: the words of each, joined by spaces. */
export async function readImdbNpzTexts(path: string, wordIndexPath: string, seed: number): Promise<Imdb> {
  const words = await indexedWords(wordIndexPath);
  // Ids as the file has them, and every one of them.
  const whole = { startChar: null, indexFrom: 0, numWords: 2 ** 30, seed } as const;
  const { train, test, labelEncoder } = await readImdbNpz(path, whole);
  const texts = ({ sequences, labels }: LabelledSequences): LabelledTexts => ({
    texts: sequences.map((ids) => Array.from(ids, (id) => wordOf(words, id, path, wordIndexPath)).join(" ")),
    labels,
  });
  return { train: texts(train), test: texts(test), labelEncoder };
}

function wordOf(words: readonly string[], id: number, path: string, wordIndexPath: string): string {
  const word = words[id - 1];
  if (word !== undefined) return word;
  throw new DatasetFormatError(path, `holds the id ${id}, for which ${wordIndexPath} has no word`);
}

/** Words by index, which starts at 1: index 1 first. */
async function indexedWords(path: string): Promise<readonly string[]> {
  let index: unknown;
  try {
    let json = "";
    for await (const piece of textPieces(path)) json += piece;
    index = JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) throw new DatasetFormatError(path, "is not JSON", { cause: error });
    throw readError(error, "Keras's word index", path, howToGetWordIndex);
  }
  if (typeof index !== "object" || index === null || Array.isArray(index)) {
    throw new DatasetFormatError(path, "is not an object of words and their indexes");
  }
  const entries = Object.entries(index);
  const words = new Array<string>(entries.length).fill("");
  for (const [word, place] of entries) {
    if (!(Number.isInteger(place) && place >= 1 && place <= words.length)) {
      throw new DatasetFormatError(
        path,
        `gives ${JSON.stringify(word.slice(0, 60))} an index outside 1 to ${words.length}`,
      );
    }
    if (words[place - 1] !== "") throw new DatasetFormatError(path, `gives the index ${place} twice`);
    words[place - 1] = word;
  }
  return words;
}
