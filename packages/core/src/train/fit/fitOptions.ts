/** The options of `fit`, and what they come to for the data at hand. */

import type { Checkpoint, Settings } from "../../checkpoint/checkpoint.ts";
import { ConfigError, DataError, OstinatoError } from "../../errors.ts";
import { isRecord, type Json, OptionReader } from "../../nn/options.ts";
import type { Callback } from "../callbacks/callback.ts";
import { CallbackList } from "../callbacks/callbackList.ts";
import { Batches, type BatchIterable, isBatches } from "../data/batches.ts";
import { type BatchSizing, batchesOfEpoch, inOrder, type RowBatches } from "../data/batchOrder.ts";
import { type ClassWeights, checkClassWeights } from "../data/classWeights.ts";
import { type Dataset, type Examples, rowLengths, targetsIn } from "../data/dataset.ts";
import { unseenClasses, warnOnConsole } from "../data/warnings.ts";
import type { EpochEvent, StepEvent, TrainingStepEvent } from "../evaluation/events.ts";
import { expectWhole, sizesOf, sizingOf } from "../evaluation/pass.ts";
import { readExamples, type TrainerContext, weighed } from "../session/context.ts";
import { checkSignal, type Signal } from "../session/signal.ts";

/** Rows that are made anew for each epoch, which counts from 0: texts encoded by chance, say. Always as many, and for the same epoch the same, so that a training can go on. */
export type EpochExamples = (epoch: number) => Examples;

/** Labelled data: rows, rows made anew for each epoch, or batches of rows, which are taken as they come. */
export type TrainingData = Examples | EpochExamples | BatchIterable;

/** Options of `fit`. */
export interface FitOptions {
  /** How often all rows are seen. Default 1. */
  readonly epochs?: number;
  /** Default 32, or what the data says. A model with `stateful` layers takes as many rows as are whole batches, or fewer than one. */
  readonly batchSize?: number;
  /**
   * In the place of `batchSize`: the most steps of a batch, which is its rows times the steps of the longest of them, along the time axis that has most. Few long rows are
   * then as much work as many short ones. A longer row is a batch by itself. Of a model that reads sources and targets, say, 4096 lets in 100 pairs where the longest
   * sentence on either side has 40 words. Beside `batchSize` a batch is within both bounds: one row of 10,000 steps then does not make the rest of its batch as long.
   * Makes `groupByLength` true by default.
   */
  readonly batchTokens?: number;
  /** The share of the rows, taken from the end before any shuffling, that is kept for validation. */
  readonly validationSplit?: number;
  readonly validationData?: Examples;
  /**
   * Validates with the moving average of the weights, of an optimizer with `useEma`, as Keras's `SwapEMAWeights` does: the figures are then those of `snapshot({ averaged: true })`.
   * Default false.
   */
  readonly validateAveraged?: boolean;
  /**
   * A new order of the rows in each epoch. Default true, but false in a model with `stateful` layers, which cannot have it: a row of a batch goes on
   * with that in its place in the batch before. Batches that are given as such keep their order.
   */
  readonly shuffle?: boolean;
  /**
   * Makes batches of rows of similar length, from among 100 batches' worth at a time, and shuffles the batches: less padding, more speed. Of several time axes, such
   * as source and target, the longest counts first, then each in the order of the inputs. The same seed gives the same batches. Default: whether there is `batchTokens`.
   */
  readonly groupByLength?: boolean;
  /**
   * How many batches of an iterable make an epoch. The next epoch goes on with the batches that follow; where the iterable ends, it is started
   * again. Default: an epoch is all batches. A generator that never ends needs this option.
   */
  readonly stepsPerEpoch?: number;
  /**
   * How much each class counts in the training loss and in `weightedMetrics`, such as `{ 0: 1, 1: 3 }`; for an output over time each step counts by
   * its class. Validation does not use it, as in Keras. Default: all 1.
   */
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
  /** Called with each warning, such as a class that no row has. Default: warnings go to the console. */
  readonly onWarning?: (message: string) => void;
}

const names: readonly (keyof FitOptions)[] = [
  "epochs",
  "batchSize",
  "batchTokens",
  "validationSplit",
  "validationData",
  "validateAveraged",
  "shuffle",
  "groupByLength",
  "stepsPerEpoch",
  "classWeight",
  "callbacks",
  "resume",
  "onStep",
  "onValidationStep",
  "onEpoch",
  "signal",
  "onWarning",
];

