/** Opens models with onnxruntime-node. */
import { OptionReader, type ReadOptions } from "@ostinato/core";
import type { ModelFile } from "../runtime/bytes.ts";
import { type OnnxPredictor, predictorOver } from "../runtime/predictor.ts";
import { type OnnxSequenceModel, type SequenceModelFiles, sequenceModelOver } from "../runtime/sequenceModel.ts";
import { type OnnxSession, sessionOver } from "../runtime/session.ts";
import { bytesOfFile } from "./bytes.ts";
import { runtimeOf } from "./runtime.ts";

/** Options of `openSession`, `onnxPredictor` and `onnxSequenceModel`. */
export interface SessionOptions {
  /** The number of threads per run. Default: chosen by onnxruntime, the number of cores. */
  readonly threads?: number | undefined;
}

/**
 * Opens any ONNX model, given as the bytes or the path of an `.onnx` file. Tensors are passed and returned by name. External data is not read.
 * int64 inputs accept int32 tensors, and int64 outputs are returned as int32.
 *
 * @throws ModelFileError for files that are not models, and for models that onnxruntime rejects; ConfigError if onnxruntime-node is not installed
 */
export async function openSession(model: ModelFile, options: SessionOptions = {}): Promise<OnnxSession> {
  const read = new OptionReader("openSession", options, ["threads"]);
  const threads = options.threads === undefined ? undefined : read.integer("threads", 1);
  return sessionOver(await bytesOfFile(model), () => runtimeOf(threads));
}

/**
 * Opens a model written by `exportOnnx` or by another tool, given as bytes or a path. Models from other tools are imported by `importOnnx` and follow our conventions: batch first, ids as int32. `predict` takes and checks data as core's predictor does,
 * including ragged rows. A file with `states` supports streams. Pass custom layers and cells as `{ layers: [scale] }`; they define the inputs and outputs of the model. Requires the package
 * onnxruntime-node, but not its install script.
 *
 * @throws ModelFileError for damaged files, files of `exportDecoding`, and unknown kinds of layers; UnsupportedOpError for models from other tools that `importOnnx` does not support; ConfigError if onnxruntime-node is not installed
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
 * Opens the two files that `exportDecoding` wrote, given as bytes or paths. `generate` uses the result like a model on one of Ostinato's backends. The encoder's outputs and the scores of each step
 * are kept on the host, where the best tokens are selected. Pass custom layers and cells as `{ layers: [scale] }`. Requires the package onnxruntime-node, but
 * not its install script.
 *
 * @throws ModelFileError for files that are damaged, belong to different models, are swapped, or are not files of `exportDecoding`, and for unknown kinds of layers; ConfigError if onnxruntime-node is not installed
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
