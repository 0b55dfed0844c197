/** From text to tokens as Keras's `TextVectorization` does it: standardize, split, n-grams. */
import { shown, TextDataError, TextOptionError } from "./errors.ts";
import { field, settingsAt } from "./saved-data.ts";
import { characterScanner, hashOf, requireOneOf, type WordScanner, wordScanner } from "./words.ts";

/** What is done to a text before it is split, in ASCII only, as TensorFlow does it: "É" stays as it is. */
export type Standardize = (typeof standardizes)[number];
const standardizes = ["lowerAndStripPunctuation", "lower", "stripPunctuation"] as const;

/** Where a text is split: at runs of ASCII whitespace, or between any two code points. */
export type TokenSplit = (typeof splits)[number];
const splits = ["whitespace", "character"] as const;

/** How text becomes tokens; plain data that is saved with a vocabulary. */
export type VectorizationRules = {
  /** `null` leaves the text as it is. */
  readonly standardize: Standardize | null;
  /** `null` takes the whole text for one token. */
  readonly split: TokenSplit | null;
  /** Lengths of the n-grams, in the order in which they are made; `null` for the tokens themselves. */
  readonly ngrams: readonly number[] | null;
};

/** Keras's options: as `VectorizationRules`, but `ngrams` may be the greatest length, for all from 1 on. */
export type VectorizationRuleOptions = Partial<Omit<VectorizationRules, "ngrams">> & {
  readonly ngrams?: number | readonly number[] | null;
};

/** The longest n-gram; a longer one would hardly occur twice, and makes memory grow with it. */
export const longestGram = 64;

/** Keras's defaults for what is left out; throws `TextOptionError` for what cannot work. */
export function rulesFrom(options: VectorizationRuleOptions): VectorizationRules {
  const { standardize = "lowerAndStripPunctuation", split = "whitespace", ngrams = null } = options;
  if (standardize !== null) requireOneOf("standardize", standardizes, standardize);
  if (split !== null) requireOneOf("split", splits, split);
  return Object.freeze({ standardize, split, ngrams: ngrams === null ? null : gramLengths(ngrams) });
}

function gramLengths(ngrams: number | readonly number[]): readonly number[] {
  const isLength = (value: unknown) =>
    Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= longestGram;
  const rule = `be a whole number from 1 to ${longestGram}, a list of such, or null`;
  if (!Array.isArray(ngrams)) {
    if (!isLength(ngrams)) throw new TextOptionError("ngrams", rule, ngrams);
    return Object.freeze(Array.from({ length: Number(ngrams) }, (_, index) => index + 1));
  }
  if (ngrams.length === 0 || ngrams.length > longestGram) throw new TextOptionError("ngrams", rule, ngrams);
  for (const length of ngrams) if (!isLength(length)) throw new TextOptionError("ngrams", rule, length);
  return Object.freeze([...ngrams]);
}

/** Rules from data of unknown origin; throws `TextDataError` naming what is wrong. */
export function parseVectorizationRules(data: unknown, path: string): VectorizationRules {
  const standardize = choiceField(data, path, "standardize", standardizes);
  const split = choiceField(data, path, "split", splits);
  const ngrams = field(data, path, "ngrams");
  if (ngrams !== null && !Array.isArray(ngrams)) {
    throw new TextDataError(`${path}.ngrams`, `must be an array or null, got ${shown(ngrams)}`);
  }
  return settingsAt(path, () => rulesFrom({ standardize, split, ngrams }));
}

function choiceField<T extends string>(data: unknown, path: string, name: string, choices: readonly T[]): T | null {
  const value = field(data, path, name);
  const choice = choices.find((choice) => choice === value);
  if (choice !== undefined) return choice;
  if (value === null) return null;
  throw new TextDataError(
    `${path}.${name}`,
    `must be one of ${choices.map(shown).join(", ")} or null, got ${shown(value)}`,
  );
}

/** Walks over the tokens of a text in Keras's order: all n-grams of one length, then those of the next. */
export function tokenScanner({ standardize, split, ngrams }: VectorizationRules): WordScanner {
  const prepare = standardizer(standardize);
  const scan = splitScanner(split);
  const scanText: WordScanner = (text, visit) => scan(prepare(text), visit);
  if (ngrams === null) return scanText;

  return (text, visit) => {
    const tokens: string[] = [];
    scanText(text, (source, start, end) => tokens.push(source.slice(start, end)));
    for (const length of ngrams) {
      for (let start = 0; start + length <= tokens.length; start++) {
        const gram = tokens.slice(start, start + length).join(" ");
        visit(gram, 0, gram.length, hashOf(gram));
      }
    }
  };
}

/** What stands between the tokens of a text when they are put together again. */
export function tokenSeparator({ split, ngrams }: VectorizationRules): string {
  return split === "character" && ngrams === null ? "" : " ";
}

function splitScanner(split: TokenSplit | null): WordScanner {
  switch (split) {
    case "whitespace":
      return wordScanner({ lower: false, filters: "\t\n\v\f\r", split: " " });
    case "character":
      return characterScanner(false);
    default:
      // An empty text is Keras's padding token.
      return (text, visit) => {
        if (text !== "") visit(text, 0, text.length, hashOf(text));
      };
  }
}

function standardizer(standardize: Standardize | null): (text: string) => string {
  switch (standardize) {
    case "lowerAndStripPunctuation":
      return (text) => asciiLower(text).replace(asciiPunctuation, "");
    case "lower":
      return asciiLower;
    case "stripPunctuation":
      return (text) => text.replace(asciiPunctuation, "");
    default:
      return (text) => text;
  }
}

/** All of ASCII's punctuation, the apostrophe included: Keras puts nothing in its place, so "don't" becomes "dont". */
const asciiPunctuation = /[!-/:-@[-`{-~]+/g;

function asciiLower(text: string): string {
  return /[^\0-\x7f]/.test(text) ? text.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase()) : text.toLowerCase();
}
