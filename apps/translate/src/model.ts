/** A model of this app: what its file holds beside the weights, reading it back, and what computes with it. */
import { type AppModel, backends, loadAppModel, type Origin, originKey, type RuntimeName } from "@ostinato/app";
import { ModelFileError } from "@ostinato/core";
import {
  type Translator,
  type TranslatorSettings,
  type TranslatorVocabulary,
  translatorMetadata,
  translatorSettings,
} from "@ostinato/translator";
import { translator } from "@ostinato/translator/node";
import { type DataRecord, isDataRecord } from "./data.ts";

/** As npm's script is called, and what models name as their writer. */
export const appName = "translate";

/** A trained model with all that it takes to put a text before it. */
export interface TranslationModel extends AppModel {
  readonly settings: TranslatorSettings;
  readonly vocabulary: TranslatorVocabulary;
  /** What it was trained on. */
  readonly data: DataRecord;
}

/** The metadata of the model file, next to the weights and the vocabulary; `origin` is the initial model. */
export function metadataOf(seed: number, settings: TranslatorSettings, data: DataRecord, origin: Origin | undefined) {
  const began = origin === undefined ? {} : { [originKey]: origin };
  return { app: appName, seed, data: { ...data }, ...translatorMetadata(settings), ...began };
}

/** The model of `--model` or `--init`. Throws `ModelFileError` if there is no model, or if it belongs to another app. */
export async function loadTranslation(path: string): Promise<TranslationModel> {
  const model = await loadAppModel(path, appName);
  const { foreign, trained } = model;
  const { data } = model.metadata;
  try {
    const known = translatorSettings(trained);
    if (!isDataRecord(data)) throw foreign("it does not contain a record of its training data");
    return { ...model, data, ...known };
  } catch (error) {
    if (error instanceof ModelFileError) throw foreign(error.message);
    throw error;
  }
}

/** Opens a model on a backend, or in onnxruntime: two ONNX files directly, any other model through an export. */
export async function openTranslator({ trained, pair }: TranslationModel, name: RuntimeName): Promise<Translator> {
  if (name !== "onnx") return translator(trained, { backend: await backends[name]({}) });
  return translator(pair ?? trained, { backend: "onnx" });
}