/** Rows of a data set, in an order. */
export interface Rows {
  readonly dataset: Dataset;
  readonly order: Int32Array;
}

/** Options with their defaults, and the data they speak of, checked. */
export interface FitPlan extends BatchSizing {
  readonly epochs: number;
  readonly shuffle: boolean;
  readonly groupByLength: boolean;
  /** Those of the first epoch to come. Absent where batches come from an iterable. */
  readonly rows?: Rows;
  /** Where they are made anew: those of each epoch. */
  readonly rowsAnew?: (epoch: number) => Rows;
  readonly batches?: Batches;
  readonly validation?: Rows;
  readonly validateAveraged: boolean;
  readonly classWeight?: ClassWeights;
  readonly callbacks: CallbackList;
  /** What a checkpoint must agree with. */
  readonly settings: Settings;
  /** What the user should know, and how it is said. */
  readonly warnings: readonly string[];
  readonly warn: (message: string) => void;
}

/** How many rows come before a split. The share is rounded in binary, so it is taken with a tolerance: 0.8 of 10 rows leaves 2. */
function rowsBefore(share: number, rows: number): number {
  return Math.floor(rows * (1 - share) + rows * Number.EPSILON);
}

/** The rows before a split to train on, and the rest. */
function splitOrder(rows: number, share: number): { readonly train: Int32Array; readonly held: Int32Array } {
  const kept = rowsBefore(share, rows);
  if (kept < 1 || kept === rows) {
    throw new DataError(
      `validationSplit: ${share} leaves ${kept} of ${rows} rows to train on and ${rows - kept} to validate on; both must be at least 1`,
    );
  }
  const all = inOrder(rows);
  return { train: all.slice(0, kept), held: all.slice(kept) };
}

function expectTrainable({ parameters }: TrainerContext): void {
  if (parameters.every(({ trainable }) => trainable === false))
    throw new ConfigError("fit: the model has nothing to train: it has no weights, or all are frozen (trainable)");
}

/** The rows of an epoch. @throws what reading data does, with the epoch; DataError for what is no rows, and for another number of them */
function epochRows(context: TrainerContext, data: EpochExamples, epoch: number, expected?: number): Dataset {
  try {
    const given: unknown = data(epoch);
    if (isBatches(given) || given instanceof Promise)
      throw new DataError(
        "a function gives the rows { x, y } of an epoch; call it where it gives batches or a promise",
      );
    const dataset = readExamples(context, given as Examples);
    if (expected !== undefined && dataset.rows !== expected)
      throw new DataError(`the data has ${dataset.rows} rows, and had ${expected}; give as many in each epoch`);
    return dataset;
  } catch (error) {
    if (error instanceof OstinatoError) error.message = `epoch ${epoch + 1}: ${error.message}`;
    throw error;
  }
}

/** The epoch that a training begins in, counted from 0. Checkpoints are checked later. */
function firstEpoch(resume: unknown): number {
  const position = isRecord(resume) ? resume.position : undefined;
  const epoch = isRecord(position) ? position.epoch : 0;
  return Number.isSafeInteger(epoch) ? (epoch as number) : 0;
}

const weightsSetting = { none: false, rows: true, steps: "steps" } as const;

/** What has weights: of one output that is trained, or by name. */
function weightedSetting({ targets }: TrainerContext, { weighing }: Dataset): Json {
  const settings = targets.map(({ name }) => [name, weightsSetting[weighing[name] ?? "none"]] as const);
  return settings.length > 1 ? Object.fromEntries(settings) : (settings[0]?.[1] ?? false);
}

