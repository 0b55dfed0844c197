/** Training: a model, a backend and an objective bound together for as long as they are needed. */
import type { Backend, Session } from "../backend.ts";
import { ConfigError, DataError, NonFiniteError, StateError } from "../errors.ts";
import { buildModel } from "../nn/build.ts";
import type { Model } from "../nn/model.ts";
import { isRecord, type Json, OptionReader, shown } from "../nn/options.ts";
import type { ModelSpec } from "../nn/spec.ts";
import type { Trained } from "../nn/trained.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { RandomStream, shuffle as shuffleRows } from "../random.ts";
import { type Float32Tensor, float32, type Tensors } from "../tensor.ts";
import { batchWriter, type Dataset, type Examples, type Inputs, readDataset } from "./dataset.ts";
import { APPLIED, evaluationGraph, LOSS, type Objective, trainingGraph } from "./graphs.ts";
import type { Loss } from "./losses.ts";
import type { Metric } from "./metrics.ts";
import {
  checkBatchSize,
  checkPredictOptions,
  inOrder,
  type PredictOptions,
  predictDataset,
  type StepEvent,
} from "./predict.ts";
import { Programs } from "./programs.ts";
import { type Logs, Running, validationLogs } from "./running.ts";
import type { TargetSpec } from "./target.ts";

export interface CompileOptions {
  readonly backend: Backend;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly metrics?: readonly Metric[];
  /** Initial weights, the order of rows and dropout come from it alone: the same seed gives the same model. Default 0. */
  readonly seed?: number;
  /** Weights to go on from, in the place of initial ones: `(await loadModel(path)).weights`. */
  readonly weights?: Tensors;
}

/** Labelled data: rows, or batches of rows, which are taken as they come. */
export type TrainingData = Examples | Iterable<Examples> | AsyncIterable<Examples>;

/** One finished epoch, with its figures beside: `loss`, `accuracy`, `valLoss`, `valAccuracy`. */
export type EpochEvent = Logs & {
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Of the whole epoch, validation included. */
  readonly seconds: number;
};

export interface TrainingStepEvent extends StepEvent {
  readonly epoch: number;
  readonly epochs: number;
}

export interface History {
  readonly epochs: readonly EpochEvent[];
}

/** What of an `AbortSignal` is used. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

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
  /** After each step, with the running means of the epoch. `steps` is 0 where batches come from an iterable of unknown length. */
  readonly onStep?: (event: TrainingStepEvent) => void | Promise<void>;
  /** After each batch of the validation that ends an epoch. */
  readonly onValidationStep?: (event: StepEvent) => void | Promise<void>;
  readonly onEpoch?: (event: EpochEvent) => void | Promise<void>;
  /** Stops after the step that is running, by throwing the signal's reason. */
  readonly signal?: Signal;
}

export interface EvaluateOptions {
  /** Default 32. */
  readonly batchSize?: number;
  readonly onStep?: (event: StepEvent) => void | Promise<void>;
}

export interface SnapshotOptions {
  readonly vocabulary?: Json;
  readonly metadata?: { readonly [key: string]: Json };
}

/** A model in training. It holds the backend's memory: `await using`, or `dispose` it. */
export interface Trainer extends AsyncDisposable {
  readonly model: Model;
  /** Trains. What it finds wrong with the data it says before the first step. @throws NonFiniteError where the loss or a gradient is not finite */
  fit(data: TrainingData, options?: FitOptions): Promise<History>;
  /** The loss and the metrics over the data. */
  evaluate(data: Examples, options?: EvaluateOptions): Promise<Logs>;
  /** The output for each row: float32 [rows, …]. */
  predict(x: Inputs, options?: PredictOptions): Promise<Float32Tensor>;
  /** The model with the weights that it has now, and what should be kept beside them. */
  snapshot(options?: SnapshotOptions): Promise<Trained>;
  dispose(): Promise<void>;
}

function isBatches(data: TrainingData): data is Iterable<Examples> | AsyncIterable<Examples> {
  return typeof data === "object" && data !== null && (Symbol.iterator in data || Symbol.asyncIterator in data);
}

function expectWanted(signal: Signal | undefined): void {
  if (signal?.aborted) throw signal.reason ?? new StateError("fit was aborted");
}

