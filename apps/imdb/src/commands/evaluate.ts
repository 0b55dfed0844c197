/** `evaluate`: how good a model is on the test half. */
import { setImmediate } from "node:timers/promises";
import { classificationReport, confusionMatrix, logLoss, rocAuc, rocCurve } from "@ostinato/core";
import type { RuntimeName } from "../backends.ts";
import { writeChart } from "../charts/draw.ts";
import { rocChart } from "../charts/roc.ts";
import { requireWritableFolder } from "../files.ts";
import { shownCount, shownFigure, table } from "../format.ts";
import { labelsOf, loadSentiment, openScorer, probabilitiesOf } from "../model.ts";
import type { Output } from "../output.ts";
import { encodeReviews } from "../presets.ts";
import { readTestReviews } from "../reviews.ts";

export interface EvaluateOptions {
  readonly model: string;
  readonly backend: RuntimeName;
  readonly limit?: number;
}

export async function evaluate({ model, backend, limit }: EvaluateOptions, output: Output): Promise<void> {
  const { trained, vocabulary, preset, maxLength, seed, labelEncoder } = await loadSentiment(model);
  await requireWritableFolder(model, "--model");
  await using scorer = await openScorer(trained, backend);
  const { texts, labels } = await readTestReviews(seed, limit);
  output.say(`Testing on ${shownCount(texts.length)} reviews with ${backend}.`);

  const progress = output.progress("test");
  const probabilities = await probabilitiesOf(scorer, encodeReviews(preset, vocabulary, texts, maxLength), {
    onStep: async ({ step, steps }) => {
      progress.update(step, steps);
      await setImmediate(); // lets Ctrl-C and the terminal have their turn
    },
  });
  progress.stop();

  const loss = logLoss(labels, probabilities);
  const auc = rocAuc(labels, probabilities);
  const confusion = confusionMatrix(labels, labelsOf(probabilities), 2);
  const { accuracy, classes } = classificationReport(confusion);
  const named = classes.map((scores, id) => ({ label: labelEncoder.classes[id] ?? "", ...scores }));
  output.event({ event: "test", loss, accuracy, auc, confusion });
  output.event({ event: "classes", classes: named });
  output.say(
    [
      "",
      table([
        ["loss", shownFigure(loss)],
        ["accuracy", shownFigure(accuracy)],
        ["ROC AUC", shownFigure(auc)],
      ]),
      "",
      table([
        ["", ...named.map(({ label }) => `called ${label}`)],
        ...named.map(({ label }, id) => [label, ...(confusion[id] ?? []).map(shownCount)]),
      ]),
      "",
      table([
        ["class", "precision", "recall", "F1", "reviews"],
        ...named.map(({ label, precision, recall, f1, support }) => [
          label,
          ...[precision, recall, f1].map(shownFigure),
          shownCount(support),
        ]),
      ]),
    ].join("\n"),
  );

  if (Number.isNaN(auc)) {
    output.note("All of these reviews are of one class: there is no ROC curve to draw.");
    return;
  }
  const files = await writeChart(model, "roc", rocChart(rocCurve(labels, probabilities), auc));
  output.event({ event: "saved", files });
  output.say(`\nWrote ${files.map((file) => `\n  ${file}`).join("")}`);
}
