/** A model of this app: what its file holds beside the weights, reading it back, and what computes with it. */
import { backends, loadAppModel, type RuntimeName } from "@ostinato/app";
import { ModelFileError, type Trained } from "@ostinato/core";
import {
  type KnownTaggerSettings,
  type Tagger,
  type TaggerSettings,
  type TaggerVocabulary,
  taggerMetadata,
  taggerSettings,
  wordDropout,
} from "@ostinato/tagger";
import { tagger } from "@ostinato/tagger/node";
import { type DataRecord, isDataRecord } from "./data.ts";

/** As npm's script is called, and what models name as their writer. */
export const appName = "tag";

/** A trained model with all that it takes to put a sentence before it. */
export interface TaggerModel {
  readonly trained: Trained;
  readonly settings: KnownTaggerSettings;
  readonly vocabulary: TaggerVocabulary;
  readonly seed: number;
  /** What it was trained on. */
  readonly data: DataRecord;
}

/** What goes into the model's file beside the weights and the vocabulary. */
export function metadataOf(seed: number, settings: TaggerSettings, data: DataRecord) {
  return { app: appName, seed, data: { ...data }, ...taggerMetadata(settings) };
}

/** Reads the model of a folder that `train` wrote. Throws `ModelFileError` where there is none, or another's. */
export async function loadTagger(folder: string): Promise<TaggerModel> {
  const { trained, seed, metadata, foreign } = await loadAppModel(folder, appName, { layers: [wordDropout] });
  const { data } = metadata;
  if (!isDataRecord(data)) throw foreign("it does not tell what it was trained on");
  try {
    return { trained, seed, data, ...taggerSettings(trained) };
  } catch (error) {
    if (error instanceof ModelFileError) throw foreign(error.message);
    throw error;
  }
}

/** Opens a trained model on a backend, or in onnxruntime. */
export async function openTagger(trained: Trained, name: RuntimeName): Promise<Tagger> {
  return tagger(trained, { backend: name === "onnx" ? "onnx" : await backends[name]({}) });
}
