/** What a model has made of texts to test it with, and what all reports tell of it. */
import { type Chart, shownCount, shownFigure, table } from "@ostinato/app";
import type { ErrorRates } from "@ostinato/text";
import type { Answer } from "./judging.ts";
import type { errorTitlesOf } from "./measures.ts";
import type { TranslationModel } from "./model.ts";

/** The translations of a test, and how they were made. */
export interface Evaluation {
  readonly answers: readonly Answer[];
  readonly model: TranslationModel;
  readonly facts: { readonly beam: number; readonly unfinished: number; readonly seconds: number };
}

/** What a report draws. */
export interface Picture {
  readonly name: string;
  readonly chart: Chart;
}

/** Both error rates, as events call them. */
export const namedRates = ({
  tokenErrorRate,
  sequenceErrorRate,
}: Pick<ErrorRates, "tokenErrorRate" | "sequenceErrorRate">) => ({
  phoneErrorRate: tokenErrorRate,
  wordErrorRate: sequenceErrorRate,
});

/** Error rates and the counts behind them, as the event of a test has them. */
export function errorsOf({ tokenErrorRate, sequenceErrorRate, sequences, wrongSequences, ...edits }: ErrorRates) {
  const rates = namedRates({ tokenErrorRate, sequenceErrorRate });
  return { ...rates, texts: sequences, wrongTexts: wrongSequences, ...edits };
}

/** Both error rates, a line each, under the names that people read. */
export function errorLines(rates: ErrorRates, titles: ReturnType<typeof errorTitlesOf>): string {
  const { tokenErrorRate, sequenceErrorRate, sequences, wrongSequences, errors, referenceTokens } = rates;
  return table([
    [
      titles.tokens,
      shownFigure(tokenErrorRate),
      `${shownCount(errors)} errors in ${shownCount(referenceTokens)} tokens`,
    ],
    [titles.texts, shownFigure(sequenceErrorRate), `${shownCount(wrongSequences)} of ${shownCount(sequences)} texts`],
  ]);
}

/** "4 to 6", or one number. */
export const shownRange = ({ from, to }: { readonly from: number; readonly to: number }): string =>
  from === to ? `${from}` : `${from} to ${to}`;
