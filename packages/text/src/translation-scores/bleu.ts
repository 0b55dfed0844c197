/** BLEU, the share of n-grams that a translation has in common with its references (Papineni et al. 2002), as sacreBLEU defines it (Post 2018). */
import { refuseUnknown, TextOptionError } from "../errors.ts";
import { requireOneOf } from "../words.ts";
import { type BleuTokenizer, bleuTokenizers, bleuTokens } from "./bleu-tokenizers.ts";
import type { ConfidenceOptions } from "./confidence.ts";
import { countNgrams, type NgramCounts, sharedNgrams, wordTokens } from "./ngrams.ts";
import {
  corpusScore,
  flag,
  type Metric,
  sentenceScore,
  type TranslationReferences,
  type TranslationScore,
  wholeNumber,
} from "./score.ts";

/** What stands in the place of a precision of zero, with the default of its value where it takes one (Chen and Cherry 2014, methods 3, 1 and 2). */
const smoothings = { exp: undefined, floor: 0.1, "add-k": 1, none: undefined } as const;

/**
 * `"exp"`: 1/2, 1/4, … n-grams for one order after another without any; `"floor"`: `smoothValue` of an n-gram; `"add-k"`: `smoothValue` n-grams more are right, of as many more,
 * from bigrams on; `"none"`: the score is 0.
 */
export type BleuSmoothing = keyof typeof smoothings;

/** Options of BLEU, by sacreBLEU's names. */
export interface BleuOptions {
  /** Puts all texts into lower case first. Default false. */
  readonly lowercase?: boolean;
  /** How texts become tokens. Default `"13a"`. */
  readonly tokenize?: BleuTokenizer;
  /** What stands in the place of a precision of zero. Default `"exp"`. */
  readonly smoothMethod?: BleuSmoothing;
  /** Of `"floor"`, 0.1 by default, and `"add-k"`, 1 by default. */
  readonly smoothValue?: number;
  /** The longest n-grams that count. Default 4. */
  readonly maxNgramOrder?: number;
  /** Leaves orders out that a text is too short for. Default false of a corpus, true of a sentence. */
  readonly effectiveOrder?: boolean;
}

/** A BLEU score with all that it is made of. */
export interface BleuScore extends TranslationScore {
  readonly name: "BLEU";
  /** By the order of n-grams, from 0 to 100, smoothed; all are 0 where no n-gram is right. */
  readonly precisions: readonly number[];
  /** By the order of n-grams: how many are right. */
  readonly correct: readonly number[];
  /** By the order of n-grams: how many are written. */
  readonly totals: readonly number[];
  /** 1, or less where less is written than the references have. */
  readonly brevityPenalty: number;
  /** Tokens that are written. */
  readonly writtenLength: number;
  /** Tokens of the references: of each row that which is as long as what is written, or nearest, of two the shorter. */
  readonly referenceLength: number;
}

type Settings = Required<Omit<BleuOptions, "smoothValue">> & { readonly smoothValue: number | undefined };

const options: Record<keyof BleuOptions, true> = {
  lowercase: true,
  tokenize: true,
  smoothMethod: true,
  smoothValue: true,
  maxNgramOrder: true,
  effectiveOrder: true,
};

function settingsOf(given: BleuOptions, effectiveOrder: boolean): Settings {
  const { tokenize = "13a", smoothMethod = "exp" } = given;
  requireOneOf("tokenize", bleuTokenizers, tokenize);
  requireOneOf("smoothMethod", Object.keys(smoothings) as BleuSmoothing[], smoothMethod);
  const usual = smoothings[smoothMethod];
  const { smoothValue = usual } = given;
  if (usual === undefined && smoothValue !== undefined)
    throw new TextOptionError("smoothValue", `be left out: smoothMethod "${smoothMethod}" takes none`, smoothValue);
  if (smoothValue !== undefined && !(Number.isFinite(smoothValue) && smoothValue >= 0))
    throw new TextOptionError("smoothValue", "be a number of 0 or more", smoothValue);
  return {
    lowercase: flag("lowercase", given.lowercase, false),
    tokenize,
    smoothMethod,
    smoothValue,
    maxNgramOrder: wholeNumber("maxNgramOrder", given.maxNgramOrder, 4, 1),
    effectiveOrder: flag("effectiveOrder", given.effectiveOrder, effectiveOrder),
  };
}

/** Keeps of each n-gram the most that one of the references has. */
function merge(most: NgramCounts, counts: NgramCounts): void {
  for (const [ngram, count] of counts) most.set(ngram, Math.max(count, most.get(ngram) ?? 0));
}

