/** `evaluate`: how good a model is on texts that it has not seen. */
import { setImmediate } from "node:timers/promises";
import {
  dataPathOf,
  excerpt,
  type ForeignOptions,
  type Output,
  openChartFolder,
  type RuntimeName,
  shownCount,
  shownFigure,
  table,
  writeChart,
} from "@ostinato/app";
import { classificationReport, confusionMatrix, logLoss, rocAuc, rocCurve } from "@ostinato/core";
import { encodeLabels } from "@ostinato/text";
import { loadSentiment, openClassifier, shownReading } from "../model.ts";
import { type DataOptions, nounOf, readTestReviews } from "../reviews.ts";
import { rocChart, rocName } from "../roc.ts";
import { tellForm } from "../table-form.ts";

export interface EvaluateOptions extends DataOptions, ForeignOptions {
  readonly model: string;
  /** The folder of the curve. */
  readonly out?: string;
  readonly backend: RuntimeName;
  readonly limit?: number;
}

const longestLabel = 16;

export async function evaluate(options: EvaluateOptions, output: Output): Promise<void> {
  const { model, vocabulary, externalData, out, backend, limit, ...given } = options;
  const sentiment = await loadSentiment(model, { vocabulary, externalData });
  const { seed, labelEncoder, data, folder } = sentiment;
  const noun = given.data === undefined ? nounOf(data) : "texts";
  const charts = await openChartFolder(out, sentiment);
  const path = given.data ?? (data.kind === "imdb" ? undefined : await dataPathOf(folder));
  const { rows, form } = await readTestReviews({
    ...given,
    ...(path === undefined ? {} : { data: path }),
    ...(limit === undefined ? {} : { limit }),
    asTrained: given.data === undefined,
    seed,
    trainedOn: data,
    labelEncoder,
  });
  const { texts, labels } = rows;
  tellForm(form, path, output);
  await using classifier = await openClassifier(sentiment, backend);
  if (!sentiment.own) output.say(shownReading(sentiment.settings));
  output.say(`Testing on ${shownCount(texts.length)} ${noun} with ${backend}.`);

  const progress = output.progress("test");
  const answers = await classifier.classify(texts, {
    onStep: async ({ step, steps }) => {
      progress.update(step, steps);
      await setImmediate(); // lets Ctrl-C and the terminal have their turn
    },
  });
  progress.stop();

  const { classes } = labelEncoder;
  const said = encodeLabels(
    labelEncoder,
    answers.map(({ label }) => label),
  );
  if (classes.length > 2) {
    const loss = crossentropy(Array.from(labels, (label, row) => answers[row]?.probabilities[classes[label] ?? ""]));
    report({ classes, labels, said, loss, noun }, output);
    return;
  }
  const probabilities = Float32Array.from(answers, (answer) => answer.probabilities[classes[1] ?? ""] ?? Number.NaN);
  const auc = rocAuc(labels, probabilities);
  report({ classes, labels, said, loss: logLoss(labels, probabilities), noun, auc }, output);
  if (Number.isNaN(auc)) {
    output.note(`All of these ${noun} are of one class: there is no ROC curve to draw.`);
    return;
  }
  if (charts === undefined) return;
  const files = await writeChart(charts, rocName, rocChart(rocCurve(labels, probabilities), auc));
  output.event({ event: "saved", files });
  output.say(`\nWrote ${files.map((file) => `\n  ${file}`).join("")}`);
}

interface Figures {
  readonly classes: readonly string[];
  readonly labels: Int32Array;
  /** The labels that the model gives. */
  readonly said: Int32Array;
  readonly loss: number;
  readonly noun: string;
  /** Of two classes. */
  readonly auc?: number;
}

/** Tells the figures, the confusion matrix and the scores of each class; of two classes with `auc`, of more with macro averages. */
function report({ classes, labels, said, loss, noun, auc }: Figures, output: Output): void {
  const confusion = confusionMatrix(labels, said, classes.length);
  const { accuracy, classes: scores } = classificationReport(confusion);
  const named = scores.map((each, id) => ({ label: classes[id] ?? "", ...each }));
  const mean = (figure: "precision" | "recall" | "f1") =>
    scores.reduce((sum, each) => sum + each[figure], 0) / scores.length;
  const macro = { precision: mean("precision"), recall: mean("recall"), f1: mean("f1") };
  const binary = auc !== undefined;
  output.event({ event: "test", loss, accuracy, ...(binary ? { auc } : { macro }), confusion });
  output.event({ event: "classes", classes: named });

  const short = (label: string) => excerpt(label, longestLabel);
  const row = (label: string, { precision, recall, f1 }: typeof macro, support: number) => [
    label,
    ...[precision, recall, f1].map(shownFigure),
    shownCount(support),
  ];
  const figures = binary ? [["ROC AUC", shownFigure(auc)]] : [["macro F1", shownFigure(macro.f1)]];
  const sections = [
    table([["loss", shownFigure(loss)], ["accuracy", shownFigure(accuracy)], ...figures]),
    table([
      ["", ...named.map(({ label }) => `called ${short(label)}`)],
      ...named.map(({ label }, id) => [short(label), ...(confusion[id] ?? []).map(shownCount)]),
    ]),
    table([
      ["class", "precision", "recall", "F1", noun],
      ...named.map((each) => row(short(each.label), each, each.support)),
      ...(binary ? [] : [row("macro average", macro, labels.length)]),
    ]),
  ];
  output.say(`\n${sections.join("\n\n")}`);
}

/** The mean of -log of the probabilities of each row's own class; as in Keras, none is below 1e-7. */
function crossentropy(probabilities: readonly (number | undefined)[]): number {
  const losses = probabilities.reduce<number>((sum, own = Number.NaN) => sum - Math.log(Math.max(own, 1e-7)), 0);
  return losses / probabilities.length;
}
