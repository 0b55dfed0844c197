/** Models opened with onnxruntime-node. */
import { OptionReader, type ReadOptions } from "@ostinato/core";
import type { ModelFile } from "../runtime/bytes.ts";
import { type OnnxPredictor, predictorOver } from "../runtime/predictor.ts";
import { type OnnxSequenceModel, type SequenceModelFiles, sequenceModelOver } from "../runtime/sequenceModel.ts";
import { type OnnxSession, sessionOver } from "../runtime/session.ts";
import { bytesOfFile } from "./bytes.ts";
import { runtimeOf } from "./runtime.ts";

/** Options of `openSession`, `onnxPredictor` and `onnxSequenceModel`. */
export interface SessionOptions {
  /** Threads that share one run. Default: onnxruntime's choice, the number of cores. */
  readonly threads?: number | undefined;
}

/**
 * Opens any ONNX model, tensors in and out by name: the bytes of an `.onnx` file, or where it is. Weights in other files are not read.
 * Models made elsewhere often have int64 ids: feed int32 tensors, which are converted. An int64 output comes back as int32.
 *
 * @throws ModelFileError for what is no model or one that onnxruntime refuses; ConfigError where onnxruntime-node is not installed
 */
export async function openSession(model: ModelFile, options: SessionOptions = {}): Promise<OnnxSession> {
  const read = new OptionReader("openSession", options, ["threads"]);
  const threads = options.threads === undefined ? undefined : read.integer("threads", 1);
  return sessionOver(await bytesOfFile(model), () => runtimeOf(threads));
}

/**
 * Opens a model that `exportOnnx` wrote, or one of another program: its bytes, or where it is. The latter is read by `importOnnx`, and run in our conventions: batch first, ids as int32. `predict` takes and checks data as the predictor of core does,
 * ragged rows included; a file with `states` takes streams, too. Layers and cells of one's own are handed in, `{ layers: [scale] }`: they tell what the model takes and gives. Needs the package
 * onnxruntime-node, but not its install script.
 *
 * @throws ModelFileError for files that are damaged, halves from `exportDecoding`, or with layers of a kind that is not known; UnsupportedOpError for models of other programs that do not become one of ours; ConfigError where onnxruntime-node is not installed
 *
 * @example
 * await using sentiment = await onnxPredictor("sentiment.onnx");
 * const probabilities = await sentiment.predict([[12, 7, 431]]);
 */
export async function onnxPredictor(
  model: ModelFile,
  { layers, ...ofSession }: SessionOptions & ReadOptions = {},
): Promise<OnnxPredictor> {
  return predictorOver(await bytesOfFile(model), (bytes) => openSession(bytes, ofSession), layers);
}

/**
 * Opens the two files that `exportDecoding` wrote: their bytes, or where they are. `generate` writes with it as with a model on a backend of Ostinato. What the encoder gave stays on the
 * host, and so do the scores of a step, of which the likeliest are chosen there. Layers and cells of one's own are handed in, `{ layers: [scale] }`. Needs the package onnxruntime-node, but
 * not its install script.
 *
 * @throws ModelFileError for files that are damaged, no two halves, of different models or in each other's place, and for layers of a kind that is not known; ConfigError where onnxruntime-node is not installed
 *
 * @example
 * await using translator = await onnxSequenceModel({ encode: "encode.onnx", decodeStep: "decodeStep.onnx" });
 * const [[best]] = await generate(translator, { source: [[4, 9, 7]] }, { start: 1, end: 2, beamSize: 5 });
 */
export async function onnxSequenceModel(
  files: SequenceModelFiles,
  { layers, ...ofSession }: SessionOptions & ReadOptions = {},
): Promise<OnnxSequenceModel> {
  return sequenceModelOver(files, (model) => openSession(model, ofSession), layers);
}
