/** `export`: the model as an ONNX file, which onnxruntime must agree with before it is written. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { classifierDescription, encodeForClassifier } from "@ostinato/classifier";
import { predictor, RandomStream } from "@ostinato/core";
import { writeFileAtomic } from "@ostinato/core/node";
import { exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { backends } from "../backends.ts";
import { FailureError, UsageError } from "../failures.ts";
import { requireWritableFile } from "../files.ts";
import { shownCount } from "../format.ts";
import { fileNames, loadSentiment, type Sentiment } from "../model.ts";
import type { Output } from "../output.ts";
import { readTestReviews } from "../reviews.ts";

export interface ExportOptions {
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

export async function exportModel({ model, out }: ExportOptions, output: Output): Promise<void> {
  const sentiment = await loadSentiment(model);
  const file = out ?? join(model, fileNames.onnx);
  await requireWritableFile(file, "--out");
  const description = descriptionFile(file);
  await refuseForeign(file, description);
  const { trained, vocabulary, settings } = sentiment;
  const bytes = exportOnnx(trained);
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
    const ids = encodeForClassifier({ ...settings, maxLength }, vocabulary, texts.slice(from, from + reviews));
    const { data: expected } = await ours.predict(ids, { batchSize });
    const { data: actual } = await theirs.predict(ids, { batchSize });
    for (const [row, probability] of actual.entries()) {
      largest = Math.max(largest, Math.abs(probability - (expected[row] ?? Number.NaN)));
    }
    from += reviews;
    progress.update(index + 1, checks.length);
  }
  progress.stop();

  output.event({
    event: "export",
    file,
    description,
    bytes: bytes.length,
    reviews: reviewCount,
    maxDifference: largest,
    tolerance: allowed,
  });
  const verdict = `max |difference| ${largest.toExponential(2)} over ${shownCount(reviewCount)} ${what} at batch sizes ${checks.map((check) => check.batchSize).join(", ")}`;
  if (!(largest <= allowed)) {
    throw new FailureError(`onnxruntime does not agree: ${verdict}, above ${allowed}; nothing was written`);
  }
  await writeFileAtomic(description, `${JSON.stringify(classifierDescription(trained), null, 1)}\n`);
  await writeFileAtomic(file, bytes);
  output.say(
    `${verdict}\nWrote ${file} (${shownCount(bytes.length)} bytes)\nand ${description}: labels, vocabulary and settings, for any runtime`,
  );
}

const onnxEnding = /\.onnx$/i;

/** The JSON beside an ONNX file: `model.onnx` has `model.json`. */
function descriptionFile(file: string): string {
  return `${file.replace(onnxEnding, "")}.json`;
}

/** Only earlier exports are replaced: `--out history.onnx` is no reason to lose a `history.json`, nor `--out model.safetensors` the model. */
async function refuseForeign(file: string, description: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found !== undefined && !onnxEnding.test(file))
    throw new UsageError(
      `--out: ${file} is there already, and is no ONNX file by its name; name one that ends in .onnx`,
    );
  const text = await readFile(description, "utf8").catch(() => undefined);
  if (text !== undefined && !isDescription(text))
    throw new UsageError(
      `--out: ${description}, which goes beside ${file}, is there already and describes no model; name another file with --out`,
    );
}

function isDescription(text: string): boolean {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null && "labels" in found && "vocabulary" in found;
  } catch {
    return false;
  }
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
