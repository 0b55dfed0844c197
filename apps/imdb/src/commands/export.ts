/** `export`: the model as an ONNX file, which onnxruntime must agree with before it is written. */
import { join } from "node:path";
import { exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { FailureError } from "../failures.ts";
import { requireWritableFile, writeWhole } from "../files.ts";
import { shownCount } from "../format.ts";
import { fileNames, loadSentiment, openScorer, probabilitiesOf } from "../model.ts";
import type { Output } from "../output.ts";
import { encodeReviews } from "../presets.ts";
import { readTestReviews } from "../reviews.ts";

export interface ExportOptions {
  readonly model: string;
  readonly out?: string;
}

/** Probabilities may differ by this much. */
const tolerance = 1e-5;

/** Batches of other sizes and reviews of other lengths than training has seen; 1,000 reviews in all. */
const checks = [
  { reviews: 24, batchSize: 1, lengths: 1.1 },
  { reviews: 210, batchSize: 7, lengths: 0.3 },
  { reviews: 330, batchSize: 33, lengths: 0.9 },
  { reviews: 436, batchSize: 109, lengths: 1.2 },
];
const reviewCount = checks.reduce((sum, { reviews }) => sum + reviews, 0);

export async function exportModel({ model, out }: ExportOptions, output: Output): Promise<void> {
  const sentiment = await loadSentiment(model);
  const file = out ?? join(model, fileNames.onnx);
  await requireWritableFile(file, "--out");
  const { trained, preset, vocabulary, maxLength, seed } = sentiment;
  const bytes = exportOnnx(trained);
  output.say(`Comparing with onnxruntime on ${shownCount(reviewCount)} test reviews.`);

  await using ours = await openScorer(trained, "cpu");
  await using theirs = await onnxPredictor(bytes);
  const { texts } = await readTestReviews(seed, reviewCount);
  const progress = output.progress("check");
  let largest = 0;
  let from = 0;
  for (const [index, { reviews, batchSize, lengths }] of checks.entries()) {
    const words = Math.max(1, Math.round(maxLength * lengths));
    const ids = encodeReviews(preset, vocabulary, texts.slice(from, from + reviews), words);
    const expected = await probabilitiesOf(ours, ids, { batchSize });
    const actual = await probabilitiesOf(theirs, ids, { batchSize });
    for (const [row, probability] of actual.entries()) {
      largest = Math.max(largest, Math.abs(probability - (expected[row] ?? Number.NaN)));
    }
    from += reviews;
    progress.update(index + 1, checks.length);
  }
  progress.stop();

  output.event({ event: "export", file, bytes: bytes.length, reviews: reviewCount, maxDifference: largest, tolerance });
  const verdict = `max |difference| ${largest.toExponential(2)} over ${shownCount(reviewCount)} reviews at batch sizes ${checks.map((check) => check.batchSize).join(", ")}`;
  if (!(largest <= tolerance)) {
    throw new FailureError(`onnxruntime does not agree: ${verdict}, above ${tolerance}; nothing was written`);
  }
  await writeWhole(file, bytes);
  output.say(`${verdict}\nWrote ${file} (${shownCount(bytes.length)} bytes)`);
}
