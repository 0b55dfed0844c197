/** `export`: the model as an ONNX file, which onnxruntime must agree with before it is written. */
import {
  backends,
  exportFile,
  type ForeignOptions,
  fileNames,
  formOf,
  type Measuring,
  measuringOf,
  type OnnxForm,
  type Output,
  openOnnxTarget,
  shownCount,
  writeOnnx,
} from "@ostinato/app";
import { classifierDescription, encodeForClassifier } from "@ostinato/classifier";
import { predictor, RandomStream } from "@ostinato/core";
import { exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { loadSentiment, type Sentiment } from "../model.ts";
import { readTestReviews } from "../reviews.ts";
import { measureWeights } from "../weight-loss.ts";

export interface ExportOptions extends OnnxForm, Measuring, ForeignOptions {
  readonly model: string;
  readonly out?: string;
}

/** Probabilities of reviews may differ by this much. */
const tolerance = 1e-5;
/** Those of drawn words may by more: a text that says all things at once leaves a network undecided, and rounding weighs more. */
const drawnTolerance = 1e-4;
const longestDrawn = 100;

/** Batches of other sizes and reviews of other lengths than training has seen; 1,000 reviews in all. */
const checks = [
  { reviews: 24, batchSize: 1, lengths: 1.1 },
  { reviews: 210, batchSize: 7, lengths: 0.3 },
  { reviews: 330, batchSize: 33, lengths: 0.9 },
  { reviews: 436, batchSize: 109, lengths: 1.2 },
];
const reviewCount = checks.reduce((sum, { reviews }) => sum + reviews, 0);

export async function exportModel(options: ExportOptions, output: Output): Promise<void> {
  const { model, out } = options;
  const [form, measuring] = [formOf(options), measuringOf(options)];
  const sentiment = await loadSentiment(model, options);
  const target = await openOnnxTarget(
    exportFile(out, sentiment, fileNames.onnx),
    (json) => "labels" in json && "vocabulary" in json,
  );
  const { trained, vocabularies, settings } = sentiment;
  const bytes = exportOnnx(trained, form);
  const what = sentiment.data.kind === "imdb" ? "test reviews" : "texts of drawn words";
  output.say(`Comparing with onnxruntime on ${shownCount(reviewCount)} ${what}.`);

  await using ours = await predictor(trained, { backend: await backends.cpu() });
  await using theirs = await onnxPredictor(bytes);
  const texts = await checkTexts(sentiment);
  const allowed = sentiment.data.kind === "imdb" ? tolerance : drawnTolerance;
  const progress = output.progress("check");
  let largest = 0;
  let from = 0;
  for (const [index, { reviews, batchSize, lengths }] of checks.entries()) {
    const maxLength = Math.max(1, Math.round(settings.maxLength * lengths));
    const ids = encodeForClassifier({ ...settings, maxLength }, vocabularies, texts.slice(from, from + reviews));
    const { data: expected } = await ours.predict(ids, { batchSize });
    const { data: actual } = await theirs.predict(ids, { batchSize });
    for (const [row, probability] of actual.entries()) {
      largest = Math.max(largest, Math.abs(probability - (expected[row] ?? Number.NaN)));
    }
    from += reviews;
    progress.update(index + 1, checks.length);
  }
  progress.stop();
  const weights = measuring && (await measureWeights({ sentiment, bytes, drawn: texts }, form, measuring, output));

  await writeOnnx(
    target,
    {
      bytes: [bytes],
      description: classifierDescription(trained),
      describes: "labels, vocabulary and settings",
      maxDifference: largest,
      tolerance: allowed,
      compared: `${shownCount(reviewCount)} ${what} at batch sizes ${checks.map((check) => check.batchSize).join(", ")}`,
      event: { reviews: reviewCount, opset: form.opset },
      weights,
    },
    output,
  );
}

/** Reviews of the test half; for a model of other data, which need not be at hand, texts of words from its vocabulary. */
async function checkTexts(sentiment: Sentiment): Promise<readonly string[]> {
  const { data, seed, labelEncoder, vocabulary, settings } = sentiment;
  if (data.kind === "imdb") {
    return (await readTestReviews({ seed, limit: reviewCount, trainedOn: data, labelEncoder })).rows.texts;
  }
  const random = new RandomStream(seed, "export");
  const draw = (below: number) => Math.floor(random.uniform() * below);
  const { words } = vocabulary;
  return Array.from({ length: reviewCount }, () =>
    Array.from(
      { length: draw(Math.min(2 * settings.maxLength, longestDrawn)) },
      () => words[draw(words.length)] ?? "",
    ).join(" "),
  );
}
