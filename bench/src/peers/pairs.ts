/** Pairs of a source and a target, and what contestants are given that learn to write the one from the other. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  adam,
  type Backend,
  compile,
  decodeSafetensors,
  encodeSafetensors,
  type Model,
  type ModelSpec,
  parseModelSpec,
  sparseCategoricalCrossentropy,
  type Tensors,
  type Trained,
} from "@ostinato/core";
import { listener } from "./listener.ts";

/** Tokens that begin and end what is written. */
export const START = 1;
export const END = 2;

export interface PairRows {
  readonly source: readonly (readonly number[])[];
  /** With `START` before it. */
  readonly target: readonly (readonly number[])[];
  /** With `END` after it. */
  readonly next: readonly (readonly number[])[];
}

/** What teacher forcing makes of what is to be written. */
export function pairRows(source: PairRows["source"], written: readonly (readonly number[])[]): PairRows {
  return {
    source,
    target: written.map((tokens) => [START, ...tokens]),
    next: written.map((tokens) => [...tokens, END]),
  };
}

/** How much is done at once, and how it is written. */
export interface PairWork {
  /** So many rows after another are a batch of training. */
  readonly batch: number;
  /** The longest that is written. */
  readonly maxLength: number;
  /** Default 1: greedily. */
  readonly beamSize?: number;
}

export interface PairJob extends PairWork {
  /** Sizes of the network, for who builds it in another language. */
  readonly task: object;
  readonly spec: ModelSpec;
  readonly rows: PairRows;
  /** The safetensors file with the weights, by the names of the model's parameters. */
  readonly weights: string;
}

/** A trainer as all contestants train. */
export function pairTrainer(model: Model, backend: Backend, weights?: Tensors) {
  const objective = { loss: sparseCategoricalCrossentropy(), optimizer: adam(), seed: 1 };
  return compile(model, { backend, ...objective, ...(weights ? { weights } : {}) });
}

/** Writes a job with the weights that its model begins with; gives the file's path. */
export async function writePairJob(
  folder: string,
  name: string,
  { model, ...rest }: PairWork & Pick<PairJob, "task" | "rows"> & { readonly model: Model },
): Promise<string> {
  await using fresh = await pairTrainer(model, listener());
  const weights = join(folder, `${name}.safetensors`);
  await writeFile(weights, encodeSafetensors({ tensors: (await fresh.snapshot()).weights, metadata: {} }));
  const job: PairJob = { ...rest, spec: model.spec, weights };
  const file = join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify(job));
  return file;
}

/** The model of a job with its weights. */
export async function trainedOf({ spec, weights }: PairJob): Promise<Trained> {
  return { spec: parseModelSpec(spec), weights: decodeSafetensors(await readFile(weights)).tensors };
}
