/** Measures the cost of weights in fewer bits: compares the labels of test reviews in onnxruntime with those of float32. */
import { setImmediate } from "node:timers/promises";
import {
  dataPathOf,
  ifAtHand,
  type KnownMeasuring,
  type MeasuredWeights,
  type OnnxForm,
  type Output,
  shownCount,
} from "@ostinato/app";
import { textClassifier } from "@ostinato/classifier/node";
import type { LabelledTexts } from "@ostinato/datasets";
import { exportOnnx } from "@ostinato/onnx";
import type { Sentiment } from "./model.ts";
import { nounOf, readTestReviews } from "./reviews.ts";

/** The data and models to compare. */
interface Exported {
  readonly sentiment: Sentiment;
  /** With weights in fewer bits. */
  readonly bytes: Uint8Array;
  /** Texts to label if the test data is not available. */
  readonly drawn: readonly string[];
}

export async function measureWeights(
  { sentiment, bytes, drawn }: Exported,
  form: OnnxForm,
  { maxLoss, limit }: KnownMeasuring,
  output: Output,
): Promise<MeasuredWeights> {
  const float32 = exportOnnx(sentiment.trained, { ...form, weights: "float32" });
  const rows = await labelledTexts(sentiment, limit);
  const texts = rows?.texts ?? drawn;
  const noun = rows === undefined ? "texts of drawn words" : `test ${nounOf(sentiment.data)}`;
  output.say(`Measuring ${form.weights} weights on ${shownCount(texts.length)} ${noun}.`);
  const [wanted, given] = [await labelsOf(float32, texts, output), await labelsOf(bytes, texts, output)];
  const changed = given.filter((label, row) => label !== wanted[row]).length;
  const { classes } = sentiment.labelEncoder;
  const accuracy = (said: readonly (string | undefined)[], labels: Int32Array): number =>
    said.filter((label, row) => label === classes[labels[row] as number]).length / said.length;
  return {
    type: form.weights,
    float32Bytes: float32.length,
    rows: texts.length,
    changed,
    changes: `${shownCount(changed)} of ${shownCount(texts.length)} ${noun} get a different label`,
    ...(rows && {
      figure: {
        ...({ name: "accuracy", title: "accuracy", better: "higher" } as const),
        float32: accuracy(wanted, rows.labels),
        own: accuracy(given, rows.labels),
        maxLoss,
      },
    }),
  };
}

/** The labels of texts in onnxruntime. */
async function labelsOf(
  bytes: Uint8Array,
  texts: readonly string[],
  output: Output,
): Promise<readonly (string | undefined)[]> {
  await using classifier = await textClassifier(bytes);
  const progress = output.progress("measure");
  const answers = await classifier.classify(texts, {
    onStep: async ({ step, steps }) => {
      progress.update(step, steps);
      await setImmediate(); // lets Ctrl-C and the terminal have their turn
    },
  });
  progress.stop();
  return answers.map(({ label }) => label);
}

/** Test texts with their labels; undefined if the data of the training is not available. */
async function labelledTexts(
  { data: trainedOn, folder, seed, labelEncoder }: Sentiment,
  limit: number | undefined,
): Promise<LabelledTexts | undefined> {
  const data = trainedOn.kind === "imdb" ? undefined : await dataPathOf(folder);
  const asked = { ...(data === undefined ? {} : { data }), ...(limit === undefined ? {} : { limit }) };
  const read = await ifAtHand(() => readTestReviews({ ...asked, seed, trainedOn, labelEncoder, asTrained: true }));
  return read?.rows;
}
