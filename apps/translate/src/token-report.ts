/** What `evaluate` tells of words and other short texts: error rates, what is written for what, and wrong translations. */
import {
  confusionName,
  excerpt,
  heatMap,
  type Output,
  shownCount,
  shownFigure,
  shownLabel,
  shownPercent,
  table,
} from "@ostinato/app";
import { formatTranslationScore } from "@ostinato/text";
import type { SideVocabulary } from "@ostinato/translator";
import { type Evaluation, errorLines, errorsOf, namedRates, type Picture, shownRange } from "./evaluation.ts";
import {
  type Answer,
  byLength,
  type Confusion,
  confusionsOf,
  isRight,
  nearestOf,
  ratesOf,
  shownTokens,
} from "./judging.ts";
import { errorTitlesOf, type TranslationScores } from "./measures.ts";

/** What stands for no token among those that are confused. */
const nothing = "–";
const shownPairs = 12;
const shownText = 40;
const shownWidth = 80;

/** Tells all of it; `scores` are told beside, where translations are sentences too short to be measured by them. */
export function tellTokens(
  evaluation: Evaluation,
  scores: TranslationScores | undefined,
  most: number,
  output: Output,
): Picture {
  const { answers, model } = evaluation;
  report(evaluation, scores, output);
  const pairs = confusionsOf(answers);
  tellMistakes(model.vocabulary.target, answers, pairs, most, output);
  return { name: confusionName, chart: chartOf(pairs) };
}

/** Tells the figures of all texts, and of those of like length. */
function report({ answers, model, facts }: Evaluation, scores: TranslationScores | undefined, output: Output): void {
  const { source } = model.vocabulary;
  const titles = errorTitlesOf(model.data);
  const rates = ratesOf(answers);
  const scored = scores && { bleu: scores.bleu.score, chrf: scores.chrf.score };
  output.event({ event: "test", ...errorsOf(rates), ...scored, ...facts });
  const groups = byLength(source, answers);
  output.event({
    event: "lengths",
    lengths: groups.map((group) => ({ from: group.from, to: group.to, texts: group.sequences, ...namedRates(group) })),
  });
  output.say(
    `\n${errorLines(rates, titles)}${lines(scores)}\n\n${table([
      [source.tokens, "texts", titles.tokens, titles.texts],
      ...groups.map((group) => [
        shownRange(group),
        shownCount(group.sequences),
        shownFigure(group.tokenErrorRate),
        shownFigure(group.sequenceErrorRate),
      ]),
    ])}`,
  );
}

/** BLEU and chrF as sacreBLEU prints them, each with its signature. */
const lines = (scores: TranslationScores | undefined): string =>
  scores === undefined ? "" : `\n${formatTranslationScore(scores.bleu)}\n${formatTranslationScore(scores.chrf)}`;

const shownToken = (token: string): string => (token === "" ? nothing : shownLabel(token));

function tellMistakes(
  target: SideVocabulary,
  answers: readonly Answer[],
  pairs: readonly Confusion[],
  most: number,
  output: Output,
): void {
  const wrong = answers.filter((answer) => !isRight(answer));
  if (wrong.length === 0) {
    output.say("\nNo translation is wrong.");
    return;
  }
  const confused = pairs.filter(({ is, said }) => is !== said).slice(0, shownPairs);
  output.event({ event: "confusions", confusions: confused });
  output.say(
    `\n${table([
      ["most confused", "written for it", "tokens", "of the token", "such as"],
      ...confused.map(({ is, said, count, share, texts }) => [
        shownToken(is),
        shownToken(said),
        shownCount(count),
        shownPercent(share),
        texts.map(shownLabel).join(", "),
      ]),
    ])}\n(${nothing}: nothing stands there)`,
  );
  const shown = wrong.slice(0, most);
  for (const { entry, tokens } of shown)
    output.event({ event: "mistake", text: entry.source, translation: tokens, references: entry.targets });
  if (shown.length > 0)
    output.say(
      `\nWrong translations, and the nearest right ones:\n${shown.map((answer) => shownMistake(target, answer)).join("\n")}`,
    );
}

/** "  cat → K AA T   (K AE T)". */
function shownMistake(target: SideVocabulary, answer: Answer): string {
  const written = excerpt(shownTokens(target, answer.tokens), shownWidth) || nothing;
  const right = excerpt(shownTokens(target, Array.from(nearestOf(answer).reference)), shownWidth);
  return `  ${excerpt(answer.entry.source, shownText)} → ${written}   (${right})`;
}

const mostLabels = 20;

/** What is written for the most frequent tokens, as far as it is one of them. */
function chartOf(pairs: readonly Confusion[]) {
  const support = new Map<string, number>();
  for (const { is, count } of pairs) support.set(is, (support.get(is) ?? 0) + count);
  const frequent = [...support].sort(([, a], [, b]) => b - a).slice(0, mostLabels);
  const labels = frequent.map(([label]) => label);
  const places = new Map(labels.map((label, i) => [label, i]));
  const shares = labels.map(() => labels.map(() => 0));
  for (const { is, said, share } of pairs) {
    const [row, column] = [places.get(is), places.get(said)];
    if (row !== undefined && column !== undefined) (shares[row] as number[])[column] = share;
  }
  const names = labels.map((label) => label || nothing);
  return heatMap({
    title: "Tokens and what the model writes for them (share of each row, in %)",
    rows: names,
    rowLabel: `right token (${nothing}: none)`,
    columns: names,
    columnLabel: `token that the model writes (${nothing}: none)`,
    shares,
  });
}