/** @throws ConfigError, DataError, ShapeError, DTypeError, before the first step */
export function planFit(context: TrainerContext, data: TrainingData, options: FitOptions): FitPlan {
  const read = new OptionReader("fit", options, names);
  const epochs = options.epochs === undefined ? 1 : read.integer("epochs", 1);
  const states = context.states?.training;
  const shuffle = read.boolean("shuffle", !states);
  const bounded = options.batchTokens !== undefined;
  const groupByLength = read.boolean("groupByLength", bounded);
  for (const [option, wanted] of Object.entries({ batchTokens: bounded, shuffle, groupByLength }))
    if (states && wanted)
      throw new ConfigError(
        `fit: ${option} mixes the rows, and ${states.layer} is stateful: each row of a batch goes on with that in its place in the batch before; leave ${option} out`,
      );
  const share = read.number("validationSplit", 0, 0, 1);
  const validateAveraged = read.boolean("validateAveraged", false);
  if (validateAveraged && !context.optimizer.base.useEma)
    throw new ConfigError(
      "fit: validateAveraged needs an optimizer with useEma: true, which keeps averages of weights",
    );
  const stepsPerEpoch = options.stepsPerEpoch === undefined ? undefined : read.integer("stepsPerEpoch", 1);
  const { onWarning: warn = warnOnConsole } = options;
  read.functions("onStep", "onValidationStep", "onEpoch", "onWarning");
  checkSignal("fit", options.signal);
  const callbacks = new CallbackList("fit", options.callbacks ?? []);
  const classWeight = options.classWeight === undefined ? undefined : checkClassWeights("fit", options.classWeight);
  expectTrainable(context);
  const given = options.validationData && readExamples(context, options.validationData);
  const batches = isBatches(data) ? new Batches(data, stepsPerEpoch, epochs) : undefined;
  const anew = typeof data === "function" ? data : undefined;
  const first = firstEpoch(options.resume);
  const readFirst = (): Dataset =>
    typeof data === "function" ? epochRows(context, data, first) : readExamples(context, data as Examples);
  const dataset = isBatches(data) ? undefined : readFirst();
  if (share > 0 && (!dataset || given || anew)) {
    throw new ConfigError(
      "fit: validationSplit splits rows; it goes neither with batches, nor with rows made anew, nor with validationData",
    );
  }
  if (dataset && stepsPerEpoch !== undefined) {
    throw new ConfigError("fit: stepsPerEpoch counts the batches of an iterable; an epoch of rows is all of them");
  }
  if (batches && bounded) throw new ConfigError("fit: batchTokens makes batches of rows; an iterable has its own");
  const sizing = sizingOf("fit", options, dataset?.batchSize);
  const { batchSize } = sizing;
  const split = dataset && share > 0 ? splitOrder(dataset.rows, share) : undefined;
  const rows = dataset && {
    dataset: weighed(context, dataset, classWeight),
    order: split?.train ?? inOrder(dataset.rows),
  };
  const rowsAnew = (epoch: number): Rows => {
    if (!rows || !anew || epoch === first) return rows as Rows;
    const made = epochRows(context, anew, epoch, rows.dataset.rows);
    return { ...rows, dataset: weighed(context, made, classWeight) };
  };
  if (rows) expectWhole("fit", states, rows.order.length, sizing);
  const held = given && { dataset: given, order: inOrder(given.rows) };
  const validation = dataset && split ? { dataset, order: split.held } : held;
  if (validation) {
    const own = validation.dataset.batchSize ?? batchSize;
    expectWhole("fit: validation", states, validation.order.length, { batchSize: own });
  }
  const unseen = context.targets.flatMap((target) => {
    const column = rows && targetsIn(rows.dataset, target);
    return (rows && column && unseenClasses(target, column, rows.order, split?.held, rows.dataset.fed)) ?? [];
  });
  return {
    epochs,
    ...sizing,
    shuffle,
    groupByLength,
    ...(rows ? { rows } : {}),
    ...(anew ? { rowsAnew } : {}),
    ...(batches ? { batches } : {}),
    ...(validation ? { validation } : {}),
    validateAveraged,
    callbacks,
    ...(classWeight ? { classWeight } : {}),
    warnings: unseen,
    warn,
    settings: {
      seed: context.seed,
      ...sizesOf(sizing),
      shuffle,
      groupByLength,
      rows: rows?.order.length ?? null,
      validationRows: validation?.order.length ?? null,
      weighted: rows ? weightedSetting(context, rows.dataset) : null,
      classWeight: (classWeight as Json | undefined) ?? null,
      ...(stepsPerEpoch === undefined ? {} : { stepsPerEpoch }),
      ...(validateAveraged ? { validateAveraged } : {}),
    },
  };
}

/** The batches of an epoch, the first after so many orders of rows. Absent where batches come from an iterable. */
export function batchesAfter(seed: number, plan: FitPlan, orders: number, rows = plan.rows): RowBatches | undefined {
  return rows && batchesOfEpoch(rows.order, rowLengths(rows.dataset), { seed, index: orders, ...plan });
}
