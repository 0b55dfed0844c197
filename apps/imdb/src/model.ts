/** The folder that a training leaves behind: what is in it, and reading it back. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { classifierMetadata, classifierSettings, type KnownSettings, type TextClassifier } from "@ostinato/classifier";
import { textClassifier } from "@ostinato/classifier/node";
import { ModelFileError, type Trained } from "@ostinato/core";
import { loadModel } from "@ostinato/core/node";
import { type LabelEncoder, labelEncoder, type Vocabulary } from "@ostinato/text";
import { backends, type RuntimeName } from "./backends.ts";
import type { KnownClassWeights } from "./class-weights.ts";
import { isPresetName, type PresetName, rowSettings } from "./presets.ts";
import { type DataRecord, isDataRecord } from "./reviews.ts";

/** The files of a training's folder. */
export const fileNames = {
  model: "model.safetensors",
  best: "best.safetensors",
  checkpoint: "checkpoint.safetensors",
  history: "history.json",
  onnx: "model.onnx",
  /** Beside `onnx`: what it takes to use it. */
  description: "model.json",
} as const;

/** A trained model with all that it takes to put a text before it. */
export interface Sentiment {
  readonly trained: Trained;
  readonly vocabulary: Vocabulary;
  readonly settings: KnownSettings;
  /** Of the training: it also draws which test reviews `--limit` leaves. */
  readonly seed: number;
  readonly labelEncoder: LabelEncoder<string>;
  /** What it was trained on. */
  readonly data: DataRecord;
}

const app = "imdb";

/** What goes into the model's file beside the weights and the vocabulary. */
export function metadataOf(
  { preset, maxLength, seed }: { readonly preset: PresetName; readonly maxLength: number; readonly seed: number },
  { classes }: LabelEncoder<string>,
  data: DataRecord,
  classWeight?: KnownClassWeights,
) {
  const settings = classifierMetadata({ labels: classes, ...rowSettings(preset, maxLength) });
  const weighed = classWeight === undefined ? {} : { classWeight: classWeight.byLabel };
  return { app, preset, seed, data: { ...data }, ...weighed, ...settings };
}

/** Reads the model of a folder that `train` wrote. Throws `ModelFileError` where there is none, or another's. */
export async function loadSentiment(folder: string): Promise<Sentiment> {
  const file = join(folder, fileNames.model);
  const present = (path: string) => stat(path).catch(() => undefined);
  const found = await present(folder);
  if (found && !found.isDirectory()) {
    throw new ModelFileError(`--model takes the folder that train wrote to; ${folder} is a file`);
  }
  if (!found || !(await present(file))) {
    if (await present(join(folder, fileNames.checkpoint))) {
      throw new ModelFileError(
        `no model at ${file}: its training has not finished; go on with the same train command and --resume`,
      );
    }
    throw new ModelFileError(
      `no model at ${file}; make one with: npm run imdb -- train (and tell its folder with --model)`,
    );
  }
  const trained = await loadModel(file);
  const foreign = (what: string) => new ModelFileError(`${file} is not a model of this app: ${what}`);
  const { app: writer, preset, seed, data } = trained.metadata ?? {};
  if (writer !== app) throw foreign("it was not written by train");
  if (!isPresetName(preset)) throw foreign("it names no preset");
  if (typeof seed !== "number" || !Number.isSafeInteger(seed) || seed < 0) throw foreign("it has no seed");
  if (!isDataRecord(data)) throw foreign("it does not tell what it was trained on");
  try {
    const { settings, vocabulary } = classifierSettings(trained);
    return { trained, vocabulary, settings, seed, labelEncoder: labelEncoder(settings.labels), data };
  } catch (error) {
    if (error instanceof ModelFileError) throw foreign(error.message);
    throw error;
  }
}

/** Opens a trained model on a backend, or in onnxruntime. */
export async function openClassifier(trained: Trained, name: RuntimeName): Promise<TextClassifier> {
  return textClassifier(trained, { backend: name === "onnx" ? "onnx" : await backends[name]({}) });
}

/** The path of the data that the model of a folder was trained on, where the folder still tells it. */
export async function dataPathOf(folder: string): Promise<string | undefined> {
  try {
    const { options } = JSON.parse(await readFile(join(folder, fileNames.history), "utf8"));
    return typeof options?.data === "string" ? options.data : undefined;
  } catch {
    return undefined;
  }
}
