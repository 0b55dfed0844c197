/** The options of `fit`, and what they come to for the data at hand. */

import type { Checkpoint, Settings } from "../checkpoint/checkpoint.ts";
import { ConfigError, DataError } from "../errors.ts";
import { isName, isRecord, type Json, NAME_RULE, OptionReader, shown } from "../nn/options.ts";
import type { Callback } from "./callback.ts";
import { type ClassWeights, checkClassWeights } from "./classWeights.ts";
import { readExamples, type Signal, type TrainerContext } from "./context.ts";
import type { Dataset, Examples } from "./dataset.ts";
import type { EpochEvent, TrainingStepEvent } from "./events.ts";
import { checkBatchSize, inOrder, type StepEvent } from "./predict.ts";

/** Labelled data: rows, or batches of rows, which are taken as they come. */
export type TrainingData = Examples | Iterable<Examples> | AsyncIterable<Examples>;

export interface FitOptions {
  /** How often all rows are seen. Default 1. */
  readonly epochs?: number;
  /** Default 32. */
  readonly batchSize?: number;
  /** The share of the rows, taken from the end before any shuffling, that is kept for validation. */
  readonly validationSplit?: number;
  readonly validationData?: Examples;
  /** A new order of the rows in each epoch. Default true. Batches that are given as such keep their order. */
  readonly shuffle?: boolean;
  /**
   * Makes batches of rows of similar length, from among 100 batches' worth at a time, and shuffles the batches: less padding, more speed. The
   * same seed gives the same batches. Default false.
   */
  readonly groupByLength?: boolean;
  /** How much the rows of each class count in the training loss: `{ 0: 1, 1: 3 }`. Default: all 1. */
  readonly classWeight?: ClassWeights;
  /** Early stopping, checkpoints, logs: called in their order, after each step and each epoch. */
  readonly callbacks?: readonly Callback[];
  /** Goes on from a checkpoint, exactly, with the same data and options; only `epochs` and the backend may differ. */
  readonly resume?: Checkpoint;
  /** After each step, with the running means of the epoch. `steps` is 0 where batches come from an iterable of unknown length. */
  readonly onStep?: (event: TrainingStepEvent) => void | Promise<void>;
  /** After each step of the validation that ends an epoch. */
  readonly onValidationStep?: (event: StepEvent) => void | Promise<void>;
  /** After each epoch, and after the callbacks. */
  readonly onEpoch?: (event: EpochEvent) => void | Promise<void>;
  /** Stops after the step that is running, by throwing the signal's reason. `trainer.checkpoint()` then tells where it stands. */
  readonly signal?: Signal;
}

const names: readonly (keyof FitOptions)[] = [
  "epochs",
  "batchSize",
  "validationSplit",
  "validationData",
  "shuffle",
  "groupByLength",
  "classWeight",
  "callbacks",
  "resume",
  "onStep",
  "onValidationStep",
  "onEpoch",
  "signal",
];

/** Rows of a data set, in an order. */
export interface Rows {
  readonly dataset: Dataset;
  readonly order: Int32Array;
}

/** Options with their defaults, and the data they speak of, checked. */
export interface FitPlan {
  readonly epochs: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly groupByLength: boolean;
  /** Absent where batches come from an iterable. */
  readonly rows?: Rows;
  readonly batches?: Iterable<Examples> | AsyncIterable<Examples>;
  readonly validation?: Rows;
  readonly classWeight?: ClassWeights;
  /** In the order in which they are called. */
  readonly callbacks: readonly Callback[];
  /** What a checkpoint must agree with. */
  readonly settings: Settings;
}

function isBatches(data: TrainingData): data is Iterable<Examples> | AsyncIterable<Examples> {
  return typeof data === "object" && data !== null && (Symbol.iterator in data || Symbol.asyncIterator in data);
}

/** The rows of a data set before and after a split. */
function splitRows(dataset: Dataset, share: number): { train: Rows; validation: Rows } {
  const { rows } = dataset;
  const all = inOrder(rows);
  const kept = Math.floor(rows * (1 - share));
  if (kept < 1 || kept === rows) {
    throw new DataError(
      `validationSplit: ${share} leaves ${kept} of ${rows} rows to train on and ${rows - kept} to validate on; both must be at least 1`,
    );
  }
  return { train: { dataset, order: all.slice(0, kept) }, validation: { dataset, order: all.slice(kept) } };
}

function orderCallbacks(callbacks: readonly Callback[]): Callback[] {
  if (!Array.isArray(callbacks)) throw new ConfigError(`fit: callbacks must be a list, got ${shown(callbacks)}`);
  for (const callback of callbacks as readonly unknown[]) {
    if (!isRecord(callback))
      throw new ConfigError(`fit: each callback is an object such as earlyStopping() makes, got ${shown(callback)}`);
    if (!isName(callback.name))
      throw new ConfigError(`fit: a callback needs a name of ${NAME_RULE}, got ${shown(callback.name)}`);
  }
  const twice = callbacks.find(({ name }, i) => callbacks.findIndex((other) => other.name === name) !== i);
  if (twice) throw new ConfigError(`fit: two callbacks are called "${twice.name}"; give one of them another name`);
  return [...callbacks.filter((callback) => !callback.last), ...callbacks.filter((callback) => callback.last)];
}

/** @throws ConfigError, DataError, ShapeError, DTypeError, before the first step */
export function planFit(context: TrainerContext, data: TrainingData, options: FitOptions): FitPlan {
  const read = new OptionReader("fit", options, names);
  const epochs = options.epochs === undefined ? 1 : read.integer("epochs", 1);
  const shuffle = read.boolean("shuffle", true);
  const groupByLength = read.boolean("groupByLength", false);
  const batchSize = checkBatchSize(options.batchSize);
  const share = read.number("validationSplit", 0, 0, 1);
  const callbacks = orderCallbacks(options.callbacks ?? []);
  const classWeight = options.classWeight === undefined ? undefined : checkClassWeights("fit", options.classWeight);
  const held = options.validationData && readExamples(context, options.validationData);
  const dataset = isBatches(data) ? undefined : readExamples(context, data, classWeight);
  if (share > 0 && (!dataset || held)) {
    throw new ConfigError("fit: validationSplit splits rows; it goes neither with batches nor with validationData");
  }
  const split = dataset && share > 0 ? splitRows(dataset, share) : undefined;
  const rows = split?.train ?? (dataset && { dataset, order: inOrder(dataset.rows) });
  const validation = split?.validation ?? (held && { dataset: held, order: inOrder(held.rows) });
  return {
    epochs,
    batchSize,
    shuffle,
    groupByLength,
    ...(rows ? { rows } : { batches: data as Iterable<Examples> }),
    ...(validation ? { validation } : {}),
    callbacks,
    ...(classWeight ? { classWeight } : {}),
    settings: {
      seed: context.seed,
      batchSize,
      shuffle,
      groupByLength,
      rows: rows?.order.length ?? null,
      validationRows: validation?.order.length ?? null,
      weighted: dataset?.weighted ?? null,
      classWeight: (classWeight as Json | undefined) ?? null,
    },
  };
}
