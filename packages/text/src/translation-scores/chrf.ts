/** chrF, the F-score of n-grams of characters (Popović 2015), and chrF++, with words (Popović 2017), as sacreBLEU defines them. */
import { refuseUnknown, TextOptionError } from "../errors.ts";
import type { ConfidenceOptions } from "./confidence.ts";
import { characterTokens, countNgrams, type NgramCounts, sharedNgrams, wordTokens } from "./ngrams.ts";
import { pythonWords } from "./python-words.ts";
import {
  corpusScore,
  flag,
  type Metric,
  sentenceScore,
  type TranslationReferences,
  type TranslationScore,
  wholeNumber,
} from "./score.ts";

/** Options of chrF, by sacreBLEU's names. */
export interface ChrfOptions {
  /** The longest n-grams of characters that count. Default 6. */
  readonly charOrder?: number;
  /** The longest n-grams of words that count, punctuation as words of their own. Default 0; 2 makes it chrF++. */
  readonly wordOrder?: number;
  /** How many times as much recall counts as precision: a whole number from 1 on. Default 2. */
  readonly beta?: number;
  /** Puts all texts into lower case first. Default false. */
  readonly lowercase?: boolean;
  /** White space counts as characters. Default false. */
  readonly whitespace?: boolean;
  /** The mean of the F-scores of all orders, as in the author's chrF++.py, NLTK and Moses, and not that of the orders that both texts have. Default false. */
  readonly epsSmoothing?: boolean;
}

/** A chrF score; its name is `chrF2` for a `beta` of 2, with a plus for each order of words. */
export interface ChrfScore extends TranslationScore {}

type Settings = Required<ChrfOptions>;

const options: Record<keyof ChrfOptions, true> = {
  charOrder: true,
  wordOrder: true,
  beta: true,
  lowercase: true,
  whitespace: true,
  epsSmoothing: true,
};

function settingsOf(given: ChrfOptions): Settings {
  const settings = {
    charOrder: wholeNumber("charOrder", given.charOrder, 6, 0),
    wordOrder: wholeNumber("wordOrder", given.wordOrder, 0, 0),
    beta: wholeNumber("beta", given.beta, 2, 1),
    lowercase: flag("lowercase", given.lowercase, false),
    whitespace: flag("whitespace", given.whitespace, false),
    epsSmoothing: flag("epsSmoothing", given.epsSmoothing, false),
  };
  if (settings.charOrder + settings.wordOrder === 0)
    throw new TextOptionError("charOrder", "be 1 or more where wordOrder is 0", 0);
  return settings;
}

/** ASCII's. */
const isPunctuation = (character: string): boolean => /^[!-/:-@[-`{-~]$/.test(character);

/** Words, of which one mark of punctuation at the end, or else at the beginning, is a word of its own. */
function wordsAndMarks(text: string): string[] {
  return pythonWords(text).flatMap((word) => {
    const [first, last] = [word.charAt(0), word.charAt(word.length - 1)];
    if (word.length === 1) return [word];
    if (isPunctuation(last)) return [word.slice(0, -1), last];
    return isPunctuation(first) ? [first, word.slice(1)] : [word];
  });
}

/** How often n-grams stand in a text: of characters by their order, then of words. */
function ngramsOf({ charOrder, wordOrder, lowercase, whitespace }: Settings, text: string): NgramCounts[] {
  const cased = lowercase ? text.toLowerCase() : text;
  const characters = characterTokens(cased, whitespace);
  const words = wordTokens(wordOrder > 0 ? wordsAndMarks(cased) : []);
  return [
    ...Array.from({ length: charOrder }, (_, i) => countNgrams(characters, i + 1)),
    ...Array.from({ length: wordOrder }, (_, i) => countNgrams(words, i + 1)),
  ];
}

const countOf = (counts: NgramCounts): number => {
  let all = 0;
  for (const count of counts.values()) all += count;
  return all;
};

/** Of a row, for each order: n-grams written, those of the reference, those in both. The reference is that of the best score, of equals the first. */
function figures(settings: Settings, references: readonly string[], written: string): readonly number[] {
  const said = ngramsOf(settings, written);
  let best: { readonly figures: readonly number[]; readonly score: number } | undefined;
  for (const reference of references) {
    const own = ngramsOf(settings, reference).flatMap((held, i) => {
      const wrote = said[i]!;
      // What is written does not count where the reference is too short for the order.
      return [held.size === 0 ? 0 : countOf(wrote), countOf(held), sharedNgrams(wrote, held)];
    });
    const score = scoreOf(settings, own);
    if (best === undefined || score > best.score) best = { figures: own, score };
  }
  return best!.figures;
}

function scoreOf({ beta, epsSmoothing }: Settings, figures: readonly number[]): number {
  const little = 1e-16;
  const weight = beta ** 2;
  const f = (precision: number, recall: number): number =>
    ((1 + weight) * precision * recall) / (weight * precision + recall);
  let [fs, precisions, recalls, orders] = [0, 0, 0, 0];
  for (let i = 0; i < figures.length; i += 3) {
    const [written, held, shared] = [figures[i]!, figures[i + 1]!, figures[i + 2]!];
    const precision = written > 0 ? shared / written : little;
    const recall = held > 0 ? shared / held : little;
    fs += precision + recall > 0 ? f(precision, recall) : little;
    if (written === 0 || held === 0) continue;
    precisions += precision;
    recalls += recall;
    orders += 1;
  }
  if (epsSmoothing) return (100 * fs) / (figures.length / 3);
  return precisions + recalls > 0 ? 100 * f(precisions / orders, recalls / orders) : 0;
}

function metricOf(settings: Settings): Metric<{ readonly name: string }> {
  const { charOrder, wordOrder, beta, lowercase, whitespace, epsSmoothing } = settings;
  const name = `chrF${beta}${"+".repeat(wordOrder)}`;
  return {
    figures: (references, written) => figures(settings, references, written),
    score: (sums) => ({ name, score: scoreOf(settings, sums) }),
    signature: {
      case: lowercase ? "lc" : "mixed",
      eff: epsSmoothing ? "no" : "yes",
      nc: charOrder,
      nw: wordOrder,
      space: whitespace ? "yes" : "no",
    },
  };
}

/**
 * The chrF score of a corpus, as sacreBLEU computes it; with `wordOrder: 2` chrF++. It asks for no tokenizer, and so suits any language.
 *
 * Throws `TextOptionError` where the two have not the same rows or none, a row has no reference, something is no text, or an option cannot work.
 *
 * @param references for each row its reference, or all that it has
 * @param written for each row what a model wrote
 *
 * @example
 * const { name, score } = corpusChrf(["The dog bit the man."], ["The dog bit a man."], { wordOrder: 2 });
 * console.log(name, score.toFixed(1)); // chrF2++ 63.1
 */
export function corpusChrf(
  references: TranslationReferences,
  written: readonly string[],
  given: ChrfOptions & ConfidenceOptions = {},
): ChrfScore {
  refuseUnknown("corpusChrf", given, { ...options, bootstrap: true, seed: true });
  return corpusScore(metricOf(settingsOf(given)), references, written, given);
}

/**
 * The chrF score of one sentence.
 *
 * Throws as `corpusChrf`.
 *
 * @example
 * sentenceChrf(["Good day!", "Hello!"], "Hello!").score.toFixed(1); // "100.0"
 */
export function sentenceChrf(
  references: string | readonly string[],
  written: string,
  given: ChrfOptions = {},
): ChrfScore {
  refuseUnknown("sentenceChrf", given, options);
  return sentenceScore(metricOf(settingsOf(given)), references, written);
}
