/** The classifier of the main entry, from a file of either kind, on a backend or in onnxruntime. */
import type { Trained } from "@ostinato/core";
import { classifierOver, opener, type TextClassifier } from "../classifier.ts";
import { type OpenModelOptions, openModel } from "./openModel.ts";

/** Options of `textClassifier` for a file; `layers` are those of one's own that the model has, as for `loadModel`. */
export interface FileClassifierOptions extends OpenModelOptions {}

/**
 * Opens a text classifier: a model file that `saveModel` wrote, an ONNX file that `exportOnnx` wrote, its bytes, or a trained model. It is one of
 * `trainer.snapshot({ vocabulary, metadata: classifierMetadata({ labels, maxLength }) })`.
 *
 * @throws ModelFileError, which names the path, where the file is missing, damaged, or not that of a text classifier; ConfigError where onnxruntime-node is
 * asked for and not installed
 *
 * @example
 * await using classifier = await textClassifier("sentiment.safetensors", { backend: await wasm() });
 * const { label, probability } = await classifier.classify("A quiet, wonderful film.");
 */
export function textClassifier(
  model: string | URL | Uint8Array | Trained,
  options: FileClassifierOptions = {},
): Promise<TextClassifier> {
  return openModel(opener, classifierOver, model, options);
}
