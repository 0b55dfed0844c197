/** `evaluate`: how good a model is on texts that it has not seen. */
import { setImmediate } from "node:timers/promises";
import {
  dataPathOf,
  type Output,
  openChartFolder,
  type RuntimeName,
  shownCount,
  UsageError,
  writeChart,
} from "@ostinato/app";
import type { ParallelText } from "@ostinato/datasets";
import type { Translator } from "@ostinato/translator";
import { allTexts, type DataRecord, nounOf, quoted, readTestTexts, type TestTexts } from "../data.ts";
import type { Evaluation } from "../evaluation.ts";
import { answersOf } from "../judging.ts";
import { areSentences, measureOf, scoresOf, scoringOf } from "../measures.ts";
import { loadTranslation, openTranslator } from "../model.ts";
import { tellSentences } from "../sentence-report.ts";
import { tellTokens } from "../token-report.ts";

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

export async function evaluate(options: EvaluateOptions, output: Output): Promise<void> {
  const { backend, beam, mistakes } = options;
  const model = await loadTranslation(options.model);
  const charts = await openChartFolder(options.out, model);
  const asTrained = options.data === undefined;
  const data = options.data ?? (model.data.kind === "table" ? await dataPathOf(model.folder) : undefined);
  const tested = await readTestTexts({
    data,
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    trainedOn: model.data,
    asTrained,
  });
  const { entries } = tested;
  await using translator = await openTranslator(model, backend);
  expectKnown(translator, entries, options.data, output);
  output.say(`Testing on ${shownTexts(tested, model.data)} with ${backend}, beam ${beam}.`);

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

  const { target } = model.vocabulary;
  const answers = answersOf(target, entries, translations);
  const unfinished = translations.filter(({ finished }) => !finished).length;
  const evaluation: Evaluation = { answers, model, facts: { beam, unfinished, seconds } };
  const references = entries.flatMap(({ targets }) => targets);
  const scoring = scoringOf(model.data, target, references);
  const { name, chart } =
    measureOf(model.data, target, references).name === "bleu"
      ? tellSentences(evaluation, scoring, mistakes, output)
      : tellTokens(
          evaluation,
          areSentences(model.data, target) ? scoresOf(scoring, answers) : undefined,
          mistakes,
          output,
        );
  if (charts === undefined) return;
  const files = await writeChart(charts, name, chart);
  output.event({ event: "saved", files });
  output.say(`\nWrote ${files.map((file) => `\n  ${file}`).join("")}`);
}

/** "100 of 1,014 validation texts (there are no test files; the best epoch was chosen by these texts)" */
function shownTexts(tested: TestTexts, data: DataRecord): string {
  const { entries, count, part, choseEpoch } = tested;
  const some = entries.length < count ? `${shownCount(entries.length)} of ` : "";
  const noun = count === 1 ? nounOf(tested, data).replace(/s$/, "") : nounOf(tested, data);
  const chosen = choseEpoch ? "; the best epoch was chosen by these texts" : "";
  return `${some}${shownCount(count)} ${noun}${part === "validation" ? ` (there are no test files${chosen})` : ""}`;
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
