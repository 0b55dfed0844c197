/** Keras's `TextVectorization` layer as an immutable value: learns a vocabulary, makes tensors of texts. */
import { compareCodePoints } from "./code-points.ts";
import { refuseUnknown, TextOptionError } from "./errors.ts";
import { type PaddedFloat32, type PaddedInt32, padSequences } from "./pad-sequences.ts";
import {
  rulesFrom,
  tokenScanner,
  type VectorizationRuleOptions,
  type VectorizationRules,
} from "./vectorization-rules.ts";
import { countingVisitor, type WordCounts, wordCountsFrom, wordsOf } from "./word-counts.ts";
import { findWord, type WordTable, wordTable } from "./word-table.ts";
import { eachText, requireOneOf, type WordScanner } from "./words.ts";

/**
 * What a text becomes: the ids of its tokens (`"int"`), or one number for each id of the vocabulary: whether the token
 * occurs (`"multiHot"`), how often (`"count"`), or how often times its inverse document frequency (`"tfIdf"`).
 */
export type VectorizationOutput = (typeof vectorizationOutputs)[number];
export const vectorizationOutputs = ["int", "multiHot", "count", "tfIdf"] as const;

/** Plain, frozen JSON data: save it as it is, and read it back with `parseTextVectorization`. */
export type TextVectorization<Output extends VectorizationOutput = VectorizationOutput> = VectorizationRules & {
  /** Version of this format. */
  readonly version: 1;
  readonly outputMode: Output;
  /** The most ids to use, reserved ids included; `null` for no limit. */
  readonly maxTokens: number | null;
  /** Columns of `"int"` output; `null` for the longest text of a call. */
  readonly outputSequenceLength: number | null;
  /** The tokens, most frequent first, without the reserved ids; `null` until the layer is adapted. */
  readonly vocabulary: readonly string[] | null;
  /** Weight of each id, that of unknown tokens first, for `"tfIdf"`; else `null`. */
  readonly idfWeights: readonly number[] | null;
};

/** Keras's options, with Keras's defaults. */
export interface TextVectorizationOptions<Output extends VectorizationOutput = VectorizationOutput>
  extends VectorizationRuleOptions {
  readonly maxTokens?: number | null;
  /** `"int"` by default. */
  readonly outputMode?: Output;
  readonly outputSequenceLength?: number | null;
  /** A known vocabulary, with or without the names of the reserved ids in front; nothing has to be adapted then. */
  readonly vocabulary?: readonly string[] | null;
  /** Inverse document frequencies, one for each entry of `vocabulary`; for `"tfIdf"` only. */
  readonly idfWeights?: readonly number[] | null;
}

const vectorizationOptions: Record<keyof TextVectorizationOptions, true> = {
  maxTokens: true,
  standardize: true,
  split: true,
  ngrams: true,
  outputMode: true,
  outputSequenceLength: true,
  vocabulary: true,
  idfWeights: true,
};

const [padding, unknown] = ["", "[UNK]"];

/** Names of the ids before the first token: padding has one where ids are put out. */
export function reservedNames(outputMode: VectorizationOutput): readonly string[] {
  return outputMode === "int" ? [padding, unknown] : [unknown];
}

/**
 * A layer that has learned nothing yet, unless `vocabulary` is given. Defaults as in Keras: ASCII lower case, ASCII
 * punctuation removed (the apostrophe too), split at whitespace, all tokens kept.
 *
 * @example
 * const layer = adapt(textVectorization({ maxTokens: 5000, outputSequenceLength: 4 }), ["foo bar", "bar baz"]);
 * vectorizeTexts(layer, ["foo qux bar"]).data; // Int32Array [4, 1, 2, 0]: 0 is padding, 1 unknown
 */
