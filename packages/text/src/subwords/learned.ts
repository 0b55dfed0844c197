/** A vocabulary of subwords made from texts. */
import { compareCodePoints } from "../code-points.ts";
import { refuseUnknown, shown, TextOptionError } from "../errors.ts";
import { eachText } from "../words.ts";
import { byteOfToken, byteTokens } from "./bytes.ts";
import { frozen } from "./file.ts";
import {
  type Decoder,
  type Normalizer,
  type PreTokenizer,
  type Subwords,
  type UnicodeForm,
  unicodeForms,
} from "./format.ts";
import { learnMerges } from "./learning.ts";
import { mostTokens } from "./merging.ts";
import { normalizing } from "./normalizers.ts";
import { spaceMark, spacesPattern, wellFormed, wordsPattern } from "./patterns.ts";
import { cutting } from "./pre-tokenizers.ts";

/** Options of `subwordsFromTexts`. */
export interface SubwordOptions {
  /** The most ids, with those of reserved tokens and of the 256 bytes: the `inputDim` of the embedding. Default 8000. */
  readonly maxTokens?: number;
  /** How often a character must occur to have an id, and a pair of tokens to become one. Default 2. */
  readonly minCount?: number;
  /** Whether letters are made small first. Default false. */
  readonly lower?: boolean;
  /** The form of Unicode's normalisation; `null` for none. Default `"NFC"`. */
  readonly unicode?: UnicodeForm | null;
  /** Names of the ids from 0 on, which no text gives; id 0 is padding. Default `["<pad>", "<unk>", "<s>", "</s>"]`. */
  readonly reserved?: readonly string[];
}

const subwordOptions: Record<keyof SubwordOptions, true> = {
  maxTokens: true,
  minCount: true,
  lower: true,
  unicode: true,
  reserved: true,
};

/** The longest name of a reserved token. */
const longestReserved = 64;

/**
 * Subwords by byte-pair encoding (Sennrich, Haddow and Birch 2016): from characters on, the pair of tokens that is most frequent within words becomes one, again and
 * again. Ids are, in order: `reserved`, the 256 bytes, characters (the most frequent first; of equals the lower code point), merged tokens in the order in which
 * they were made. Of pairs as frequent, the one whose left token has the lower id is merged first, then the one whose right token has. The order of texts does not matter.
 *
 * Texts are normalised first: `unicode`, `lower`, then white space in a row becomes one space, and goes at the ends. U+2581 ("▁"), which stands for a space within
 * tokens, counts as white space. Then they are cut into words: letters, digits, or others in a row, each with the space before it. Merges stay within a word, and make
 * whole grapheme clusters or parts of one. Characters without an id become their bytes in UTF-8, so that no text is lost.
 *
 * For one vocabulary of two languages give the texts of both.
 *
 * @throws TextOptionError for options that cannot work
 *
 * @example
 * const subwords = subwordsFromTexts(["low lower lowest", "new newer newest"], { maxTokens: 290 });
 * const ids = encodeSubwords(subwords, "the newest low");
 * decodeSubwords(subwords, ids); // "the newest low"
 */
export function subwordsFromTexts(texts: Iterable<string>, options: SubwordOptions = {}): Subwords {
  refuseUnknown("subwordsFromTexts", options, subwordOptions);
  const { maxTokens = 8000, minCount = 2, lower = false, unicode = "NFC" } = options;
  const reserved = reservedFrom(options.reserved ?? ["<pad>", "<unk>", "<s>", "</s>"]);
  const fixed = [...reserved, ...byteTokens];
  if (!(Number.isSafeInteger(maxTokens) && maxTokens > fixed.length && maxTokens <= mostTokens)) {
    const rule = `be a whole number above ${fixed.length} (reserved tokens and bytes), of at most ${mostTokens}`;
    throw new TextOptionError("maxTokens", rule, maxTokens);
  }
  if (!(Number.isSafeInteger(minCount) && minCount >= 1))
    throw new TextOptionError("minCount", "be a whole number of at least 1", minCount);
  if (typeof lower !== "boolean") throw new TextOptionError("lower", "be true or false", lower);
  if (unicode !== null && !unicodeForms.includes(unicode))
    throw new TextOptionError("unicode", `be null or one of ${unicodeForms.map(shown).join(", ")}`, unicode);

  const normalizer = normalizerOf(unicode, lower);
  const words = wordCounts(texts, normalizing(normalizer), cutting(preTokenizer));
  const tokens = [...fixed, ...charactersOf(words, minCount, maxTokens - fixed.length)];
  const names = new Set(reserved);
  const isReserved = (token: string) => names.has(token) || byteOfToken(token) >= 0;
  const merges = learnMerges({ words, tokens, maxTokens, minCount, isReserved });
  return frozen({
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  });
}

/** Names that no text can spell: tokens of text are characters, bytes, and what is merged. */
function reservedFrom(names: readonly string[]): readonly string[] {
  const rule = "be a list of different names of two to 64 characters, which are not those of bytes";
  if (!Array.isArray(names) || names.length === 0 || new Set(names).size < names.length)
    throw new TextOptionError("reserved", rule, names);
  for (const name of names)
    if (
      typeof name !== "string" ||
      name.length > longestReserved ||
      [...name].length < 2 ||
      byteOfToken(name) >= 0 ||
      /\p{Surrogate}/u.test(name)
    )
      throw new TextOptionError("reserved", rule, name);
  return names;
}

/** Lower case can take a text out of its form, and compatibility can make capitals. */
function normalizerOf(unicode: UnicodeForm | null, lower: boolean): Normalizer {
  const form: readonly Normalizer[] = unicode === null ? [] : [{ type: unicode }];
  return {
    type: "Sequence",
    normalizers: [
      ...form,
      ...(lower ? [{ type: "Lowercase" } as const, ...form] : []),
      { type: "Replace", pattern: { Regex: spacesPattern }, content: " " },
      { type: "Strip", strip_left: true, strip_right: true },
    ],
  };
}

const preTokenizer: PreTokenizer = {
  type: "Sequence",
  pretokenizers: [
    { type: "Metaspace", replacement: spaceMark, prepend_scheme: "always", split: false },
    { type: "Split", pattern: { Regex: wordsPattern }, behavior: "Isolated", invert: false },
  ],
};

const decoder: Decoder = {
  type: "Sequence",
  decoders: [
    { type: "Replace", pattern: { String: spaceMark }, content: " " },
    { type: "ByteFallback" },
    { type: "Fuse" },
    // The space before the first word.
    { type: "Strip", content: " ", start: 1, stop: 0 },
  ],
};

function wordCounts(
  texts: Iterable<string>,
  normalize: (text: string) => string,
  cut: (text: string, isFirst: boolean) => readonly string[],
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of eachText(texts))
    for (const word of cut(normalize(wellFormed(text)), true)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** The characters that have an id; the mark for spaces always does, for its bytes would not be read as a space. */
function charactersOf(words: ReadonlyMap<string, number>, minCount: number, most: number): string[] {
  const counts = new Map([[spaceMark, 0]]);
  for (const [word, count] of words)
    for (const character of word) counts.set(character, (counts.get(character) ?? 0) + count);
  counts.set(spaceMark, Number.POSITIVE_INFINITY);
  return [...counts]
    .filter(([, count]) => count >= minCount)
    .sort(([a, countA], [b, countB]) => countB - countA || compareCodePoints(a, b))
    .slice(0, most)
    .map(([character]) => character);
}
