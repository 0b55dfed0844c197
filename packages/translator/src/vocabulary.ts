/** The ids of the tokens of both sides: plain data that a model file carries. */
import { ConfigError, ModelFileError } from "@ostinato/core";
import {
  encodeSubwordTexts,
  idSubword,
  parseSubwords,
  type SubwordEncoding,
  type Subwords,
  subwordCount,
  subwordsFromTexts,
  TextDataError,
  TextOptionError,
} from "@ostinato/text";
import { type ListRules, type SubwordRules, type TokenKind, tokenKinds, tokensOf } from "./tokens.ts";

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
/** Their names in vocabularies of subwords. */
const reservedNames = ["<pad>", "<unk>", "<s>", "</s>"] as const;

/** How texts of one side become characters or words, and those that have an id: `values[i]` has the id `i + 4`, most frequent first. */
export type ListVocabulary = ListRules & { readonly values: readonly string[] };

/** How texts of one side become tokens, and the ids of tokens. */
export type SideVocabulary = ListVocabulary | SubwordRules;

/** The vocabularies of what is translated, and of what it becomes. Where both share one, `source` and `target` are the same object. */
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
  /**
   * How often a token must occur to have an id. Default 1; of words 2 or more leaves rare ones to learn the unknown from. Of subwords: how often a character must occur to
   * have an id, and two tokens side by side to become one, by default 2.
   */
  readonly minCount?: number;
  /** The most tokens that have an id, the most frequent ones. Default all. Of subwords: the most ids, with the 4 reserved ones and 256 of bytes, by default 8000. */
  readonly maxTokens?: number;
}

/** Options of `translatorVocabulary`: of each side, or of one vocabulary that both share. */
export interface TranslatorVocabularyOptions {
  readonly source?: SideOptions;
  readonly target?: SideOptions;
  /** In the place of both: one vocabulary, from the texts of both sides. */
  readonly shared?: SideOptions;
}

/** How many ids a side has: the `inputDim` of its embedding, and of the target the units of the output. */
export function idCount(side: SideVocabulary): number {
  return side.tokens === "subwords" ? subwordCount(side.subwords) : reserved + side.values.length;
}

/** The tokens that have an id, in the order of their ids, which begin at 4. */
export function vocabularyTokens(side: SideVocabulary): readonly string[] {
  if (side.tokens !== "subwords") return side.values;
  return Array.from({ length: idCount(side) - reserved }, (_, i) => idSubword(side.subwords, i + reserved));
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
 *
 * @example
 * const { source, target } = translatorVocabulary(sentences, { shared: { tokens: "subwords", maxTokens: 8000 } });
 * source === target; // true
 */
export function translatorVocabulary(
  { sources, targets }: TrainingTexts,
  options: TranslatorVocabularyOptions = {},
): TranslatorVocabulary {
  const { source, target, shared } = options;
  if (shared === undefined)
    return {
      version: 1,
      source: vocabularyOf("source", sources, source),
      target: vocabularyOf("target", targets, target),
    };
  if (source !== undefined || target !== undefined)
    throw new ConfigError("translatorVocabulary: give shared, or source and target, not both");
  const side = vocabularyOf("shared", both(sources, targets), shared);
  return { version: 1, source: side, target: side };
}

function* both(sources: Iterable<string>, targets: Iterable<string>): Generator<string> {
  yield* sources;
  yield* targets;
}

/** The vocabulary of one side, or of both. */
function vocabularyOf(
  place: keyof TranslatorVocabularyOptions,
  texts: Iterable<string>,
  options: SideOptions = {},
): SideVocabulary {
  const { tokens = "words", lowercase = false } = options;
  const refuse = (name: keyof SideOptions, must: string): never => {
    throw new ConfigError(`translatorVocabulary: ${place}.${name} must be ${must}, got ${String(options[name])}`);
  };
  if (!tokenKinds.includes(tokens)) refuse("tokens", `one of "${tokenKinds.join('", "')}"`);
  if (typeof lowercase !== "boolean") refuse("lowercase", "true or false");
  const isSubwords = tokens === "subwords";
  const { minCount = isSubwords ? 2 : 1, maxTokens = isSubwords ? 8000 : Number.POSITIVE_INFINITY } = options;
  for (const [name, number] of [["minCount", minCount] as const, ["maxTokens", maxTokens] as const])
    if (number !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(number) && number >= 1))
      refuse(name, "a whole number from 1 on");
  if (isSubwords) return learnedSubwords(place, texts, { lowercase, minCount, maxTokens });
  const rules = { tokens, lowercase };
  const counts = new Map<string, number>();
  for (const text of texts) for (const token of tokensOf(rules, text)) counts.set(token, (counts.get(token) ?? 0) + 1);
  const kept = [...counts].filter(([, count]) => count >= minCount).sort(([, a], [, b]) => b - a);
  return { ...rules, values: kept.slice(0, maxTokens).map(([token]) => token) };
}

function learnedSubwords(
  place: string,
  texts: Iterable<string>,
  { lowercase, ...limits }: Required<Omit<SideOptions, "tokens">>,
): SubwordRules {
  try {
    return {
      tokens: "subwords",
      subwords: subwordsFromTexts(texts, { ...limits, lower: lowercase, reserved: reservedNames }),
    };
  } catch (error) {
    if (error instanceof TextOptionError)
      throw new ConfigError(`translatorVocabulary: ${place}.${error.message}`, { cause: error });
    throw error;
  }
}

