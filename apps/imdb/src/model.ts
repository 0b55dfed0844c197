/** A model of this app: what its file holds beside the weights, reading it back, and what computes with it. */
import { backends, loadAppModel, type RuntimeName } from "@ostinato/app";
import {
  classifierMetadata,
  classifierSettings,
  type KnownSettings,
  type TextClassifier,
  type Vocabularies,
} from "@ostinato/classifier";
import { textClassifier } from "@ostinato/classifier/node";
import { ModelFileError, type Trained } from "@ostinato/core";
import { type LabelEncoder, labelEncoder, type Vocabulary } from "@ostinato/text";
import type { KnownClassWeights } from "./class-weights.ts";
import { isPresetName, type PresetName, rowSettings } from "./presets.ts";
import { type DataRecord, isDataRecord } from "./reviews.ts";

/** A trained model with all that it takes to put a text before it. */
export interface Sentiment {
  readonly trained: Trained;
  /** Of words. */
  readonly vocabulary: Vocabulary;
  /** Those of all inputs. */
  readonly vocabularies: Vocabularies;
  readonly settings: KnownSettings;
  /** Of the training: it also draws which test reviews `--limit` leaves. */
  readonly seed: number;
  readonly labelEncoder: LabelEncoder<string>;
  /** What it was trained on. */
  readonly data: DataRecord;
}

/** As npm's script is called, and what models name as their writer. */
export const appName = "imdb";

/** What goes into the model's file beside the weights and the vocabulary. */
export function metadataOf(
  { preset, maxLength, seed }: { readonly preset: PresetName; readonly maxLength: number; readonly seed: number },
  { classes }: LabelEncoder<string>,
  data: DataRecord,
  classWeight?: KnownClassWeights,
) {
  const settings = classifierMetadata({ labels: classes, ...rowSettings(preset, maxLength) });
  const weighed = classWeight === undefined ? {} : { classWeight: classWeight.byLabel };
  return { app: appName, preset, seed, data: { ...data }, ...weighed, ...settings };
}

/** Reads the model of a folder that `train` wrote. Throws `ModelFileError` where there is none, or another's. */
export async function loadSentiment(folder: string): Promise<Sentiment> {
  const { trained, seed, metadata, foreign } = await loadAppModel(folder, appName);
  const { preset, data } = metadata;
  if (!isPresetName(preset)) throw foreign("it names no preset");
  if (!isDataRecord(data)) throw foreign("it does not tell what it was trained on");
  try {
    const { settings, ...read } = classifierSettings(trained);
    return { trained, ...read, settings, seed, labelEncoder: labelEncoder(settings.labels), data };
  } catch (error) {
    if (error instanceof ModelFileError) throw foreign(error.message);
    throw error;
  }
}

/** Opens a trained model on a backend, or in onnxruntime. */
export async function openClassifier(trained: Trained, name: RuntimeName): Promise<TextClassifier> {
  return textClassifier(trained, { backend: name === "onnx" ? "onnx" : await backends[name]({}) });
}
