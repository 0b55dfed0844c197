/** The tagger of the main entry, from a file of either kind, on a backend or in onnxruntime. */
import { type OpenModelOptions, openModel } from "@ostinato/classifier/node";
import type { Trained } from "@ostinato/core";
import { opener, type Tagger, taggerOver, withOwnLayers } from "../tagger.ts";

/** Options of `tagger` for a file; `layers` are those of one's own that the model has, as for `loadModel`. */
export interface FileTaggerOptions extends OpenModelOptions {}

/**
 * Opens a tagger: a model file that `saveModel` wrote, an ONNX file that `exportOnnx` wrote, its bytes, or a trained model. It is one of
 * `trainer.snapshot({ vocabulary, metadata: taggerMetadata({ tags }) })`.
 *
 * @throws ModelFileError, which names the path, where the file is missing, damaged, or not that of a tagger; ConfigError where onnxruntime-node is
 * asked for and not installed
 *
 * @example
 * await using english = await tagger("tagger.safetensors", { backend: await wasm() });
 * const { tags } = await english.tag(["The", "cat", "sat", "."]);
 */
export async function tagger(
  model: string | URL | Uint8Array | Trained,
  options: FileTaggerOptions = {},
): Promise<Tagger> {
  return openModel(opener, taggerOver, model, withOwnLayers(options));
}