/** Reads a vocabulary from a model file. @throws ModelFileError for anything else */
export function parseTranslatorVocabulary(data: unknown): TranslatorVocabulary {
  const damaged = (what: string) => new ModelFileError(`the model file is damaged: its vocabulary ${what}`);
  if (!isRecord(data) || !("version" in data) || !("source" in data) || !("target" in data))
    throw damaged("is not that of a translator");
  if (data.version !== 1)
    throw damaged(`has version ${String(data.version).slice(0, 20)}, and this program reads version 1`);
  const [source, target] = sides.map((side) => parseSide(side, data[side], damaged)) as [
    SideVocabulary,
    SideVocabulary,
  ];
  const isShared = JSON.stringify(source) === JSON.stringify(target);
  return { version: 1, source, target: isShared ? source : target };
}

function parseSide(side: Side, given: unknown, damaged: (what: string) => ModelFileError): SideVocabulary {
  if (isRecord(given) && given.tokens === "subwords") return parseSubwordSide(side, given.subwords, damaged);
  if (!isRecord(given) || !tokenKinds.some((kind) => kind === given.tokens) || typeof given.lowercase !== "boolean")
    throw damaged(`does not tell how texts of its ${side} become tokens`);
  const { values } = given;
  if (!Array.isArray(values) || !values.every((value) => typeof value === "string" && value !== ""))
    throw damaged(`has no list of tokens for its ${side}`);
  if (new Set(values).size < values.length) throw damaged(`has a token of its ${side} twice`);
  return given as ListVocabulary;
}

/** Subwords of which the first ids are this package's, and stand for no text. */
function parseSubwordSide(side: Side, given: unknown, damaged: (what: string) => ModelFileError): SubwordRules {
  let subwords: Subwords;
  try {
    subwords = parseSubwords(given);
  } catch (error) {
    if (error instanceof TextDataError) throw damaged(`does not hold its ${side}: ${error.message}`);
    throw error;
  }
  const { added_tokens, model } = subwords;
  const isFree = (name: string, id: number) =>
    model.vocab[name] === id &&
    added_tokens.every(({ content }) => content !== name) &&
    model.merges.every(([left, right]) => left + right !== name);
  if (model.ignore_merges || !reservedNames.every(isFree))
    throw damaged(`does not keep the ids 0 to 3 of its ${side} for ${reservedNames.join(", ")} alone`);
  return { tokens: "subwords", subwords };
}

const isRecord = (data: unknown): data is Readonly<Record<string, unknown>> =>
  typeof data === "object" && data !== null;

/** Rows of ids, one for each text. Of subwords merges may be left out by chance (BPE-dropout, Provilkov et al. 2020), in training: `encoding` says how often. */
export type TextEncoder = (texts: Iterable<string>, encoding?: SubwordEncoding) => number[][];

/**
 * The encoder of a side, for training and for every use afterwards. Of the target it gives the tokens alone, without start and end: `teacherForcing` adds them.
 *
 * @example
 * const encode = textEncoder(vocabulary.source);
 * encode(["cat"]); // [[4, 5, 6]]
 *
 * @example
 * textEncoder(subwords)(texts, { dropout: 0.1, seed: epoch }); // other subwords in each epoch
 */
export function textEncoder(side: SideVocabulary): TextEncoder {
  if (side.tokens === "subwords") return (texts, encoding) => encodeSubwordTexts(side.subwords, texts, encoding);
  const ids = new Map(side.values.map((value, i) => [value, i + reserved]));
  return (texts, encoding) => {
    if (encoding?.dropout)
      throw new ConfigError(`textEncoder: dropout leaves out merges of subwords, and this side has ${side.tokens}`);
    return Array.from(texts, (text) => tokensOf(side, text).map((token) => ids.get(token) ?? unknownId));
  };
}

/** Whether a token of a text has an id of its own. */
export function knownTokens(side: SideVocabulary): (token: string) => boolean {
  if (side.tokens === "subwords") return (token) => token !== reservedNames[unknownId];
  const known = new Set(side.values);
  return (token) => known.has(token);
}

/** The tokens of ids. An id that stands for none is left out. */
export function tokensOfIds(side: SideVocabulary, ids: ArrayLike<number>): string[] {
  if (side.tokens === "subwords")
    return Array.from(ids)
      .filter((id) => id >= reserved)
      .map((id) => idSubword(side.subwords, id));
  return Array.from(ids, (id) => side.values[id - reserved]).filter((token) => token !== undefined);
}

/**
 * The vocabularies of subwords as files `tokenizer.json`, by their names: `tokenizer.json` where both sides share one, else `source.tokenizer.json` and
 * `target.tokenizer.json`; a side of another kind has none. Python's `Tokenizer.from_file` gives the same ids for the same text.
 *
 * @example
 * for (const [name, json] of Object.entries(tokenizerFiles(vocabulary))) await writeFile(name, json);
 */
export function tokenizerFiles({ source, target }: TranslatorVocabulary): Readonly<Record<string, string>> {
  const files: Record<string, string> = {};
  const add = (name: string, side: SideVocabulary) => {
    if (side.tokens === "subwords") files[name] = `${JSON.stringify(side.subwords, undefined, 1)}\n`;
  };
  if (source === target) add("tokenizer.json", source);
  else for (const side of sides) add(`${side}.tokenizer.json`, side === "source" ? source : target);
  return files;
}
