/** The encoder–decoder that is measured: letters to phones, with attention; its rows, and what its contestants are given. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  adam,
  attention,
  type Backend,
  bidirectional,
  compile,
  concatenate,
  dense,
  embedding,
  encodeSafetensors,
  input,
  lstm,
  type Model,
  model,
  RandomStream,
  sparseCategoricalCrossentropy,
  type Tensors,
  type Trained,
} from "@ostinato/core";
import { listener } from "./listener.ts";
import type { Flops } from "./network.ts";

export interface Transcription {
  readonly letters: number;
  readonly phones: number;
  readonly embedding: number;
  /** Bidirectional layers of the encoder. */
  readonly layers: number;
  /** Of each direction of these; the decoder has twice as many. */
  readonly units: number;
  readonly batch: number;
  readonly batches: number;
}

/** Of the size of the translator app's default, which reads CMUdict. */
export const letters: Transcription = {
  letters: 30,
  phones: 43,
  embedding: 64,
  layers: 2,
  units: 160,
  batch: 128,
  batches: 6,
};

/** Tokens that begin and end what is written. */
export const START = 1;
export const END = 2;

/** Luong's model (2015) with the general score: what the decoder gives at each step attends to what the encoder gave. */
function modelOf({ letters, phones, embedding: outputDim, layers, units }: Transcription): Model {
  const source = input({ shape: ["source"], name: "source" });
  const target = input({ shape: ["target"], name: "target" });
  const spelt = embedding({ inputDim: letters, outputDim, maskZero: true, name: "letters" })(source);
  const spoken = embedding({ inputDim: phones, outputDim, maskZero: true, name: "phones" })(target);
  const layer = (at: number) =>
    bidirectional(lstm({ units, returnSequences: true, returnState: true }), { name: `encoder${at}` });
  let read = layer(0)(spelt);
  for (let at = 1; at < layers; at++) read = layer(at)(read[0]);
  const [encoded, forwardH, forwardC, backwardH, backwardC] = read;
  const initialState = [concatenate()([forwardH, backwardH]), concatenate()([forwardC, backwardC])] as const;
  const decoded = lstm({ units: 2 * units, returnSequences: true, name: "decoder" })(spoken, { initialState });
  const context = attention({ scoreMode: "general", name: "attention" })([decoded, encoded]);
  const joined = concatenate()([context, decoded]);
  const mixed = dense({ units: 2 * units, activation: "tanh", useBias: false, name: "mix" })(joined);
  return model([source, target], dense({ units: phones, activation: "softmax", name: "next" })(mixed));
}

/** A trainer as all contestants train. */
export function trainerOf(task: Transcription, backend: Backend, weights?: Tensors) {
  const objective = { loss: sparseCategoricalCrossentropy(), optimizer: adam(), seed: 1 };
  return compile(modelOf(task), { backend, ...objective, ...(weights ? { weights } : {}) });
}

export function trainedOf(task: Transcription, weights: Tensors): Trained {
  return { spec: modelOf(task).spec, weights };
}

export interface TranscriptionRows {
  readonly source: readonly (readonly number[])[];
  /** With `START` before it. */
  readonly target: readonly (readonly number[])[];
  /** With `END` after it. */
  readonly next: readonly (readonly number[])[];
}

/** Batches of sources of one length each, from 8 to 10, and of 7 to 9 phones: as they are where batches are formed by length. */
export function rowsOf({ letters, phones, batch, batches }: Transcription): TranscriptionRows {
  const random = new RandomStream(2, "bench rows");
  const row = (length: number, first: number, end: number): number[] =>
    Array.from({ length }, () => first + random.below(end - first));
  const count = batch * batches;
  const source = Array.from({ length: count }, (_, at) => row(8 + (Math.floor(at / batch) % 3), 1, letters));
  const said = source.map(() => row(6 + random.below(3), END + 1, phones));
  return { source, target: said.map((tokens) => [START, ...tokens]), next: said.map((tokens) => [...tokens, END]) };
}

export interface TranscriptionJob {
  readonly task: Transcription;
  readonly rows: TranscriptionRows;
  /** The safetensors file with the weights, by the names of the model's parameters. */
  readonly weights: string;
  /** The longest that is written. */
  readonly maxLength: number;
}

/** Writes a job with the weights that its model begins with; gives the file's path. */
export async function writeTranscriptionJob(folder: string, name: string, task: Transcription): Promise<string> {
  await using fresh = await trainerOf(task, listener());
  const weights = join(folder, `${name}.safetensors`);
  await writeFile(weights, encodeSafetensors({ tensors: (await fresh.snapshot()).weights, metadata: {} }));
  const job: TranscriptionJob = { task, rows: rowsOf(task), weights, maxLength: 8 };
  const file = join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify(job));
  return file;
}

/** Multiplications and additions of the matrix products in a training step, on average over the batches; padding counts for nothing. */
export function flopsOf(task: Transcription): Flops {
  const { phones, embedding, layers, units, batches } = task;
  const { source, target } = rowsOf(task);
  const wide = 2 * units;
  const recurrence = (features: number, hidden: number): number => (features + hidden) * 4 * hidden;
  const read = source.reduce((sum, row) => sum + row.length, 0);
  const written = target.reduce((sum, row) => sum + row.length, 0);
  const compared = source.reduce((sum, row, at) => sum + row.length * (target[at]?.length ?? 0), 0);
  const products =
    read * 2 * (recurrence(embedding, units) + (layers - 1) * recurrence(wide, units)) +
    written * (recurrence(embedding, wide) + wide * wide + 2 * wide * wide + wide * phones) +
    compared * 2 * wide;
  const forward = (2 * products) / batches;
  return { forward, backward: 2 * forward };
}