/** The rows of a data set before and after a split, as orders over it. */
function splitRows(rows: number, share: number): { train: Int32Array; validation: Int32Array } {
  const all = inOrder(rows);
  const kept = Math.floor(rows * (1 - share));
  if (kept < 1 || kept === rows) {
    throw new DataError(
      `validationSplit: ${share} leaves ${kept} of ${rows} rows to train on and ${rows - kept} to validate on; both must be at least 1`,
    );
  }
  return { train: all.slice(0, kept), validation: all.slice(kept) };
}

/** A trainer over a session that holds its state. Made by `compile`. */
export class SessionTrainer implements Trainer {
  readonly model: Model;
  readonly #spec: ModelSpec;
  readonly #session: Session;
  readonly #programs: Programs;
  readonly #objective: Objective;
  readonly #optimizer: Optimizer;
  readonly #target: TargetSpec;
  readonly #seed: number;
  /** Counts every epoch of this trainer, so that a second `fit` does not repeat the orders of the first. */
  #epochs = 0;
  #fitting = false;
  #disposed = false;

  constructor(model: Model, session: Session, target: TargetSpec, seed: number, options: CompileOptions) {
    this.model = model;
    this.#spec = model.spec;
    this.#session = session;
    this.#programs = new Programs(options.backend, session);
    this.#objective = { loss: options.loss, metrics: options.metrics ?? [] };
    this.#optimizer = options.optimizer;
    this.#target = target;
    this.#seed = seed;
  }

  async fit(data: TrainingData, options: FitOptions = {}): Promise<History> {
    this.#expectAlive();
    if (this.#fitting) throw new StateError("fit is running already; await it before the next");
    this.#fitting = true;
    try {
      return await this.#fit(data, options);
    } finally {
      this.#fitting = false;
    }
  }

  async #fit(data: TrainingData, options: FitOptions): Promise<History> {
    const read = new OptionReader("fit", options, [
      "epochs",
      "batchSize",
      "validationSplit",
      "validationData",
      "shuffle",
      "onStep",
      "onValidationStep",
      "onEpoch",
      "signal",
    ]);
    const epochs = options.epochs === undefined ? 1 : read.integer("epochs", 1);
    const shuffled = read.boolean("shuffle", true);
    const batchSize = checkBatchSize(options.batchSize);
    const share = read.number("validationSplit", 0, 0, 1);
    const held = options.validationData && this.#read(options.validationData);
    const source = isBatches(data) ? undefined : this.#read(data);
    if (share > 0 && (!source || held))
      throw new ConfigError("fit: validationSplit splits rows; it goes neither with batches nor with validationData");
    const split = source && share > 0 ? splitRows(source.rows, share) : undefined;
    const validation =
      split && source
        ? { dataset: source, order: split.validation }
        : held && { dataset: held, order: inOrder(held.rows) };

    const history: EpochEvent[] = [];
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const start = Date.now();
      const at = { epoch, epochs, batchSize, options };
      const order = source && this.#order(split?.train ?? inOrder(source.rows), shuffled);
      const logs =
        source && order
          ? await this.#trainRows(source, order, at)
          : await this.#trainBatches(data as Iterable<Examples>, at);
      const { onValidationStep: onStep, signal } = options;
      const watched = { batchSize, ...(onStep ? { onStep } : {}) };
      const checked = validation
        ? validationLogs(await this.#evaluate(validation.dataset, validation.order, watched, signal))
        : {};
      this.#epochs += 1;
      const event: EpochEvent = { epoch, epochs, seconds: (Date.now() - start) / 1000, ...logs, ...checked };
      history.push(event);
      await options.onEpoch?.(event);
    }
    return { epochs: history };
  }

  async evaluate(data: Examples, options: EvaluateOptions = {}): Promise<Logs> {
    this.#expectAlive();
    new OptionReader("evaluate", options, ["batchSize", "onStep"]);
    const dataset = this.#read(data);
    return this.#evaluate(dataset, inOrder(dataset.rows), options);
  }

