/** What `evaluate` tells of sentences: BLEU and chrF, both by length, words that are missed or added, and the worst translations. */
import { barChart, excerpt, type Output, shownCount, shownLabel, table } from "@ostinato/app";
import { formatTranslationScore } from "@ostinato/text";
import { type Evaluation, errorLines, errorsOf, type Picture, shownRange } from "./evaluation.ts";
import { isRight, ratesOf } from "./judging.ts";
import { errorTitlesOf, type Scoring, scoresOf } from "./measures.ts";
import {
  type JudgedSentence,
  judgedSentences,
  type LengthScores,
  lowercaseBleu,
  scoresByLength,
  type WordCount,
  type WordDifferences,
  wordDifferences,
} from "./sentences.ts";

/** Corpora that are drawn for the confidence of scores: as many as is usual. */
const bootstrap = 1000;
const shownWords = 12;
const shownSentence = 200;

/** What the picture's files are called. */
export const bleuByLengthName = "bleuByLength";

/** Tells all of it, and up to `most` of the worst translations. */
export function tellSentences(evaluation: Evaluation, scoring: Scoring, most: number, output: Output): Picture {
  const { answers } = evaluation;
  tellScores(evaluation, scoring, output);
  const groups = scoresByLength(answers, scoring);
  tellLengths(groups, output);
  const judged = judgedSentences(answers, scoring);
  tellWords(wordDifferences(judged, scoring), output);
  tellWorst(judged, most, output);
  return {
    name: bleuByLengthName,
    chart: barChart({
      title: "BLEU of sentences by their length (how many there are)",
      groupLabel: "words of the source",
      label: "BLEU",
      bars: groups.map((group) => ({
        group: shownRange(group),
        figure: group.bleu.score,
        shown: `${group.bleu.score.toFixed(1)} (${shownCount(group.texts)})`,
      })),
    }),
  };
}

function tellScores({ answers, model, facts }: Evaluation, scoring: Scoring, output: Output): void {
  const { bleu, chrf } = scoresOf(scoring, answers, { bootstrap });
  const bleuLowercase = lowercaseBleu(answers, scoring);
  const rates = ratesOf(answers);
  output.event({
    event: "test",
    bleu: bleu.score,
    chrf: chrf.score,
    ...(bleuLowercase && { bleuLowercase: bleuLowercase.score }),
    bleuMargin: bleu.confidence?.margin,
    chrfMargin: chrf.confidence?.margin,
    signatures: { bleu: bleu.signature, chrf: chrf.signature },
    ...errorsOf(rates),
    ...facts,
  });
  const scores = [bleu, ...(bleuLowercase ? [bleuLowercase] : []), chrf];
  output.say(
    `\n${scores.map((score) => formatTranslationScore(score)).join("\n")}\n\n${errorLines(rates, errorTitlesOf(model.data))}`,
  );
}

function tellLengths(groups: readonly LengthScores[], output: Output): void {
  output.event({
    event: "lengths",
    lengths: groups.map(({ bleu, chrf, ...group }) => ({ ...group, bleu: bleu.score, chrf: chrf.score })),
  });
  output.say(
    `\n${table([
      ["words", "texts", "BLEU", "chrF", "length / reference"],
      ...groups.map((group) => [
        shownRange(group),
        shownCount(group.texts),
        group.bleu.score.toFixed(2),
        group.chrf.score.toFixed(2),
        group.lengthRatio.toFixed(3),
      ]),
    ])}`,
  );
}

function tellWords(differences: WordDifferences, output: Output): void {
  const [missing, added] = [differences.missing.slice(0, shownWords), differences.added.slice(0, shownWords)];
  output.event({ event: "words", missing, added });
  const cells = (counted: WordCount | undefined): string[] =>
    counted === undefined
      ? ["", ""]
      : [shownLabel(counted.word), `${shownCount(counted.count)} of ${shownCount(counted.of)}`];
  const rows = Array.from({ length: Math.max(missing.length, added.length) }, (_, i) => [
    ...cells(missing[i]),
    ...cells(added[i]),
  ]);
  if (rows.length === 0) return;
  output.say(`\n${table([["missing words", "in references", "added words", "in translations"], ...rows])}`);
}

function tellWorst(judged: readonly JudgedSentence[], most: number, output: Output): void {
  const wrong = judged.filter(({ answer }) => !isRight(answer)).sort((a, b) => a.chrf - b.chrf);
  if (wrong.length === 0) output.say("\nNo translation is wrong.");
  const shown = wrong.slice(0, most);
  for (const { answer, bleu, chrf } of shown)
    output.event({
      event: "mistake",
      text: answer.entry.source,
      translation: answer.text,
      references: answer.entry.targets,
      bleu,
      chrf,
    });
  const line = (text: string): string => excerpt(text, shownSentence);
  if (shown.length > 0)
    output.say(
      `\nThe worst translations by chrF, and in brackets their references:\n${shown
        .map(
          ({ answer, reference, chrf }) =>
            `${chrf.toFixed(1).padStart(7)}  ${line(answer.entry.source)}\n      →  ${line(answer.text)}\n         (${line(reference)})`,
        )
        .join("\n")}`,
    );
}
