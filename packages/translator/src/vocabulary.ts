/** The ids of the tokens of both sides: plain data that a model file carries. */
import { ConfigError, ModelFileError } from "@ostinato/core";
import { type TokenKind, type TokenRules, tokenKinds, tokensOf } from "./tokens.ts";

/** Fills up rows; never within one. */
export const paddingId = 0;
/** Any token that the vocabulary does not hold. */
export const unknownId = 1;
/** What a target begins with. */
export const startId = 2;
/** What a target ends with. */
export const endId = 3;
/** Ids below stand for no token of a text. */
const reserved = 4;

/** How texts of one side become tokens, and the tokens that have an id: `values[i]` has the id `i + 4`, most frequent first. */
export type SideVocabulary = TokenRules & { readonly values: readonly string[] };

/** The vocabularies of what is translated, and of what it becomes. */
export type TranslatorVocabulary = {
  readonly version: 1;
  readonly source: SideVocabulary;
  readonly target: SideVocabulary;
};

/** The names of both sides, which are those of the model's inputs. */
export const sides = ["source", "target"] as const;
/** The name of a side. */
export type Side = (typeof sides)[number];

/** The texts to train with, of both sides: what `parallelPairs` of `@ostinato/datasets` gives. */
export interface TrainingTexts {
  readonly sources: Iterable<string>;
  readonly targets: Iterable<string>;
}

/** How the vocabulary of a side is made. */
export interface SideOptions {
  /** What tokens are. Default `"words"`. */
  readonly tokens?: TokenKind;
  /** Whether letters are made small first. Default false. */
  readonly lowercase?: boolean;
  /** How often a token must occur to have an id. Default 1; of words 2 or more leaves rare ones to learn the unknown from. */
  readonly minCount?: number;
  /** The most tokens that have an id, the most frequent ones. Default all. */
  readonly maxTokens?: number;
}

/** Options of `translatorVocabulary`, for each side. */
export type TranslatorVocabularyOptions = { readonly [S in Side]?: SideOptions };

/** How many ids a side has: the `inputDim` of its embedding, and of the target the units of the output. */
export function idCount({ values }: SideVocabulary): number {
  return reserved + values.length;
}

/**
 * The vocabularies of both sides from the texts to train with; ties keep first-seen order.
 *
 * @throws ConfigError for options that cannot work
 *
 * @example
 * const texts = { sources: ["cat", "tack"], targets: ["K AE T", "T AE K"] };
 * const vocabulary = translatorVocabulary(texts, { source: { tokens: "characters" } });
 * vocabulary.source.values; // ["c", "a", "t", "k"], with the ids 4 to 7
 */
export function translatorVocabulary(
  { sources, targets }: TrainingTexts,
  options: TranslatorVocabularyOptions = {},
): TranslatorVocabulary {
  return {
    version: 1,
    source: vocabularyOf("source", sources, options.source),
    target: vocabularyOf("target", targets, options.target),
  };
}

/** The vocabulary of one side. */
function vocabularyOf(side: Side, texts: Iterable<string>, options: SideOptions = {}): SideVocabulary {
  const { tokens = "words", lowercase = false, minCount = 1, maxTokens = Number.POSITIVE_INFINITY } = options;
  const refuse = (name: keyof SideOptions, must: string): never => {
    throw new ConfigError(`translatorVocabulary: ${side}.${name} must be ${must}, got ${String(options[name])}`);
  };
  if (!tokenKinds.includes(tokens)) refuse("tokens", `"${tokenKinds.join('" or "')}"`);
  if (typeof lowercase !== "boolean") refuse("lowercase", "true or false");
  for (const [name, number] of [["minCount", minCount] as const, ["maxTokens", maxTokens] as const])
    if (number !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(number) && number >= 1))
      refuse(name, "a whole number from 1 on");
  const rules = { tokens, lowercase };
  const counts = new Map<string, number>();
  for (const text of texts) for (const token of tokensOf(rules, text)) counts.set(token, (counts.get(token) ?? 0) + 1);
  const kept = [...counts].filter(([, count]) => count >= minCount).sort(([, a], [, b]) => b - a);
  return { ...rules, values: kept.slice(0, maxTokens).map(([token]) => token) };
}

/** Reads a vocabulary from a model file. @throws ModelFileError for anything else */
export function parseTranslatorVocabulary(data: unknown): TranslatorVocabulary {
  const damaged = (what: string) => new ModelFileError(`the model file is damaged: its vocabulary ${what}`);
  if (!isRecord(data) || !("version" in data) || !("source" in data) || !("target" in data))
    throw damaged("is not that of a translator");
  if (data.version !== 1)
    throw damaged(`has version ${String(data.version).slice(0, 20)}, and this program reads version 1`);
  for (const side of sides) {
    const given = data[side];
    if (!isRecord(given) || !tokenKinds.some((kind) => kind === given.tokens) || typeof given.lowercase !== "boolean")
      throw damaged(`does not tell how texts of its ${side} become tokens`);
    const { values } = given;
    if (!Array.isArray(values) || !values.every((value) => typeof value === "string" && value !== ""))
      throw damaged(`has no list of tokens for its ${side}`);
    if (new Set(values).size < values.length) throw damaged(`has a token of its ${side} twice`);
  }
  return data as TranslatorVocabulary;
}

const isRecord = (data: unknown): data is Readonly<Record<string, unknown>> =>
  typeof data === "object" && data !== null;

/** Rows of ids, one for each text. */
export type TextEncoder = (texts: Iterable<string>) => number[][];

/**
 * The encoder of a side, for training and for every use afterwards. Of the target it gives the tokens alone, without start and end: `teacherForcing` adds them.
 *
 * @example
 * const encode = textEncoder(vocabulary.source);
 * encode(["cat"]); // [[4, 5, 6]]
 */
export function textEncoder(side: SideVocabulary): TextEncoder {
  const ids = new Map(side.values.map((value, i) => [value, i + reserved]));
  return (texts) => Array.from(texts, (text) => tokensOf(side, text).map((token) => ids.get(token) ?? unknownId));
}

/** The tokens of ids. An id that stands for none is left out. */
export function tokensOfIds({ values }: SideVocabulary, ids: ArrayLike<number>): string[] {
  return Array.from(ids, (id) => values[id - reserved]).filter((token) => token !== undefined);
}
