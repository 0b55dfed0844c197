/** What translations are measured by: sentences by BLEU and chrF, all others by error rates. */
import { shownFigure } from "@ostinato/app";
import {
  type BleuScore,
  type ChrfScore,
  type ConfidenceOptions,
  corpusBleu,
  corpusChrf,
  sentenceBleu,
} from "@ostinato/text";
import type { SideVocabulary } from "@ostinato/translator";
import { type Tokenizer, tokenizerOf } from "./bleu-tokenizer.ts";
import type { DataRecord } from "./data.ts";
import { type Answer, ratesOf } from "./judging.ts";
import { makesSmall } from "./tokens.ts";

/** Whether translations are sentences: those of files in two languages, and all that are words or subwords, but for the phones of CMUdict. */
export const areSentences = ({ kind, languages }: DataRecord, target: SideVocabulary): boolean =>
  languages !== undefined || (kind !== "cmudict" && target.tokens !== "characters");

/** Display names of the error rates. */
export function errorTitlesOf({ kind }: Pick<DataRecord, "kind">) {
  return kind === "cmudict"
    ? { tokens: "phone error rate", texts: "word error rate" }
    : { tokens: "token error rate", texts: "wrong translations" };
}

/** How texts are scored, by sacreBLEU's names. */
export interface Scoring {
  readonly lowercase: boolean;
  readonly tokenize: Tokenizer;
}

/** In lower case where the model writes no other. The tokenizer is that of the training texts; where their record has none, of the references. */
export function scoringOf({ tokenizer }: DataRecord, target: SideVocabulary, references: readonly string[]): Scoring {
  return { lowercase: makesSmall(target), tokenize: tokenizer ?? tokenizerOf(references) };
}

/** Scores of translations that are sentences, by sacreBLEU's definitions. */
export interface TranslationScores {
  readonly bleu: BleuScore;
  readonly chrf: ChrfScore;
}

/** BLEU and chrF of the texts as people read them. */
export function scoresOf(
  scoring: Scoring,
  answers: readonly Answer[],
  confidence: ConfidenceOptions = {},
): TranslationScores {
  const references = answers.map(({ entry }) => entry.targets);
  const written = answers.map(({ text }) => text);
  return {
    bleu: corpusBleu(references, written, { ...scoring, ...confidence }),
    chrf: corpusChrf(references, written, { lowercase: scoring.lowercase, ...confidence }),
  };
}

/** What the best epoch is chosen by: whether the highest or the lowest, what is the whole of it, and how people read it. */
export const measures = {
  bleu: { mode: "max", whole: 100, titleOf: () => "BLEU", shown: (figure) => figure.toFixed(2) },
  phoneErrorRate: { mode: "min", whole: 1, titleOf: (record) => errorTitlesOf(record).tokens, shown: shownFigure },
} as const satisfies Record<
  string,
  {
    readonly mode: "max" | "min";
    readonly whole: number;
    titleOf(record: Pick<DataRecord, "kind">): string;
    shown(figure: number): string;
  }
>;

/** As histories call a measure. */
export type MeasureName = keyof typeof measures;
export const measureNames = Object.keys(measures) as MeasureName[];

/** The measure of a training. */
export interface Measure {
  readonly name: MeasureName;
  of(answers: readonly Answer[]): number;
  /** Of sentences: the BLEU of one by itself, of the orders that it is long enough for. */
  readonly ofOne?: (answer: Answer) => number;
}

/** As the history calls the measure of validation. */
export const validationName = (name: MeasureName): string => `val${name[0]?.toUpperCase()}${name.slice(1)}`;

/**
 * What a training is measured by: `name` if it is given, or else what suits the texts; `references` are all right answers of its validation part. Of sentences it is BLEU, from 0 to 100, unless most have fewer than the four words that it
 * looks for; else the error rate of tokens, whose name is that of CMUdict's whatever they are.
 */
export function measureOf(
  record: DataRecord,
  target: SideVocabulary,
  references: readonly string[],
  name?: MeasureName,
): Measure {
  const scoring = scoringOf(record, target, references);
  const isBleu = name === undefined ? areSentences(record, target) && areLong(references, scoring) : name === "bleu";
  if (!isBleu) return { name: "phoneErrorRate", of: (answers) => ratesOf(answers).tokenErrorRate };
  return {
    name: "bleu",
    of: (answers) => scoresOf(scoring, answers).bleu.score,
    ofOne: ({ entry, text }) => sentenceBleu(entry.targets, text, scoring).score,
  };
}

/** Whether there are at least half as many runs of four words as references. */
function areLong(references: readonly string[], scoring: Scoring): boolean {
  const [, , , runs = 0] = corpusBleu(references, references, scoring).totals;
  return runs * 2 >= references.length;
}
