/** Opens models with onnxruntime-web. */
import { ConfigError, OptionReader, type ReadOptions } from "@ostinato/core";
import type { ModelFile } from "../runtime/bytes.ts";
import { type OnnxPredictor, predictorOver } from "../runtime/predictor.ts";
import { type OnnxSequenceModel, type SequenceModelFiles, sequenceModelOver } from "../runtime/sequenceModel.ts";
import { type OnnxSession, sessionOver } from "../runtime/session.ts";
import { bytesOfUrl } from "./bytes.ts";
import { type ExecutionProvider, type OnnxRuntimeWeb, runtimeOf, type WasmPaths } from "./runtime.ts";

/** Options of `openSession`, `onnxPredictor` and `onnxSequenceModel`. */
export interface SessionOptions {
  /**
   * The number of threads per run, if the page is cross-origin isolated; otherwise one thread is used. Default: chosen by onnxruntime-web, half the cores, at most 4. Set it before the first model of a page is opened.
   */
  readonly threads?: number | undefined;
  /** The URL of onnxruntime-web's .wasm file, `{ wasm }`, or of the folder with it and the .mjs file. Default: next to the script, where bundlers put it. Set it before the first model of a page is opened. */
  readonly wasmPaths?: WasmPaths | undefined;
  /** onnxruntime's execution providers in order of preference. Default `["wasm"]`. Others require a module that has them, as `runtime`. */
  readonly executionProviders?: readonly ExecutionProvider[] | undefined;
  /** The onnxruntime-web module, or a variant such as `onnxruntime-web/webgpu`. Default: `onnxruntime-web/wasm`, loaded when the first model is opened. */
  readonly runtime?: OnnxRuntimeWeb | undefined;
}

const names = Object.keys({
  threads: true,
  wasmPaths: true,
  executionProviders: true,
  runtime: true,
} satisfies Record<keyof SessionOptions, true>);

/** @throws ConfigError for invalid options */
function checked(options: SessionOptions): SessionOptions {
  const read = new OptionReader("openSession", options, names);
  const { threads, wasmPaths, executionProviders, runtime } = options;
  if (threads !== undefined) read.integer("threads", 1);
  const isPlace = typeof wasmPaths === "string" || (typeof wasmPaths === "object" && wasmPaths !== null);
  if (wasmPaths !== undefined && !isPlace)
    throw new ConfigError("openSession: wasmPaths must be the URL of a folder, or { wasm, mjs } with file URLs");
  if (executionProviders !== undefined && !(Array.isArray(executionProviders) && executionProviders.length > 0))
    throw new ConfigError('openSession: executionProviders must be a non-empty list, such as ["wasm"]');
  const isModule = typeof runtime === "object" && runtime !== null && "InferenceSession" in runtime;
  if (runtime !== undefined && !isModule)
    throw new ConfigError(
      'openSession: runtime must be the onnxruntime-web module: import * as ort from "onnxruntime-web"',
    );
  return options;
}

/**
 * Opens any ONNX model, given as the bytes or the URL of an `.onnx` file. Tensors are passed and returned by name. External data is not read.
 * int64 inputs accept int32 tensors, and int64 outputs are returned as int32.
 *
 * @throws ModelFileError for files that are not models, and for models that onnxruntime rejects; ConfigError if onnxruntime-web does not start
 */
export async function openSession(model: ModelFile, options: SessionOptions = {}): Promise<OnnxSession> {
  const { runtime, threads, wasmPaths, executionProviders = ["wasm"] } = checked(options);
  return sessionOver(await bytesOfUrl(model), () => runtimeOf(runtime, { threads, wasmPaths }, executionProviders));
}

/**
 * Opens a model written by `exportOnnx` or by another tool, given as bytes or a URL. Models from other tools are imported by `importOnnx` and follow our conventions: batch first, ids as int32. `predict` takes and checks data as core's predictor does,
 * including ragged rows. A file with `states` supports streams. Pass custom layers and cells as `{ layers: [scale] }`; they define the inputs and outputs of the model. Requires the package
 * onnxruntime-web.
 *
 * @throws ModelFileError for damaged files, files of `exportDecoding`, and unknown kinds of layers; UnsupportedOpError for models from other tools that `importOnnx` does not support; ConfigError if onnxruntime-web does not start
 *
 * @example
 * await using sentiment = await onnxPredictor("/sentiment.onnx");
 * const probabilities = await sentiment.predict([[12, 7, 431]]);
 */
export async function onnxPredictor(
  model: ModelFile,
  { layers, ...ofSession }: SessionOptions & ReadOptions = {},
): Promise<OnnxPredictor> {
  return predictorOver(await bytesOfUrl(model), (bytes) => openSession(bytes, ofSession), layers);
}

/**
 * Opens the two files that `exportDecoding` wrote, given as bytes or URLs. `generate` uses the result like a model on one of Ostinato's backends. The encoder's outputs and the scores of each step
 * are kept on the host, where the best tokens are selected. Pass custom layers and cells as `{ layers: [scale] }`. Requires the package onnxruntime-web.
 *
 * @throws ModelFileError for files that are damaged, belong to different models, are swapped, or are not files of `exportDecoding`, and for unknown kinds of layers; ConfigError if onnxruntime-web does not start
 *
 * @example
 * await using translator = await onnxSequenceModel({ encode: "/encode.onnx", decodeStep: "/decodeStep.onnx" });
 * const [[best]] = await generate(translator, { source: [[4, 9, 7]] }, { start: 1, end: 2, beamSize: 5 });
 */
export async function onnxSequenceModel(
  files: SequenceModelFiles,
  { layers, ...ofSession }: SessionOptions & ReadOptions = {},
): Promise<OnnxSequenceModel> {
  return sequenceModelOver(files, (model) => openSession(model, ofSession), layers);
}
