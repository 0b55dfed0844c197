/** `evaluate`: how good a model is on texts that it has not seen. */
import { setImmediate } from "node:timers/promises";
import {
  confusionName,
  dataPathOf,
  excerpt,
  heatMap,
  type Output,
  openChartFolder,
  type RuntimeName,
  shownCount,
  shownFigure,
  shownLabel,
  shownPercent,
  table,
  UsageError,
  writeChart,
} from "@ostinato/app";
import type { ParallelText } from "@ostinato/datasets";
import { type ErrorRates, formatTranslationScore } from "@ostinato/text";
import type { SideVocabulary, Translator } from "@ostinato/translator";
import { allTexts, quoted, readTestTexts } from "../data.ts";
import {
  type Answer,
  answersOf,
  byLength,
  type Confusion,
  confusionsOf,
  isRight,
  nearestOf,
  ratesOf,
  shownTokens,
} from "../judging.ts";
import { areSentences, scoresOf, type TranslationScores } from "../measures.ts";
import { loadTranslation, openTranslator } from "../model.ts";

export interface EvaluateOptions {
  readonly model: string;
  /** The folder of the picture. */
  readonly out?: string;
  readonly backend: RuntimeName;
  readonly data?: string;
  readonly beam: number;
  readonly limit?: number;
  /** Wrong translations to show. */
  readonly mistakes: number;
}

/** What stands for no token among those that are confused. */
const nothing = "–";
const shownPairs = 12;
const shownText = 40;
const shownWidth = 80;

export async function evaluate(options: EvaluateOptions, output: Output): Promise<void> {
  const { backend, beam, mistakes } = options;
  const model = await loadTranslation(options.model);
  const charts = await openChartFolder(options.out, model);
  const asTrained = options.data === undefined;
  const data = options.data ?? (model.data.kind === "table" ? await dataPathOf(model.folder) : undefined);
  const entries = await readTestTexts({
    data,
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    trainedOn: model.data,
    asTrained,
  });
  await using translator = await openTranslator(model, backend);
  expectKnown(translator, entries, options.data, output);
  output.say(`Testing on ${shownCount(entries.length)} texts with ${backend}, beam ${beam}.`);

  const progress = output.progress("test");
  const begin = performance.now();
  const translations = await translator.translate(
    entries.map(({ source }) => source),
    {
      ...allTexts,
      beamSize: beam,
      async onProgress({ done, count }) {
        progress.update(done, count);
        await setImmediate(); // lets Ctrl-C and the terminal have their turn
      },
    },
  );
  progress.stop();
  const seconds = (performance.now() - begin) / 1000;

  const { source, target } = model.vocabulary;
  const answers = answersOf(target, entries, translations);
  const unfinished = translations.filter(({ finished }) => !finished).length;
  const scores = areSentences(model.data, target) ? scoresOf(target, answers) : undefined;
  report(answers, source, scores, { beam, unfinished, seconds }, output);
  const pairs = confusionsOf(answers);
  tellMistakes(target, answers, pairs, mistakes, output);
  if (charts === undefined) return;
  const files = await writeChart(charts, confusionName, chartOf(pairs));
  output.event({ event: "saved", files });
  output.say(`\nWrote ${files.map((file) => `\n  ${file}`).join("")}`);
}

/** Throws `UsageError` for data of which the model can read no text as it is; where it is some, they are told. */
function expectKnown(
  translator: Translator,
  entries: readonly ParallelText[],
  data: string | undefined,
  output: Output,
): void {
  const problems = entries.flatMap(({ source }) => {
    const problem = translator.problemOf(source);
    return problem === undefined ? [] : [`${quoted(source)}: ${problem}`];
  });
  const [first] = problems;
  if (first === undefined) return;
  const unread = entries.find(({ source }) => translator.problemOf(source, allTexts) !== undefined);
  if (unread !== undefined)
    throw new UsageError(`${quoted(unread.source)} cannot be read: ${translator.problemOf(unread.source, allTexts)}`);
  if (data !== undefined && problems.length === entries.length)
    throw new UsageError(`--data ${data}: none of its texts fits the model; the first, ${first}`);
  output.warn(
    `${shownCount(problems.length)} of ${shownCount(entries.length)} texts do not fit the model, such as ${first}; they count as they are translated`,
  );
}

/** Token error rate and sequence error rate, as events call them. */
const named = ({ tokenErrorRate, sequenceErrorRate }: ErrorRates) => ({
  phoneErrorRate: tokenErrorRate,
  wordErrorRate: sequenceErrorRate,
});

/** Tells the figures of all texts, and of those of like length. */
function report(
  answers: readonly Answer[],
  source: SideVocabulary,
  scores: TranslationScores | undefined,
  facts: { readonly beam: number; readonly unfinished: number; readonly seconds: number },
  output: Output,
): void {
  const rates = ratesOf(answers);
  const { tokenErrorRate, sequenceErrorRate, sequences, wrongSequences, ...edits } = rates;
  const scored = scores && { bleu: scores.bleu.score, chrf: scores.chrf.score };
  output.event({
    event: "test",
    ...named(rates),
    ...scored,
    texts: sequences,
    wrongTexts: wrongSequences,
    ...edits,
    ...facts,
  });
  const groups = byLength(source, answers);
  output.event({
    event: "lengths",
    lengths: groups.map((group) => ({ from: group.from, to: group.to, texts: group.sequences, ...named(group) })),
  });
  output.say(
    `\n${table([
      [
        "phone error rate",
        shownFigure(tokenErrorRate),
        `${shownCount(edits.errors)} errors in ${shownCount(edits.referenceTokens)} tokens`,
      ],
      [
        "word error rate",
        shownFigure(sequenceErrorRate),
        `${shownCount(wrongSequences)} of ${shownCount(sequences)} texts`,
      ],
    ])}${lines(scores)}\n\n${table([
      [source.tokens, "texts", "phone error rate", "word error rate"],
      ...groups.map((group) => [
        group.from === group.to ? `${group.from}` : `${group.from} to ${group.to}`,
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
