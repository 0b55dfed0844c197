/** Models opened with onnxruntime-web. */
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
   * Threads that share one run, in a page that is cross-origin isolated; in others there is one. Default: onnxruntime-web's choice, half the cores, at most 4. Only before the first model of a page.
   */
  readonly threads?: number | undefined;
  /** Where onnxruntime-web's .wasm file is, `{ wasm }`, or the folder that has it and the .mjs file. Default: beside its script, where bundlers put it. Only before the first model of a page. */
  readonly wasmPaths?: WasmPaths | undefined;
  /** onnxruntime's execution providers, the first choice first. Default `["wasm"]`. Others need a module that has them, as `runtime`. */
  readonly executionProviders?: readonly ExecutionProvider[] | undefined;
  /** The module onnxruntime-web, or one of its variants, such as `onnxruntime-web/webgpu`. Default: `onnxruntime-web/wasm`, loaded when the first model is opened. */
  readonly runtime?: OnnxRuntimeWeb | undefined;
}

const names = Object.keys({
  threads: true,
  wasmPaths: true,
  executionProviders: true,
  runtime: true,
} satisfies Record<keyof SessionOptions, true>);

/** @throws ConfigError for options that cannot work */
function checked(options: SessionOptions): SessionOptions {
  const read = new OptionReader("openSession", options, names);
  const { threads, wasmPaths, executionProviders, runtime } = options;
  if (threads !== undefined) read.integer("threads", 1);
  const isPlace = typeof wasmPaths === "string" || (typeof wasmPaths === "object" && wasmPaths !== null);
  if (wasmPaths !== undefined && !isPlace)
    throw new ConfigError("openSession: wasmPaths must be the URL of a folder, or { wasm, mjs } with URLs of files");
  if (executionProviders !== undefined && !(Array.isArray(executionProviders) && executionProviders.length > 0))
    throw new ConfigError('openSession: executionProviders must be a list of at least one, such as ["wasm"]');
  const isModule = typeof runtime === "object" && runtime !== null && "InferenceSession" in runtime;
  if (runtime !== undefined && !isModule)
    throw new ConfigError('openSession: runtime must be the module: import * as ort from "onnxruntime-web"');
  return options;
}

/**
 * Opens any ONNX model, tensors in and out by name: the bytes of an `.onnx` file, or its URL. Weights in other files are not read.
 * Models made elsewhere often have int64 ids: feed int32 tensors, which are converted. An int64 output comes back as int32.
 *
 * @throws ModelFileError for what is no model or one that onnxruntime refuses; ConfigError where onnxruntime-web does not start
 */
export async function openSession(model: ModelFile, options: SessionOptions = {}): Promise<OnnxSession> {
  const { runtime, threads, wasmPaths, executionProviders = ["wasm"] } = checked(options);
  return sessionOver(await bytesOfUrl(model), () => runtimeOf(runtime, { threads, wasmPaths }, executionProviders));
}

/**
 * Opens a model that `exportOnnx` wrote, or one of another program: its bytes, or its URL. The latter is read by `importOnnx`, and run in our conventions: batch first, ids as int32. `predict` takes and checks data as the predictor of core does,
 * ragged rows included; a file with `states` takes streams, too. Layers and cells of one's own are handed in, `{ layers: [scale] }`: they tell what the model takes and gives. Needs the package
 * onnxruntime-web.
 *
 * @throws ModelFileError for files that are damaged, halves from `exportDecoding`, or with layers of a kind that is not known; UnsupportedOpError for models of other programs that do not become one of ours; ConfigError where onnxruntime-web does not start
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
 * Opens the two files that `exportDecoding` wrote: their bytes, or their URLs. `generate` writes with it as with a model on a backend of Ostinato. What the encoder gave stays on the
 * host, and so do the scores of a step, of which the likeliest are chosen there. Layers and cells of one's own are handed in, `{ layers: [scale] }`. Needs the package onnxruntime-web.
 *
 * @throws ModelFileError for files that are damaged, no two halves, of different models or in each other's place, and for layers of a kind that is not known; ConfigError where onnxruntime-web does not start
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
