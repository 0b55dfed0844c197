/** Reads vocabularies from files of this library, of Keras, and from word lists of other programs. */
import { refuseUnknown, shown, TextDataError, TextOptionError } from "./errors.ts";
import { jsonFrom, requireDistinct, stringsOf } from "./saved-data.ts";
import { tokenizerFromJson } from "./tokenizer-json.ts";
import { parseVocabulary, type Vocabulary, vocabularyFromTokenizer } from "./vocabulary.ts";
import { kerasFilters } from "./words.ts";

/** Common names of ids before the first word. Any other name in brackets, such as `<bos>` or `[CLS]`, is also reserved. */
const paddingNames: readonly string[] = ["", "<pad>", "[PAD]", "<PAD>", "PAD"];
const unknownNames: readonly string[] = ["[UNK]", "<unk>", "<UNK>", "UNK", "<oov>", "<OOV>", "[OOV]"];
const isReserved = (word: string): boolean =>
  paddingNames.includes(word) || unknownNames.includes(word) || /^(<[^<>\s]+>|\[[A-Z]+\])$/.test(word);

const path = "vocabulary";

/** Ids before the first word, such as Keras's for padding, start and unknown words. */
const mostUnnamed = 16;

/** The words of an index by id, for ids below `end`. Ids before the first word that have no word are reserved and have no name. */
function listOf(index: Readonly<Record<string, unknown>>, end: number): string[] {
  const entries = Object.entries(index);
  const list = new Map<number, string>();
  let first = Number.POSITIVE_INFINITY;
  for (const [word, id] of entries) {
    if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0)
      throw new TextDataError(`${path}[${shown(word)}]`, `must be an id (a non-negative integer), got ${shown(id)}`);
    const other = list.get(id);
    if (other !== undefined)
      throw new TextDataError(`${path}[${shown(word)}]`, `has the id ${id}, which is also the id of ${shown(other)}`);
    list.set(id, word);
    if (id < first) first = id;
  }
  if (entries.length > 0 && first > mostUnnamed)
    throw new TextDataError(path, `has no word for the ids below ${first}`);
  const size = entries.length === 0 ? 0 : Math.min(end, first + entries.length);
  return Array.from({ length: size }, (_, id) => {
    const word = list.get(id);
    if (word === undefined && id >= first) throw new TextDataError(path, `has no word for the id ${id}`);
    return word ?? "";
  });
}

/** Options of `vocabularyFromWords`, `vocabularyFromJson` and `vocabularyFromFile`. */
export interface WordsOptions {
  /** For an index, the number of ids; words with larger ids are unknown, as with Keras's `num_words`. Models of the most frequent words often come with a larger index. Default: all words are known. */
  readonly maxTokens?: number;
}

/**
 * Creates a vocabulary from a list of words, whose positions are their ids, or from an index of words to ids, as stored with models of other programs. Names such as
 * `<pad>`, `[UNK]` and `<bos>` before the first word are reserved ids, and so are ids without a word. Unknown words get the id of a reserved name for unknown words; without one, they are removed.
 *
 * Texts are split as by Keras's `Tokenizer`, and lowercased unless a word has a capital letter. If the list starts with `"", "[UNK]"`, as from Keras's `get_vocabulary()`, they are split as by `TextVectorization`.
 *
 * @throws TextDataError for ids without a word or with two words, and if id 0, which is used for padding rows, is neither padding nor unknown
 *
 * @example
 * encodeText(vocabularyFromWords(["<pad>", "<unk>", "the", "film"]), "The good film."); // [2, 1, 3]
 *
 * @example
 * encodeText(vocabularyFromWords({ the: 1, film: 2 }), "The good film."); // [1, 2], as Keras's Tokenizer without oov_token
 */
export function vocabularyFromWords(
  words: readonly string[] | Readonly<Record<string, number>>,
  options: WordsOptions = {},
): Vocabulary {
  refuseUnknown("vocabularyFromWords", options, { maxTokens: true } satisfies Record<keyof WordsOptions, true>);
  const { maxTokens = Number.POSITIVE_INFINITY } = options;
  if (!(maxTokens >= 1)) throw new TextOptionError("maxTokens", "be a positive integer", maxTokens);
  const isList = Array.isArray(words);
  const list = isList ? stringsOf(words, path) : listOf(words as Readonly<Record<string, number>>, maxTokens);
  if (list.length === 0) throw new TextDataError(path, "contains no words");
  const count = list.findIndex((word) => !isReserved(word));
  const reserved = count < 0 ? list : list.slice(0, count);
  const kept = list.slice(reserved.length);
  const [first] = reserved;
  if (first === undefined)
    throw new TextDataError(
      path,
      `assigns id 0 to ${shown(list[0])}; rows are padded with id 0, so it must be padding or the unknown word`,
    );
  const named = reserved.filter((name) => name !== "");
  requireDistinct(named, path);
  if (reserved.some((name, id) => id > 0 && name !== "" && paddingNames.includes(name)))
    throw new TextDataError(path, `has padding at an id other than 0, but rows are padded with 0`);
  const unknown = reserved.findIndex((name) => unknownNames.includes(name));
  const isVectorization = isList && reserved.length === 2 && first === "" && reserved[1] === "[UNK]";
  return parseVocabulary({
    ...(isVectorization
      ? { version: 2, standardization: { standardize: "lowerAndStripPunctuation", split: "whitespace", ngrams: null } }
      : {
          version: 1,
          standardization: {
            lower: kept.every((word) => word === word.toLowerCase()),
            filters: kerasFilters,
            split: " ",
          },
        }),
    reserved,
    unknownId: unknown < 0 ? null : unknown,
    words: kept,
  });
}

const isRecord = (data: unknown): data is Readonly<Record<string, unknown>> =>
  typeof data === "object" && data !== null && !Array.isArray(data);

/**
 * Creates a vocabulary from parsed JSON, or from JSON text nested in JSON: the result of `vocabularyFromTexts`, the output of Keras's `Tokenizer.to_json`, a list of words, or an index of
 * words to ids, as for `vocabularyFromWords`.
 *
 * @throws TextDataError
 */
export function vocabularyFromJson(data: unknown, options?: WordsOptions): Vocabulary {
  if (Array.isArray(data)) return vocabularyFromWords(stringsOf(data, path), options);
  if (!isRecord(data)) throw new TextDataError(path, `must be a list of words or an object, got ${shown(data)}`);
  if (data.class_name === "Tokenizer") return vocabularyFromTokenizer(tokenizerFromJson(JSON.stringify(data)));
  // An index may have a word "version" with an id.
  if (Array.isArray(data.words) && "standardization" in data) return parseVocabulary(data);
  return vocabularyFromWords(data as Readonly<Record<string, number>>, options);
}

/**
 * Creates a vocabulary from the text of a file: JSON as for `vocabularyFromJson`, or one word per line, whose line number, from 0, is its id.
 *
 * @throws TextDataError
 *
 * @example
 * const vocabulary = vocabularyFromFile(await readFile("vocab.txt", "utf8"));
 */
export function vocabularyFromFile(text: string, options?: WordsOptions): Vocabulary {
  const plain = text.startsWith("\uFEFF") ? text.slice(1) : text;
  if (/^\s*[[{]["{\s\]}]/.test(plain)) return vocabularyFromJson(jsonFrom(plain, path), options);
  const lines = plain.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  if (lines.at(-1) === "") lines.pop();
  return vocabularyFromWords(lines, options);
}
