/** The translator of the main entry, from a file of either kind, on a backend or in onnxruntime. */
import {
  type GivenModel,
  importOnnx,
  type OpenModelOptions,
  onnxBytes,
  readTrained,
  withModel,
} from "@ostinato/classifier/node";
import { ModelFileError, type ReadOptions } from "@ostinato/core";
import { opener, translator as openTranslator, type Translator, translatorOver } from "../translator.ts";

/** Options of `translator` for a file; `layers` are those of one's own that the model has, as for `loadModel`. */
export interface FileTranslatorOptions extends OpenModelOptions {}

/** The two ONNX files of a model, as `exportDecoding` writes them: each by its path or URL, or as its bytes. */
export interface TranslatorFiles {
  readonly encode?: Uint8Array | string | URL | undefined;
  readonly decodeStep: Uint8Array | string | URL;
}

async function openOnnx(files: TranslatorFiles, options: ReadOptions): Promise<Translator> {
  const { onnxSequenceModel } = await importOnnx(opener, () => import("@ostinato/onnx/node"));
  return translatorOver(await onnxSequenceModel(files, options));
}

const areFiles = (model: unknown): model is TranslatorFiles =>
  typeof model === "object" && model !== null && "decodeStep" in model;

/**
 * Opens a translator: a model file that `saveModel` wrote, its bytes, a trained model, or the two ONNX files that `exportDecoding` wrote. The model is one of
 * `trainer.snapshot({ vocabulary, metadata: translatorMetadata({ maxSourceLength, maxTargetLength }) })`.
 *
 * @throws ModelFileError, which names the path, where the file is missing, damaged, or not that of a translator; ConfigError where onnxruntime-node is
 * asked for and not installed
 *
 * @example
 * await using phones = await translator("phones.safetensors", { backend: await wasm() });
 * const { text } = await phones.translate("hello", { beamSize: 5 }); // "HH AH L OW"
 *
 * @example
 * await using phones = await translator({ encode: "encode.onnx", decodeStep: "decodeStep.onnx" });
 */
export async function translator(
  model: GivenModel | TranslatorFiles,
  { backend, ...options }: FileTranslatorOptions = {},
): Promise<Translator> {
  if (areFiles(model)) {
    if (backend === undefined || backend === "onnx") return openOnnx(model, options);
    const { importDecoding } = await importOnnx(opener, () => import("@ostinato/onnx"));
    const encode = model.encode === undefined ? {} : { encode: await onnxBytes(model.encode) };
    const files = { ...encode, decodeStep: await onnxBytes(model.decodeStep) };
    return openTranslator(importDecoding(files, options), { backend, ...options });
  }
  return withModel(model, async (given, isOnnxFile) => {
    if (isOnnxFile)
      throw new ModelFileError("this is an ONNX file, and a translator has two: give { encode, decodeStep }");
    const trained = await readTrained(opener, given, options);
    if (backend !== "onnx") return openTranslator(trained, backend === undefined ? options : { backend, ...options });
    const { exportDecoding } = await importOnnx(opener, () => import("@ostinato/onnx"));
    return openOnnx(exportDecoding(trained), options);
  });
}