  async predict(x: Inputs, options: PredictOptions = {}): Promise<Float32Tensor> {
    this.#expectAlive();
    checkPredictOptions(options);
    const outputs = await predictDataset(this.#programs, this.#spec, readDataset(this.#spec, x), options);
    return outputs[this.#target.name] as Float32Tensor;
  }

  async snapshot(options: SnapshotOptions = {}): Promise<Trained> {
    this.#expectAlive();
    new OptionReader("snapshot", options, ["vocabulary", "metadata"]);
    const names = buildModel(this.#spec).parameters.map((parameter) => parameter.name);
    const state = await this.#session.readState(names);
    // A backend may compute in other precision; what is kept is float32.
    const weights = Object.entries(state).map(([name, { shape, data }]) => [name, float32(shape, data)]);
    return { spec: this.#spec, weights: Object.fromEntries(weights) as Tensors, ...options };
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#session[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #expectAlive(): void {
    if (this.#disposed) throw new StateError("this trainer was disposed; compile the model again");
  }

  #read(data: Examples): Dataset {
    if (!isRecord(data)) throw new DataError(`training and evaluation take data { x, y }, got ${shown(data)}`);
    new OptionReader("the data", data, ["x", "y", "sampleWeights"]);
    const { x, y, sampleWeights } = data;
    if (y === undefined) throw new DataError("the data has no y: training and evaluation take { x, y }");
    return readDataset(this.#spec, x, { target: this.#target, y, ...(sampleWeights ? { sampleWeights } : {}) });
  }

  #order(rows: Int32Array, shuffled: boolean): Int32Array {
    if (!shuffled) return rows;
    const order = rows.slice();
    shuffleRows(order, new RandomStream(this.#seed, `shuffle/${this.#epochs}`));
    return order;
  }

  async #trainRows(dataset: Dataset, order: Int32Array, at: EpochPosition): Promise<Logs> {
    const running = new Running(this.#objective);
    const steps = Math.ceil(order.length / at.batchSize);
    await this.#trainSteps(dataset, order, running, at, { done: 0, steps });
    return running.logs();
  }

  async #trainBatches(batches: Iterable<Examples> | AsyncIterable<Examples>, at: EpochPosition): Promise<Logs> {
    const running = new Running(this.#objective);
    let done = 0;
    for await (const batch of batches) {
      const dataset = this.#read(batch);
      await this.#trainSteps(
        dataset,
        inOrder(dataset.rows),
        running,
        { ...at, batchSize: dataset.rows },
        { done, steps: 0 },
      );
      done += 1;
    }
    if (done === 0) {
      throw new DataError(
        `epoch ${at.epoch}: the iterable of batches gave none; one that can be walked again is wanted where epochs is over 1`,
      );
    }
    return running.logs();
  }

  /** One step for each batch of `order`. */
  async #trainSteps(
    dataset: Dataset,
    order: Int32Array,
    running: Running,
    at: EpochPosition,
    count: { done: number; steps: number },
  ): Promise<void> {
    const { epoch, epochs, options } = at;
    const batch = Math.min(at.batchSize, order.length);
    const build = () => trainingGraph(this.#spec, this.#objective, this.#optimizer, this.#seed, dataset.weighted);
    const { executable, results } = await this.#programs.get(dataset.weighted ? "train weighted" : "train", build, {
      batch,
      ...dataset.longest,
    });
    const writer = batchWriter(dataset, batch);
    for (let from = 0, step = count.done + 1; from < order.length; from += batch, step++) {
      expectWanted(options.signal);
      writer.write(order, from, Math.min(batch, order.length - from));
      const fetched = await executable.run(writer.feeds, results);
      if (fetched[APPLIED]?.data[0] !== 1) {
        throw new NonFiniteError(
          `epoch ${epoch}, step ${step}: the loss is ${fetched[LOSS]?.data[0]}, or a gradient is not finite; the weights are those from before the step. A smaller learning rate is the usual way out`,
        );
      }
      running.add(fetched);
      if (options.onStep) await options.onStep({ epoch, epochs, step, steps: count.steps, logs: running.logs() });
    }
  }

  async #evaluate(
    dataset: Dataset,
    order: Int32Array,
    { batchSize, onStep }: EvaluateOptions,
    signal?: Signal,
  ): Promise<Logs> {
    const batch = Math.min(checkBatchSize(batchSize), order.length);
    const name = dataset.weighted ? "evaluate weighted" : "evaluate";
    const build = () => evaluationGraph(this.#spec, this.#objective, dataset.weighted);
    const { executable, results } = await this.#programs.get(name, build, { batch, ...dataset.longest });
    const writer = batchWriter(dataset, batch);
    const running = new Running(this.#objective);
    const steps = Math.ceil(order.length / batch);
    for (let step = 0; step < steps; step++) {
      expectWanted(signal);
      const from = step * batch;
      writer.write(order, from, Math.min(batch, order.length - from));
      running.add(await executable.run(writer.feeds, results));
      if (onStep) await onStep({ step: step + 1, steps, logs: running.logs() });
    }
    return running.logs();
  }
}

/** Where a training step stands, and how it was asked for. */
interface EpochPosition {
  readonly epoch: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly options: FitOptions;
}
