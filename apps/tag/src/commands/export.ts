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
import { predictor, RandomStream } from "@ostinato/core";
import { exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { taggerDescription, tokenEncoder, wordDropout } from "@ostinato/tagger";
import { readTestSentences } from "../data.ts";
import { loadTagger, type TaggerModel } from "../model.ts";
import { measureWeights } from "../weight-loss.ts";

export interface ExportOptions extends OnnxForm, Measuring, ForeignOptions {
  readonly model: string;
  readonly out?: string;
}

/** What is compared of sentences of the corpus may differ by this much. */
const tolerance = 1e-5;
/** Of drawn tokens by more: a sentence that makes no sense leaves a network undecided, and rounding weighs more. */
const drawnTolerance = 1e-4;
const longestDrawn = 60;

/** Batches of other sizes than training has seen; 400 sentences in all. */
const checks = [
  { sentences: 24, batchSize: 1 },
  { sentences: 70, batchSize: 7 },
  { sentences: 99, batchSize: 33 },
  { sentences: 207, batchSize: 69 },
];
const sentenceCount = checks.reduce((sum, { sentences }) => sum + sentences, 0);

export async function exportModel(options: ExportOptions, output: Output): Promise<void> {
  const [form, measuring] = [formOf(options), measuringOf(options)];
  const model = await loadTagger(options.model, options);
  const { trained, vocabulary } = model;
  const target = await openOnnxTarget(
    exportFile(options.out, model, fileNames.onnx),
    (json) => "tags" in json && "vocabulary" in json,
  );
  const bytes = exportOnnx(trained, form);
  const what = model.data.kind === "brown" ? "test sentences" : "sentences of drawn tokens";
  output.say(`Comparing with onnxruntime on ${shownCount(sentenceCount)} ${what}.`);

  await using ours = await predictor(trained, { backend: await backends.cpu() });
  await using theirs = await onnxPredictor(bytes, { layers: [wordDropout] });
  const sentences = await checkSentences(model);
  const encode = tokenEncoder(vocabulary);
  const progress = output.progress("check");
  let largest = 0;
  let from = 0;
  for (const [index, check] of checks.entries()) {
    for (const end = from + check.sentences; from < end; from += check.batchSize) {
      const ids = encode(sentences.slice(from, from + check.batchSize));
      const { data: expected } = await ours.predict(ids, { batchSize: check.batchSize });
      const { data: actual } = await theirs.predict(ids, { batchSize: check.batchSize });
      for (const [i, figure] of actual.entries())
        largest = Math.max(largest, Math.abs(figure - (expected[i] ?? Number.NaN)));
    }
    progress.update(index + 1, checks.length);
  }
  progress.stop();
  const weights = measuring && (await measureWeights({ model, bytes, drawn: sentences }, form, measuring, output));
  await writeOnnx(
    target,
    {
      bytes: [bytes],
      description: taggerDescription(trained),
      describes: "tags and vocabulary",
      maxDifference: largest,
      tolerance: model.data.kind === "brown" ? tolerance : drawnTolerance,
      compared: `${shownCount(sentenceCount)} ${what} at batch sizes ${checks.map(({ batchSize }) => batchSize).join(", ")}`,
      event: { sentences: sentenceCount, opset: form.opset },
      weights,
    },
    output,
  );
}

/** Test sentences of the Brown corpus; for a model of other data, which need not be at hand, sentences of words from its vocabulary and of unknown ones. */
async function checkSentences(model: TaggerModel): Promise<readonly (readonly string[])[]> {
  const { data, seed, settings, vocabulary } = model;
  if (data.kind === "brown") {
    const asTrained = { tagset: data.tagset ?? ("universal" as const), test: true, asTrained: true };
    const test = await readTestSentences({ ...asTrained, limit: sentenceCount, trainedOn: data, tags: settings.tags });
    return test.map(({ tokens }) => tokens);
  }
  const random = new RandomStream(seed, "export");
  const words = ["?", ...vocabulary.values.word];
  return Array.from({ length: sentenceCount }, () =>
    Array.from({ length: 1 + random.below(longestDrawn) }, () => words[random.below(words.length)] ?? ""),
  );
}
