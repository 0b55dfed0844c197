/** The network, and the folder that a training leaves behind: what is in it, and reading it back. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  binaryCrossentropy,
  dense,
  embedding,
  type Loss,
  lstm,
  type Model,
  ModelFileError,
  type Predictor,
  predictor,
  sequential,
  sparseCategoricalCrossentropy,
  type Trained,
} from "@ostinato/core";
import { loadModel } from "@ostinato/core/node";
import { exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { type LabelEncoder, parseLabelEncoder, parseVocabulary, TextDataError, type Vocabulary } from "@ostinato/text";
import { backends, type RuntimeName } from "./backends.ts";
import { type Ids, isPresetName, type PresetName, presets } from "./presets.ts";
import { type DataRecord, isDataRecord } from "./reviews.ts";

/** What of the network can be chosen. */
export interface NetworkOptions {
  readonly preset: PresetName;
  /** Ids of the embedding, reserved ones included. */
  readonly maxWords: number;
  readonly embedding: number;
  readonly units: number;
}

/** Embedding, LSTM, one sigmoid: the article's network. For more than two classes, a softmax with one unit for each. */
export function network({ preset, maxWords, embedding: outputDim, units }: NetworkOptions, classes: number): Model {
  return sequential([
    embedding({ inputDim: maxWords, outputDim, maskZero: presets[preset].maskZero }),
    lstm({ units }),
    classes === 2 ? dense({ units: 1, activation: "sigmoid" }) : dense({ units: classes, activation: "softmax" }),
  ]);
}

/** The loss that goes with the network's last layer. */
export function lossFor(classes: number): Loss {
  return classes === 2 ? binaryCrossentropy() : sparseCategoricalCrossentropy();
}

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
  readonly preset: PresetName;
  /** Words of a review that are read. */
  readonly maxLength: number;
  /** Of the training: it also draws which test reviews `--limit` leaves. */
  readonly seed: number;
  readonly labelEncoder: LabelEncoder<string>;
  /** What it was trained on. */
  readonly data: DataRecord;
}

/** A predictor whose answers are probabilities: of the label 1 where there are two, of each label where there are more. */
export type Scorer = Pick<Predictor, "predict" | typeof Symbol.asyncDispose>;

const app = "imdb";

/** What goes into the model's file beside the weights and the vocabulary. */
export function metadataOf({ preset, maxLength, seed, labelEncoder, data }: Omit<Sentiment, "trained" | "vocabulary">) {
  return { app, preset, maxLength, seed, labels: { classes: [...labelEncoder.classes] }, data: { ...data } };
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
  const { app: writer, preset, maxLength, seed, labels, data } = trained.metadata ?? {};
  if (writer !== app) throw foreign("it was not written by train");
  if (!isPresetName(preset)) throw foreign("it names no preset");
  if (!isWhole(maxLength, 1)) throw foreign("it does not tell how many words of a review are read");
  if (!isWhole(seed, 0)) throw foreign("it has no seed");
  if (!isDataRecord(data)) throw foreign("it does not tell what it was trained on");
  try {
    const vocabulary = parseVocabulary(trained.vocabulary);
    const labelEncoder = stringLabels(parseLabelEncoder(labels));
    if (labelEncoder === undefined || labelEncoder.classes.length < 2) throw foreign("its labels are not names");
    return { trained, vocabulary, preset, maxLength, seed, labelEncoder, data };
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
  return predictor(trained, { backend: await backends[name]({}) });
}

/** What the scorer answers: a probability for each row, or one for each row and label. */
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

/** The label of each row, as Keras's accuracy counts: of two, 1 above one half; of more, the first of the most probable. */
export function labelsOf(probabilities: Float32Array, classes: number): Int32Array {
  if (classes === 2) return Int32Array.from(probabilities, (probability) => (probability > 0.5 ? 1 : 0));
  return Int32Array.from({ length: probabilities.length / classes }, (_, row) => {
    const scores = probabilities.subarray(row * classes, (row + 1) * classes);
    return scores.indexOf(Math.max(...scores));
  });
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
