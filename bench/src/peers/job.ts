/** What every contestant is given, as a file: the network's sizes and weights, and the rows in the order of their batches. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  adam,
  type Backend,
  binaryCrossentropy,
  compile,
  dense,
  embedding,
  lstm,
  type Model,
  RandomStream,
  sequential,
  type Tensor,
  type Tensors,
} from "@ostinato/core";

/** Of the IMDB network. */
export const imdb = { words: 5000, embedding: 10, units: 128, batch: 32, time: 300 } as const;

export interface Sizes {
  readonly words: number;
  readonly embedding: number;
  readonly units: number;
  readonly batch: number;
}

export interface PlainTensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface Job extends Sizes {
  /** Whether rows end before their batch does. */
  readonly masked: boolean;
  /** Ids of words, `batch` rows after another a batch. */
  readonly rows: readonly (readonly number[])[];
  readonly labels: readonly number[];
  /** By the names of `network`'s parameters. */
  readonly weights: Readonly<Record<string, PlainTensor>>;
}

export function network({ words, embedding: outputDim, units }: Sizes, masked: boolean): Model {
  return sequential([
    embedding({ inputDim: words, outputDim, maskZero: masked }),
    lstm({ units }),
    dense({ units: 1, activation: "sigmoid" }),
  ]);
}

export function trainer(model: Model, backend: Backend, weights?: Tensors) {
  const objective = { loss: binaryCrossentropy(), optimizer: adam(), seed: 1 };
  return compile(model, { backend, ...objective, ...(weights ? { weights } : {}) });
}

/** A job with the weights that the model begins with. The backend does nothing but hold them. */
export async function jobOf(
  sizes: Sizes,
  masked: boolean,
  rows: Job["rows"],
  labels: Job["labels"],
  backend: Backend,
): Promise<Job> {
  await using fresh = await trainer(network(sizes, masked), backend);
  const { weights } = await fresh.snapshot();
  const plain = Object.entries(weights).map(([name, { shape, data }]: [string, Tensor]) => [
    name,
    { shape, data: Array.from(data) },
  ]);
  return { ...sizes, masked, rows, labels, weights: Object.fromEntries(plain) };
}

/** Rows of random words, all `time` long, and labels in turns. */
export function denseRows({ words, batch }: Sizes, time: number): Pick<Job, "rows" | "labels"> {
  const random = new RandomStream(2, "bench rows");
  return {
    rows: Array.from({ length: batch }, () => Array.from({ length: time }, () => 1 + random.below(words - 1))),
    labels: Array.from({ length: batch }, (_, row) => row % 2),
  };
}

/** A folder of the system's for files that live as long as the measurement. */
export async function workFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "ostinato-bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export async function writeJob(folder: string, name: string, job: Job): Promise<string> {
  const file = join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify(job));
  return file;
}