export function textVectorization<Output extends VectorizationOutput = "int">(
  options: TextVectorizationOptions<Output> = {},
): TextVectorization<Output> {
  refuseUnknown("textVectorization", options, vectorizationOptions);
  const { maxTokens = null, outputMode = "int" as Output, outputSequenceLength = null, vocabulary = null } = options;
  const rules = rulesFrom(options);
  requireOneOf<VectorizationOutput>("outputMode", vectorizationOutputs, outputMode);
  const reserved = reservedNames(outputMode);
  if (maxTokens !== null && !(Number.isSafeInteger(maxTokens) && maxTokens > reserved.length)) {
    const rule = `be a whole number above ${reserved.length} (the reserved ids), or null for no limit`;
    throw new TextOptionError("maxTokens", rule, maxTokens);
  }
  if (outputSequenceLength !== null && outputMode !== "int") {
    throw new TextOptionError("outputSequenceLength", 'be null unless outputMode is "int"', outputSequenceLength);
  }
  if (outputSequenceLength !== null && !(Number.isSafeInteger(outputSequenceLength) && outputSequenceLength >= 1)) {
    const rule = "be a whole number of at least 1, or null for the longest text";
    throw new TextOptionError("outputSequenceLength", rule, outputSequenceLength);
  }
  const learned =
    vocabulary === null
      ? { vocabulary, idfWeights: requireNoWeights(options.idfWeights ?? null, "needs a vocabulary") }
      : givenVocabulary(vocabulary, options.idfWeights ?? null, outputMode, maxTokens);
  return Object.freeze({ version: 1, ...rules, outputMode, maxTokens, outputSequenceLength, ...learned });
}

type Learned = Pick<TextVectorization, "vocabulary" | "idfWeights">;

function givenVocabulary(
  entries: readonly string[],
  idfWeights: readonly number[] | null,
  outputMode: VectorizationOutput,
  maxTokens: number | null,
): Learned {
  if (!Array.isArray(entries)) throw new TextOptionError("vocabulary", "be a list of tokens", entries);
  const reserved = reservedNames(outputMode);
  const named = reserved.every((name, id) => entries[id] === name);
  const vocabulary = Object.freeze(named ? entries.slice(reserved.length) : [...entries]);
  const seen = new Set<string>();
  for (const token of vocabulary) {
    if (typeof token !== "string" || token === "" || seen.has(token)) {
      throw new TextOptionError("vocabulary", "hold distinct strings that are not empty", token);
    }
    seen.add(token);
  }
  const size = vocabulary.length + reserved.length;
  if (maxTokens !== null && size > maxTokens) {
    throw new TextOptionError("vocabulary", `give no more ids than maxTokens (${maxTokens})`, `${size} ids`);
  }
  if (outputMode !== "tfIdf") return { vocabulary, idfWeights: requireNoWeights(idfWeights, "is for tfIdf") };
  const rule = `be a list of finite numbers, one for each of the ${entries.length} entries of the vocabulary`;
  if (!Array.isArray(idfWeights) || idfWeights.length !== entries.length || !idfWeights.every(Number.isFinite)) {
    throw new TextOptionError("idfWeights", rule, idfWeights);
  }
  return { vocabulary, idfWeights: Object.freeze(named ? [...idfWeights] : [mean(idfWeights), ...idfWeights]) };
}

function requireNoWeights(idfWeights: readonly number[] | null, why: string): null {
  if (idfWeights !== null) throw new TextOptionError("idfWeights", `be null: it ${why}`, idfWeights);
  return null;
}

/**
 * The layer with the vocabulary of these texts: tokens by frequency, ties by code point from high to low, as Keras
 * orders them. The vocabulary that the layer had before is forgotten.
 */
export function adapt<Output extends VectorizationOutput>(
  vectorization: TextVectorization<Output>,
  texts: Iterable<string>,
): TextVectorization<Output> {
  const { outputMode, maxTokens } = vectorization;
  const scan = tokenScanner(vectorization);
  const counted = wordCountsFrom([]);
  const count = countingVisitor(counted);
  for (const text of eachText(texts)) {
    counted.document += 1;
    scan(text, count);
  }
  const limit = (maxTokens ?? Number.POSITIVE_INFINITY) - reservedNames(outputMode).length;
  const kept = rankedTokens(counted).slice(0, limit);
  const idfWeights = outputMode === "tfIdf" ? weightsOf(counted, kept) : null;
  const vocabulary = Object.freeze(kept.map(({ token }) => token));
  return Object.freeze({ ...vectorization, vocabulary, idfWeights });
}

