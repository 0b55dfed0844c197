/** `evaluate`: how good a model is on sentences that it has not seen. */
import { setImmediate } from "node:timers/promises";
import {
  confusionChart,
  confusionName,
  dataPathOf,
  type ForeignOptions,
  type Output,
  openChartFolder,
  type RuntimeName,
  shownCount,
  shownFigure,
  shownLabel,
  table,
  UsageError,
  writeChart,
} from "@ostinato/app";
import { classificationReport, confusionMatrix } from "@ostinato/core";
import { type TaggerVocabulary, tokenEncoder, unknownWordId } from "@ostinato/tagger";
import { areSpanTags, encodeLabels, type SpanReport, spanReport } from "@ostinato/text";
import { readTestSentences } from "../data.ts";
import { type Answer, confusionsOf, shownConfusions, shownMistake } from "../mistakes.ts";
import { loadTagger, openTagger, type TaggerModel } from "../model.ts";

export interface EvaluateOptions extends ForeignOptions {
  readonly model: string;
  /** The folder of the picture. */
  readonly out?: string;
  readonly backend: RuntimeName;
  readonly data?: string;
  readonly tokenColumn?: string;
  readonly tagColumn?: string;
  readonly limit?: number;
  /** Sentences with wrong tags to show. */
  readonly mistakes: number;
}

const shownPairs = 10;

export async function evaluate(options: EvaluateOptions, output: Output): Promise<void> {
  const { backend, mistakes } = options;
  const model = await loadTagger(options.model, options);
  const charts = await openChartFolder(options.out, model);
  const asTrained = options.data === undefined;
  const data = options.data ?? (model.data.kind === "brown" ? undefined : await dataPathOf(model.folder));
  const sentences = await readTestSentences({
    ...columnsOf(options),
    ...(data === undefined ? {} : { data }),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    tagset: model.data.tagset ?? "universal",
    test: true,
    trainedOn: model.data,
    tags: model.settings.tags,
    asTrained,
  });
  await using tagger = await openTagger(model, backend);
  output.say(`Testing on ${shownCount(sentences.length)} sentences with ${backend}.`);

  const progress = output.progress("test");
  const taggings = await tagger.tag(
    sentences.map(({ tokens }) => tokens),
    {
      async onStep({ step, steps }) {
        progress.update(step, steps);
        await setImmediate(); // lets Ctrl-C and the terminal have their turn
      },
    },
  );
  progress.stop();

  const answers = sentences.map(({ tokens, tags }, row) => ({ tokens, tags, said: taggings[row]?.tags ?? [] }));
  const confusion = report(answers, model, output);
  tellMistakes(answers, mistakes, output);
  if (charts === undefined) return;
  const files = await writeChart(
    charts,
    confusionName,
    confusionChart({
      title: "Tags and what the model makes of them (share of each row, in %)",
      labels: tagger.tags,
      confusion,
      said: "tag that the model gives",
      is: "right tag",
    }),
  );
  output.event({ event: "saved", files });
  output.say(`\nWrote ${files.map((file) => `\n  ${file}`).join("")}`);
}

function columnsOf({ tokenColumn, tagColumn, data }: EvaluateOptions) {
  if (data === undefined && (tokenColumn !== undefined || tagColumn !== undefined))
    throw new UsageError(
      "--token-column and --tag-column are for --data; without it the columns are those of training",
    );
  return {
    ...(tokenColumn === undefined ? {} : { tokenColumn }),
    ...(tagColumn === undefined ? {} : { tagColumn }),
  };
}