/** Of a row: both lengths, then by order how many n-grams are right, then how many are written. */
function figures({ lowercase, tokenize, maxNgramOrder }: Settings, references: readonly string[], written: string) {
  const tokensOf = (text: string) => wordTokens(bleuTokens(lowercase ? text.toLowerCase() : text, tokenize));
  const said = tokensOf(written);
  const held = references.map(tokensOf);
  const length = said.starts.length - 1;
  const away = (other: number): number => Math.abs(other - length);
  const nearest = held
    .map(({ starts }) => starts.length - 1)
    .reduce((best, other) => (away(other) < away(best) || (away(other) === away(best) && other < best) ? other : best));
  const correct: number[] = [];
  const totals: number[] = [];
  for (let order = 1; order <= maxNgramOrder; order++) {
    const most: NgramCounts = new Map();
    for (const tokens of held) merge(most, countNgrams(tokens, order));
    correct.push(sharedNgrams(countNgrams(said, order), most));
    totals.push(Math.max(0, length - order + 1));
  }
  return [length, nearest, ...correct, ...totals];
}

type BleuParts = Omit<BleuScore, "signature" | "confidence">;

function scoreOf(
  settings: Settings,
  [writtenLength = 0, referenceLength = 0, ...counts]: readonly number[],
): BleuParts {
  const { smoothMethod, smoothValue = 0, maxNgramOrder } = settings;
  const [correct, totals] = [counts.slice(0, maxNgramOrder), counts.slice(maxNgramOrder)];
  const short = writtenLength < referenceLength;
  const brevityPenalty = short && writtenLength > 0 ? Math.exp(1 - referenceLength / writtenLength) : short ? 0 : 1;
  const precisions = new Array<number>(maxNgramOrder).fill(0);
  const parts = { name: "BLEU", precisions, correct, totals, brevityPenalty, writtenLength, referenceLength } as const;
  if (correct.every((count) => count === 0)) return { ...parts, score: 0 };
  let orders = maxNgramOrder;
  let halves = 1;
  for (let i = 0; i < maxNgramOrder; i++) {
    const added = smoothMethod === "add-k" && i > 0 ? smoothValue : 0;
    const [right, all] = [correct[i]! + added, totals[i]! + added];
    if (all === 0) break;
    if (settings.effectiveOrder) orders = i + 1;
    if (right > 0) precisions[i] = (100 * right) / all;
    else if (smoothMethod === "exp") {
      halves *= 2;
      precisions[i] = 100 / (halves * all);
    } else if (smoothMethod === "floor") precisions[i] = (100 * smoothValue) / all;
  }
  // The geometric mean: 0 where one of them is 0.
  const logarithms = precisions.slice(0, orders).reduce((sum, precision) => sum + Math.log(precision), 0);
  return { ...parts, score: brevityPenalty * Math.exp(logarithms / orders) };
}

function metricOf(settings: Settings): Metric<BleuParts> {
  const { lowercase, tokenize, smoothMethod, smoothValue, effectiveOrder } = settings;
  return {
    figures: (references, written) => figures(settings, references, written),
    score: (sums) => scoreOf(settings, sums),
    signature: {
      case: lowercase ? "lc" : "mixed",
      eff: effectiveOrder ? "yes" : "no",
      tok: tokenize,
      smooth: smoothValue === undefined ? smoothMethod : `${smoothMethod}[${smoothValue.toFixed(2)}]`,
    },
  };
}

/**
 * The BLEU score of a corpus, as sacreBLEU computes it: by default that of WMT, of texts as people read them, not of tokens. Lower case is JavaScript's, which may follow another
 * version of Unicode than Python's.
 *
 * Throws `TextOptionError` where the two have not the same rows or none, a row has no reference, something is no text, or an option cannot work.
 *
 * @param references for each row its reference, or all that it has
 * @param written for each row what a model wrote
 *
 * @example
 * const { score, signature } = corpusBleu(["The dog bit the man."], ["The dog bit a man."]);
 * console.log(score.toFixed(1), signature); // 38.0 nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0
 */
export function corpusBleu(
  references: TranslationReferences,
  written: readonly string[],
  given: BleuOptions & ConfidenceOptions = {},
): BleuScore {
  refuseUnknown("corpusBleu", given, { ...options, bootstrap: true, seed: true });
  return corpusScore(metricOf(settingsOf(given, false)), references, written, given);
}

/**
 * The BLEU score of one sentence, with orders left out that it is too short for. The mean over sentences is not the score of the corpus.
 *
 * Throws as `corpusBleu`.
 *
 * @example
 * sentenceBleu(["Good day!", "Hello!"], "Hello!").score.toFixed(1); // "100.0"
 */
export function sentenceBleu(
  references: string | readonly string[],
  written: string,
  given: BleuOptions = {},
): BleuScore {
  refuseUnknown("sentenceBleu", given, options);
  return sentenceScore(metricOf(settingsOf(given, true)), references, written);
}