interface RankedToken {
  readonly token: string;
  readonly id: number;
}

function rankedTokens(counted: WordCounts): RankedToken[] {
  const ids = Array.from({ length: counted.table.size }, (_, id) => id);
  return wordsOf(counted, ids)
    .map((token, id) => ({ token, id }))
    .filter(({ token }) => token !== unknown)
    .sort((a, b) => counted.counts[b.id]! - counted.counts[a.id]! || compareCodePoints(b.token, a.token));
}

/** log(1 + texts / (1 + texts with the token)), in float32; unknown tokens get the mean. */
function weightsOf(counted: WordCounts, kept: readonly RankedToken[]): readonly number[] {
  const weights = kept.map(({ id }) => Math.fround(Math.log(1 + counted.document / (1 + counted.documents[id]!))));
  return Object.freeze([mean(weights), ...weights]);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 1 : Math.fround(values.reduce((sum, value) => sum + value, 0) / values.length);
}

/** The tokens of a layer; throws `TextOptionError` for one that has none yet. */
export function adaptedWords({ vocabulary }: TextVectorization): readonly string[] {
  if (vocabulary !== null) return vocabulary;
  throw new TextOptionError("vectorization", "be adapted to texts first, or be given a vocabulary", "neither");
}

/**
 * Texts as one tensor. `"int"`: `[texts, outputSequenceLength]` ids, filled with 0 and cut at the end; else
 * `[texts, ids]` in float32, where unknown tokens have the first column.
 */
export function vectorizeTexts(layer: TextVectorization<"int">, texts: Iterable<string>): PaddedInt32;
export function vectorizeTexts(
  layer: TextVectorization<Exclude<VectorizationOutput, "int">>,
  texts: Iterable<string>,
): PaddedFloat32;
export function vectorizeTexts(layer: TextVectorization, texts: Iterable<string>): PaddedInt32 | PaddedFloat32;
export function vectorizeTexts(layer: TextVectorization, texts: Iterable<string>): PaddedInt32 | PaddedFloat32 {
  const { outputMode, outputSequenceLength, split } = layer;
  const { scan, table } = lookupOf(layer);
  const first = reservedNames(outputMode).length;
  const rows = Array.from(eachText(texts), (text) => {
    const ids: number[] = [];
    scan(text, (source, start, end, hash) => {
      // A token that is not found has -1, which makes it the last reserved id.
      ids.push(first + findWord(table, source, start, end, hash));
    });
    return ids;
  });
  if (outputMode !== "int") return columns(layer, rows, first + table.size);
  // A text that is one token has one column, be it empty.
  const longest = rows.reduce((length, ids) => Math.max(length, ids.length), split === null ? 1 : 0);
  const maxLength = outputSequenceLength ?? longest;
  return padSequences(rows, { ...(maxLength > 0 ? { maxLength } : {}), padding: "post", truncating: "post" });
}

function columns(
  { outputMode, idfWeights }: TextVectorization,
  rows: readonly (readonly number[])[],
  size: number,
): PaddedFloat32 {
  const data = new Float32Array(rows.length * size);
  for (const [row, ids] of rows.entries()) {
    for (const id of ids) data[row * size + id] = outputMode === "multiHot" ? 1 : data[row * size + id]! + 1;
    if (idfWeights === null) continue;
    for (let id = 0; id < size; id++) data[row * size + id]! *= idfWeights[id]!;
  }
  return { dtype: "float32", shape: [rows.length, size], data };
}

// A memo, not state: the lookup of frozen data never changes.
const lookups = new WeakMap<TextVectorization, { scan: WordScanner; table: WordTable }>();

function lookupOf(vectorization: TextVectorization): { scan: WordScanner; table: WordTable } {
  let lookup = lookups.get(vectorization);
  if (lookup === undefined) {
    lookup = { scan: tokenScanner(vectorization), table: wordTable(adaptedWords(vectorization)) };
    lookups.set(vectorization, lookup);
  }
  return lookup;
}
