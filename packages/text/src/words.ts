/** From text to words as Keras splits it: lower case, filter characters, split. */
import { refuseUnknown, shown, TextOptionError } from "./errors.ts";

/** The characters that Keras's `Tokenizer` treats as spaces. The apostrophe is not among them. */
export const kerasFilters = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n';

/** How text becomes words; plain data that is saved with a vocabulary. */
export type Standardization = {
  /** Put the text into lower case first. */
  readonly lower: boolean;
  /** Each of these characters is replaced by `split`. */
  readonly filters: string;
  /** What stands between words; empty words are left out. */
  readonly split: string;
};

export const standardizationOptions: Record<keyof Standardization, true> = { lower: true, filters: true, split: true };

/** Keras's defaults for what is left out; throws `TextOptionError` for what cannot work. */
export function standardizationFrom(options: Partial<Standardization>): Standardization {
  const { lower = true, filters = kerasFilters, split = " " } = options;
  if (typeof lower !== "boolean") throw new TextOptionError("lower", "be true or false", lower);
  if (typeof filters !== "string") throw new TextOptionError("filters", "be a string of characters", filters);
  if (typeof split !== "string" || split === "" || hasLoneSurrogate(split)) {
    throw new TextOptionError("split", "be a well-formed string that is not empty", split);
  }
  return Object.freeze({ lower, filters, split });
}

/** Receives a word as `text.slice(start, end)` with its hash (see `hashOf`), so that no string has to be made. */
export type VisitWord = (text: string, start: number, end: number, hash: number) => void;

/** Walks over the words of a text in order. */
export type WordScanner = (text: string, visit: VisitWord) => void;

/** A scanner for running text: the one pass over character codes when every separator is one code unit. */
export function wordScanner({ lower, filters, split }: Standardization): WordScanner {
  if (split.length > 1 || /[\ud800-\udfff]/.test(filters)) return codePointScanner({ lower, filters, split });
  const codes = Array.from(filters + split, (character) => character.charCodeAt(0));
  const isSeparator = new Uint8Array(codes.reduce((most, code) => Math.max(most, code), 0) + 1);
  for (const code of codes) isSeparator[code] = 1;

  return (text, visit) => {
    const cased = lower ? text.toLowerCase() : text;
    let start = 0;
    let hash = emptyHash;
    for (let index = 0; index < cased.length; index++) {
      const code = cased.charCodeAt(index);
      if (code < isSeparator.length && isSeparator[code] === 1) {
        if (index > start) visit(cased, start, index, hash);
        start = index + 1;
        hash = emptyHash;
      } else {
        hash = Math.imul(hash ^ code, hashPrime);
      }
    }
    if (cased.length > start) visit(cased, start, cased.length, hash);
  };
}

/** The general form, step by step as Python does it: longer separators, filters beyond the basic plane. */
function codePointScanner({ lower, filters, split }: Standardization): WordScanner {
  const filtered = new Set(filters);
  return (text, visit) => {
    let replaced = "";
    for (const character of lower ? text.toLowerCase() : text) replaced += filtered.has(character) ? split : character;
    for (const word of replaced.split(split)) {
      if (word !== "") visit(word, 0, word.length, hashOf(word));
    }
  };
}

/** A scanner that visits, for each word, the n-gram that ends with it: up to `length` words with `split` between them, fewer at the beginning of a text. */
export function ngramScanner(standardization: Standardization, length: number): WordScanner {
  const scan = wordScanner(standardization);
  return (text, visit) => {
    const words: string[] = [];
    scan(text, (source, start, end) => {
      if (words.length === length) words.shift();
      words.push(source.slice(start, end));
      const gram = words.join(standardization.split);
      visit(gram, 0, gram.length, hashOf(gram));
    });
  };
}

/** A scanner that visits each character (code point); filters do not apply, as in Keras. */
export function characterScanner(lower: boolean): WordScanner {
  return (text, visit) => {
    for (const character of lower ? text.toLowerCase() : text) {
      visit(character, 0, character.length, hashOf(character));
    }
  };
}

/**
 * The words of a text, as Keras's `text_to_word_sequence`.
 *
 * Lower case is JavaScript's `toLowerCase`: it equals Python's `str.lower` up to the Unicode version of either.
 *
 * @example
 * textToWordSequence("Don't panic: it's OK!"); // ["don't", "panic", "it's", "ok"]
 */
export function textToWordSequence(text: string, options: Partial<Standardization> = {}): string[] {
  refuseUnknown("textToWordSequence", options, standardizationOptions);
  const words: string[] = [];
  wordScanner(standardizationFrom(options))(checkedText(text), (source, start, end) => {
    words.push(source.slice(start, end));
  });
  return words;
}

/** Throws a typed error for a value that is not in the list. */
export function requireOneOf<T extends string>(option: string, allowed: readonly T[], value: T): void {
  if (!allowed.includes(value)) throw new TextOptionError(option, `be one of ${allowed.map(shown).join(", ")}`, value);
}

/** Throws a typed error for what is not a text, before it fails somewhere deeper. */
export function checkedText(text: unknown): string {
  if (typeof text !== "string") throw new TextOptionError("text", "be a string", text);
  return text;
}

const isText = (text: unknown): boolean => typeof text === "string";

/**
 * The texts of an iterable, each checked to be one: the error names its place. A lone string is an error, since its characters would be taken for texts.
 * `fits` and `rule` tell what else counts as a text.
 */
export function* eachText<T>(texts: Iterable<T>, fits = isText, rule = "be a string"): Iterable<T> {
  if (typeof texts === "string" || typeof texts?.[Symbol.iterator] !== "function")
    throw new TextOptionError("texts", "be a list of texts", texts);
  let index = 0;
  for (const text of texts) {
    if (!fits(text)) throw new TextOptionError(`texts[${index}]`, rule, text);
    index += 1;
    yield text;
  }
}

// FNV-1a over UTF-16 code units (Fowler, Noll, Vo).
const emptyHash = 0x811c9dc5 | 0;
const hashPrime = 0x01000193;

/** The hash that scanners hand to their visitors. */
export function hashOf(word: string): number {
  let hash = emptyHash;
  for (let index = 0; index < word.length; index++) hash = Math.imul(hash ^ word.charCodeAt(index), hashPrime);
  return hash;
}

function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}