/** Tells the figures, those of each tag, and of spans those of each type; returns the confusion matrix. */
function report(
  answers: readonly Answer[],
  { settings, vocabulary }: TaggerModel,
  output: Output,
): readonly (readonly number[])[] {
  const { tags } = settings;
  // In the order of the model, which need not be that of the alphabet.
  const encoder = { classes: tags };
  const right = encodeLabels(
    encoder,
    answers.flatMap((answer) => answer.tags),
  );
  const said = encodeLabels(
    encoder,
    answers.flatMap((answer) => answer.said),
  );
  const confusion = confusionMatrix(right, said, tags.length);
  const { accuracy, classes } = classificationReport(confusion);
  const spans = spansOf(answers, tags, accuracy);
  const unknown = unknownTokens(answers, vocabulary);
  const whole = answers.filter((answer) => answer.tags.every((tag, i) => tag === answer.said[i])).length;
  const figures = {
    accuracy,
    spanF1: spans.f1,
    spanPrecision: spans.precision,
    spanRecall: spans.recall,
    sentences: answers.length,
    tokens: right.length,
    sentenceAccuracy: whole / answers.length,
    unknownTokens: unknown.count,
    unknownAccuracy: unknown.count === 0 ? null : unknown.correct / unknown.count,
  };
  output.event({ event: "test", ...figures });
  const scored = classes.map((each, id) => ({ tag: tags[id] ?? "", ...each })).filter(({ support }) => support > 0);
  output.event({ event: "tags", tags: scored });
  const types = "types" in spans ? Object.entries(spans.types).map(([type, each]) => ({ type, ...each })) : [];
  if ("types" in spans) output.event({ event: "spans", spans: types });

  const row = (
    name: string,
    each: { readonly precision: number; readonly recall: number; readonly f1: number; readonly support: number },
  ) => [shownLabel(name), ...[each.precision, each.recall, each.f1].map(shownFigure), shownCount(each.support)];
  const sections = [
    table([
      ["accuracy of tokens", shownFigure(accuracy)],
      ...("types" in spans ? [["F1 of spans", shownFigure(spans.f1)]] : []),
      ["sentences without a wrong tag", shownFigure(figures.sentenceAccuracy)],
      [
        `accuracy of the ${shownCount(unknown.count)} tokens whose word is unknown`,
        shownFigure(figures.unknownAccuracy ?? Number.NaN),
      ],
    ]),
    table([["tag", "precision", "recall", "F1", "tokens"], ...scored.map((each) => row(each.tag, each))]),
    ...("types" in spans
      ? [
          table([
            ["spans of type", "precision", "recall", "F1", "spans"],
            ...types.map((each) => row(each.type, each)),
            row("all", spans),
          ]),
        ]
      : []),
  ];
  output.say(`\n${sections.join("\n\n")}`);
  return confusion;
}

/** Of tags that mark no spans each token is one of its own: then precision, recall and F1 are the accuracy. */
function spansOf(
  answers: readonly Answer[],
  tags: readonly string[],
  accuracy: number,
): SpanReport | { readonly precision: number; readonly recall: number; readonly f1: number } {
  if (!areSpanTags(tags)) return { precision: accuracy, recall: accuracy, f1: accuracy };
  return spanReport(
    answers.map((answer) => answer.tags),
    answers.map((answer) => answer.said),
  );
}

/** Tokens whose word was not seen often enough in training to have an id. */
function unknownTokens(answers: readonly Answer[], vocabulary: TaggerVocabulary) {
  const ids = tokenEncoder(vocabulary)(answers.map(({ tokens }) => tokens)).word;
  const unknown = unknownWordId(vocabulary);
  let [count, correct] = [0, 0];
  for (const [row, { tags, said }] of answers.entries()) {
    for (const [i, id] of (ids[row] ?? []).entries()) {
      if (id !== unknown) continue;
      count += 1;
      if (tags[i] === said[i]) correct += 1;
    }
  }
  return { count, correct };
}

function tellMistakes(answers: readonly Answer[], most: number, output: Output): void {
  const confusions = confusionsOf(answers, shownPairs);
  if (confusions.length === 0) {
    output.say("\nNo tag is wrong.");
    return;
  }
  output.event({ event: "confusions", confusions });
  output.say(`\n${shownConfusions(confusions)}`);
  const wrong = answers.filter(({ tags, said }) => tags.some((tag, i) => tag !== said[i])).slice(0, most);
  for (const answer of wrong) output.event({ event: "mistake", ...answer });
  if (wrong.length > 0)
    output.say(`\nSentences with wrong tags:\n${wrong.map((each) => `  ${shownMistake(each)}`).join("\n")}`);
}
