/** The network, and the folder that a training leaves behind: what is in it, and reading it back. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  dense,
  embedding,
  lstm,
  type Model,
  ModelFileError,
  type Predictor,
  predictor,
  sequential,
  type Trained,
} from "@ostinato/core";
import { loadModel } from "@ostinato/core/node";
import { exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { type LabelEncoder, parseLabelEncoder, parseVocabulary, TextDataError, type Vocabulary } from "@ostinato/text";
import { backends, type RuntimeName } from "./backends.ts";
import { type Ids, isPresetName, type PresetName, presets } from "./presets.ts";

/** What of the network can be chosen. */
export interface NetworkOptions {
  readonly preset: PresetName;
  /** Ids of the embedding, reserved ones included. */
  readonly maxWords: number;
  readonly embedding: number;
  readonly units: number;
}

/** Embedding, LSTM, one sigmoid: the article's network. */
export function network({ preset, maxWords, embedding: outputDim, units }: NetworkOptions): Model {
  return sequential([
    embedding({ inputDim: maxWords, outputDim, maskZero: presets[preset].maskZero }),
    lstm({ units }),
    dense({ units: 1, activation: "sigmoid" }),
  ]);
}

/** The files of a training's folder. */
export const fileNames = {
  model: "model.safetensors",
  history: "history.json",
  onnx: "model.onnx",
} as const;

/** A trained model with all that it takes to put a text before it. */
export interface Sentiment {
  readonly trained: Trained;
  readonly vocabulary: Vocabulary;
  readonly preset: PresetName;
  /** Words of a review that are read. */
  readonly maxLength: number;
  /** Of the training: it also draws which test reviews `--limit` leaves. */
  readonly seed: number;
  readonly labelEncoder: LabelEncoder<string>;
}

/** A predictor whose answers are probabilities of the label 1. */
export type Scorer = Pick<Predictor, "predict" | typeof Symbol.asyncDispose>;

const app = "imdb";

/** What goes into the model's file beside the weights and the vocabulary. */
export function metadataOf({ preset, maxLength, seed, labelEncoder }: Omit<Sentiment, "trained" | "vocabulary">) {
  return { app, preset, maxLength, seed, labels: { classes: [...labelEncoder.classes] } };
}

/** Reads the model of a folder that `train` wrote. Throws `ModelFileError` where there is none, or another's. */
export async function loadSentiment(folder: string): Promise<Sentiment> {
  const file = join(folder, fileNames.model);
  const found = await stat(folder).catch(() => undefined);
  if (found && !found.isDirectory()) {
    throw new ModelFileError(`--model takes the folder that train wrote to; ${folder} is a file`);
  }
  if (!found || !(await stat(file).catch(() => undefined))) {
    throw new ModelFileError(
      `no model at ${file}; make one with: npm run imdb -- train (and tell its folder with --model)`,
    );
  }
  const trained = await loadModel(file);
  const foreign = (what: string) => new ModelFileError(`${file} is not a model of this app: ${what}`);
  const { app: writer, preset, maxLength, seed, labels } = trained.metadata ?? {};
  if (writer !== app) throw foreign("it was not written by train");
  if (!isPresetName(preset)) throw foreign("it names no preset");
  if (!isWhole(maxLength, 1)) throw foreign("it does not tell how many words of a review are read");
  if (!isWhole(seed, 0)) throw foreign("it has no seed");
  try {
    const vocabulary = parseVocabulary(trained.vocabulary);
    const labelEncoder = stringLabels(parseLabelEncoder(labels));
    if (labelEncoder?.classes.length !== 2) throw foreign("its labels are not two names");
    return { trained, vocabulary, preset, maxLength, seed, labelEncoder };
  } catch (error) {
    if (error instanceof TextDataError) throw foreign(error.message);
    throw error;
  }
}

function isWhole(data: unknown, least: number): data is number {
  return typeof data === "number" && Number.isSafeInteger(data) && data >= least;
}

function stringLabels({ classes }: LabelEncoder<string | number>): LabelEncoder<string> | undefined {
  return classes.every((name) => typeof name === "string") ? { classes } : undefined;
}

/** Opens a trained model on a backend, or in onnxruntime. */
export async function openScorer(trained: Trained, name: RuntimeName): Promise<Scorer> {
  if (name === "onnx") return onnxPredictor(exportOnnx(trained));
  return predictor(trained, { backend: await backends[name]() });
}

/** Probabilities of the label 1, one for each row. */
export async function probabilitiesOf(
  scorer: Scorer,
  ids: Ids,
  options: {
    readonly batchSize?: number;
    readonly onStep?: (event: { step: number; steps: number }) => Promise<void>;
  } = {},
): Promise<Float32Array> {
  return (await scorer.predict(ids, options)).data;
}

/** The label of each probability, as Keras's accuracy counts: 1 above one half. */
export function labelsOf(probabilities: Float32Array): Int32Array {
  return Int32Array.from(probabilities, (probability) => (probability > 0.5 ? 1 : 0));
}
