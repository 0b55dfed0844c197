/** Runs in a browser page: translates with the two ONNX files of a model in onnxruntime-web. */
import { onnxSequenceModel, type SequenceModelFiles } from "@ostinato/onnx/web";
import { type TranslateOptions, translatorOver } from "@ostinato/translator";
import { toldBy } from "./told.ts";

const byOnnx = async (files: SequenceModelFiles, texts: readonly string[], options: TranslateOptions) =>
  toldBy(translatorOver(await onnxSequenceModel(files)), texts, options);

export type ByOnnx = typeof byOnnx;
Object.assign(globalThis, { byOnnx });
