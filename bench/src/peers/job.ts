/** What every contestant is given, as files: the network and its weights, and the rows in the order of their batches. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeSafetensors, encodeSafetensors, RandomStream, type Tensors } from "@ostinato/core";
import { listener } from "./listener.ts";
import { type Network, recurrenceNames, type Task, trainerOf } from "./network.ts";

/** Rows of ids, and for each its label, or one for each of its steps. */
export interface Labelled {
  readonly rows: readonly (readonly number[])[];
  readonly labels: readonly number[] | readonly (readonly number[])[];
}

export interface Job extends Labelled {
  readonly network: Network;
  /** As many rows after another are a batch. */
  readonly batch: number;
  /** Whether rows end before their batch does. */
  readonly masked: boolean;
  /** The names of the recurrences in the weights: a list of directions for each layer. */
  readonly layers: readonly (readonly string[])[];
  /** The safetensors file with the weights, by the names of the model's parameters. */
  readonly weights: string;
}

export function targetsOf({ labels }: Labelled): Int32Array | number[][] {
  return typeof labels[0] === "number" ? Int32Array.from(labels as number[]) : (labels as number[][]);
}

/** The weights that the model begins with. */
async function initialWeights(network: Network): Promise<Tensors> {
  await using fresh = await trainerOf(network, false, listener());
  return (await fresh.snapshot()).weights;
}

/** Rows of random words, all as long as the task's, and labels in turns. */
export function denseRows({ words, batch, time, classes }: Task): Labelled {
  const random = new RandomStream(2, "bench rows");
  const row = <T>(of: (step: number) => T): T[] => Array.from({ length: time }, (_, step) => of(step));
  const rows = Array.from({ length: batch }, () => row(() => 1 + random.below(words - 1)));
  return {
    rows,
    labels: classes > 1 ? rows.map(() => row(() => random.below(classes))) : rows.map((_, at) => at % 2),
  };
}

/** A folder of the system's for files that live as long as the measurement. */
export async function workFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "ostinato-bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Writes a job with the weights that its model begins with; gives the file's path. */
export async function writeJob(
  folder: string,
  name: string,
  { batch, time: _, ...network }: Task,
  masked: boolean,
  { rows, labels }: Labelled,
): Promise<string> {
  const weights = join(folder, `${name}.safetensors`);
  await writeFile(weights, encodeSafetensors({ tensors: await initialWeights(network), metadata: {} }));
  const job: Job = { network, batch, masked, layers: recurrenceNames(network), weights, rows, labels };
  const file = join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify(job));
  return file;
}

export async function weightsOf({ weights }: Job): Promise<Tensors> {
  return decodeSafetensors(await readFile(weights)).tensors;
}
