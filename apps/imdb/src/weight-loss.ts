/** Measures the cost of weights in fewer bits: compares the labels of test reviews in onnxruntime with those of float32. */
import {
  compareWeights,
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
  measuring: KnownMeasuring,
  output: Output,
): Promise<MeasuredWeights> {
  const float32 = exportOnnx(sentiment.trained, { ...form, weights: "float32" });
  const rows = await labelledTexts(sentiment, measuring.limit);
  const texts = rows?.texts ?? drawn;
  const noun = rows === undefined ? "texts of drawn words" : `test ${nounOf(sentiment.data)}`;
  const { classes } = sentiment.labelEncoder;
  const accuracy = (said: Labels, labels: Int32Array): number =>
    said.filter((label, row) => label === classes[labels[row] as number]).length / said.length;
  return compareWeights(
    {
      ...{ float32, own: bytes, float32Bytes: float32.length, rows: texts.length, noun },
      open: (exported) => textClassifier(exported),
      async answers(classifier, onProgress) {
        const answers = await classifier.classify(texts, { onStep: ({ step, steps }) => onProgress(step, steps) });
        return answers.map(({ label }) => label);
      },
      changes(wanted, given) {
        const changed = given.filter((label, row) => label !== wanted[row]).length;
        return {
          changed,
          changes: `${shownCount(changed)} of ${shownCount(texts.length)} ${noun} get a different label`,
        };
      },
      metric: rows && {
        ...({ name: "accuracy", title: "accuracy", better: "higher" } as const),
        score: (said) => accuracy(said, rows.labels),
      },
    },
    form,
    measuring,
    output,
  );
}

type Labels = readonly (string | undefined)[];

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
