/** Vocabularies out of files of any origin: this library's own, Keras's, and lists of words as other programs keep them. */
import { refuseUnknown, shown, TextDataError, TextOptionError } from "./errors.ts";
import { jsonFrom, requireDistinct, stringsOf } from "./saved-data.ts";
import { tokenizerFromJson } from "./tokenizer-json.ts";
import { parseVocabulary, type Vocabulary, vocabularyFromTokenizer } from "./vocabulary.ts";
import { kerasFilters } from "./words.ts";

/** What ids before the first word are called elsewhere. Any other name in brackets, such as `<bos>` or `[CLS]`, is reserved as well. */
const paddingNames: readonly string[] = ["", "<pad>", "[PAD]", "<PAD>", "PAD"];
const unknownNames: readonly string[] = ["[UNK]", "<unk>", "<UNK>", "UNK", "<oov>", "<OOV>", "[OOV]"];
const isReserved = (word: string): boolean =>
  paddingNames.includes(word) || unknownNames.includes(word) || /^(<[^<>\s]+>|\[[A-Z]+\])$/.test(word);

const path = "vocabulary";

/** Ids without a word before the first, such as Keras's for padding, start and unknown words. */
const mostUnnamed = 16;

/** The words of an index by their ids, as far as these are below `end`; ids that no word has before the first are reserved, and called nothing. */
function listOf(index: Readonly<Record<string, unknown>>, end: number): string[] {
  const entries = Object.entries(index);
  const list = new Map<number, string>();
  let first = Number.POSITIVE_INFINITY;
  for (const [word, id] of entries) {
    if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0)
      throw new TextDataError(`${path}[${shown(word)}]`, `must be an id, a whole number from 0 on, got ${shown(id)}`);
    const other = list.get(id);
    if (other !== undefined)
      throw new TextDataError(`${path}[${shown(word)}]`, `has the id ${id}, which ${shown(other)} has, too`);
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
  /** Of an index, words whose id is not below this are unknown, as with Keras's `num_words`: it is often kept whole beside a model of the most frequent words. All are known by default. */
  readonly maxTokens?: number;
}

/**
 * The vocabulary of a list of words, each of which has its place as its id, or of an index that gives the id of each: what other programs keep beside a model. Names such as
 * `<pad>`, `[UNK]` and `<bos>` before the first word are reserved ids, and so are ids without a word; a name for unknown words among them is what those become, and without one they are left out.
 *
 * Texts are split as Keras's `Tokenizer` does, and made small unless a word has capitals; those of a list that begins with `"", "[UNK]"`, which is Keras's `get_vocabulary()`, as its `TextVectorization` does.
 *
 * @throws TextDataError for ids without a word or with two, and where id 0, with which rows are filled up, is neither padding nor unknown
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
  if (!(maxTokens >= 1)) throw new TextOptionError("maxTokens", "be a whole number of at least 1", maxTokens);
  const isList = Array.isArray(words);
  const list = isList ? stringsOf(words, path) : listOf(words as Readonly<Record<string, number>>, maxTokens);
  if (list.length === 0) throw new TextDataError(path, "holds no words");
  const count = list.findIndex((word) => !isReserved(word));
  const reserved = count < 0 ? list : list.slice(0, count);
  const kept = list.slice(reserved.length);
  const [first] = reserved;
  if (first === undefined)
    throw new TextDataError(
      path,
      `gives id 0 to ${shown(list[0])}; rows are filled up with id 0, which must be padding or unknown words`,
    );
  const named = reserved.filter((name) => name !== "");
  requireDistinct(named, path);
  if (reserved.some((name, id) => id > 0 && name !== "" && paddingNames.includes(name)))
    throw new TextDataError(path, `has padding at another id than 0, with which rows are filled up`);
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
 * A vocabulary from parsed JSON, or JSON text that another JSON holds: what `vocabularyFromTexts` gave, what Keras's `Tokenizer.to_json` writes, a list of words, or an index of
 * words to ids, as `vocabularyFromWords` takes them.
 *
 * @throws TextDataError
 */
export function vocabularyFromJson(data: unknown, options?: WordsOptions): Vocabulary {
  if (Array.isArray(data)) return vocabularyFromWords(stringsOf(data, path), options);
  if (!isRecord(data)) throw new TextDataError(path, `must be a list of words or an object, got ${shown(data)}`);
  if (data.class_name === "Tokenizer") return vocabularyFromTokenizer(tokenizerFromJson(JSON.stringify(data)));
  // A word "version" has an id, too: then there are no words by that name.
  if (Array.isArray(data.words) && "standardization" in data) return parseVocabulary(data);
  return vocabularyFromWords(data as Readonly<Record<string, number>>, options);
}

/**
 * The vocabulary of a file: JSON as `vocabularyFromJson` takes it, or a word on each line, whose number, from 0, is its id.
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
