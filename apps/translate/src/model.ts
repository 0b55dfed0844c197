/** A model of this app: what its file holds beside the weights, reading it back, and what computes with it. */
import { backends, loadAppModel, type RuntimeName } from "@ostinato/app";
import { ModelFileError, type Trained } from "@ostinato/core";
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
export interface TranslationModel {
  readonly trained: Trained;
  readonly settings: TranslatorSettings;
  readonly vocabulary: TranslatorVocabulary;
  readonly seed: number;
  /** What it was trained on. */
  readonly data: DataRecord;
}

/** What goes into the model's file beside the weights and the vocabulary. */
export function metadataOf(seed: number, settings: TranslatorSettings, data: DataRecord) {
  return { app: appName, seed, data: { ...data }, ...translatorMetadata(settings) };
}

/** Reads the model of a folder that `train` wrote. Throws `ModelFileError` where there is none, or another's. */
export async function loadTranslation(folder: string): Promise<TranslationModel> {
  const { trained, seed, metadata, foreign } = await loadAppModel(folder, appName);
  const { data } = metadata;
  if (!isDataRecord(data)) throw foreign("it does not tell what it was trained on");
  try {
    return { trained, seed, data, ...translatorSettings(trained) };
  } catch (error) {
    if (error instanceof ModelFileError) throw foreign(error.message);
    throw error;
  }
}

/** Opens a trained model on a backend, or in onnxruntime. */
export async function openTranslator(trained: Trained, name: RuntimeName): Promise<Translator> {
  return translator(trained, { backend: name === "onnx" ? "onnx" : await backends[name]({}) });
}
