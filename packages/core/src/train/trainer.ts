/** Training: a model, a backend and an objective bound together for as long as they are needed. */
import type { Backend, Session } from "../backend.ts";
import { ConfigError, DataError, NonFiniteError, StateError } from "../errors.ts";
import { buildModel } from "../nn/build.ts";
import type { Model } from "../nn/model.ts";
import { type Json, OptionReader } from "../nn/options.ts";
import type { ModelSpec } from "../nn/spec.ts";
import { checkWeights, type Trained } from "../nn/trained.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { RandomStream, shuffle as shuffleRows } from "../random.ts";
import { type Float32Tensor, float32, int32, type Tensor, type Tensors } from "../tensor.ts";
import { batchWriter, type Dataset, type Examples, type Inputs, readDataset } from "./dataset.ts";
import {
  APPLIED,
  evaluationGraph,
  LEARNING_RATE,
  LOSS,
  type Objective,
  STEP,
  slotName,
  targetsOf,
  trainingGraph,
} from "./graphs.ts";
import type { Loss } from "./losses.ts";
import type { Metric } from "./metrics.ts";
import { checkBatchSize, inOrder, type PredictOptions, predictDataset, type StepEvent } from "./predict.ts";
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
  return Symbol.iterator in data || Symbol.asyncIterator in data;
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

class SessionTrainer implements Trainer {
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
    const read = new OptionReader("fit", { epochs: 1, ...options }, [
      "epochs",
      "batchSize",
      "validationSplit",
      "validationData",
      "shuffle",
      "onStep",
      "onEpoch",
      "signal",
    ]);
    const epochs = read.integer("epochs", 1);
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
      const order = source && this.#order(split?.train ?? inOrder(source.rows), options.shuffle ?? true);
      const logs =
        source && order
          ? await this.#trainRows(source, order, at)
          : await this.#trainBatches(data as Iterable<Examples>, at);
      const checked = validation
        ? validationLogs(await this.#evaluate(validation.dataset, validation.order, { batchSize }))
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
    const dataset = this.#read(data);
    return this.#evaluate(dataset, inOrder(dataset.rows), options);
  }

  async predict(x: Inputs, options: PredictOptions = {}): Promise<Float32Tensor> {
    this.#expectAlive();
    const outputs = await predictDataset(this.#programs, this.#spec, readDataset(this.#spec, x), options);
    return outputs[this.#target.name] as Float32Tensor;
  }

  async snapshot(options: SnapshotOptions = {}): Promise<Trained> {
    this.#expectAlive();
    const names = buildModel(this.#spec).parameters.map((parameter) => parameter.name);
    return { spec: this.#spec, weights: await this.#session.readState(names), ...options };
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

  #read({ x, y, sampleWeights }: Examples): Dataset {
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
      if (options.signal?.aborted) throw options.signal.reason ?? new StateError("fit was aborted");
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

  async #evaluate(dataset: Dataset, order: Int32Array, { batchSize, onStep }: EvaluateOptions): Promise<Logs> {
    const batch = Math.min(checkBatchSize(batchSize), order.length);
    const name = dataset.weighted ? "evaluate weighted" : "evaluate";
    const build = () => evaluationGraph(this.#spec, this.#objective, dataset.weighted);
    const { executable, results } = await this.#programs.get(name, build, { batch, ...dataset.longest });
    const writer = batchWriter(dataset, batch);
    const running = new Running(this.#objective);
    const steps = Math.ceil(order.length / batch);
    for (let step = 0; step < steps; step++) {
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

/** All state of a training: parameters, the optimizer's slots, the learning rate and the step counter. */
function initialState(spec: ModelSpec, optimizer: Optimizer, seed: number, weights: Tensors | undefined): Tensors {
  const { parameters } = buildModel(spec);
  const given = weights && checkWeights(spec, weights);
  const state: Record<string, Tensor> = {
    [STEP]: int32([], [0]),
    [LEARNING_RATE]: float32([], [optimizer.learningRate]),
  };
  for (const { name, shape, initialize } of parameters) {
    state[name] = given?.[name] ?? float32(shape, initialize(new RandomStream(seed, name)));
    for (const [slot, value] of Object.entries(optimizer.slots)) {
      const size = shape.reduce((a, b) => a * b, 1);
      state[slotName(optimizer, slot, name)] = float32(shape, new Float32Array(size).fill(value));
    }
  }
  return state;
}

/**
 * Readies a model for training on a backend. Nothing is compiled before data tells how much room it needs.
 *
 * @example
 * await using trainer = await compile(model, { backend: await cpu(), loss: binaryCrossentropy(), optimizer: adam(), metrics: [accuracy()], seed: 1 });
 * await trainer.fit({ x, y }, { epochs: 5, validationSplit: 0.1, onEpoch: console.log });
 *
 * @throws ConfigError, ShapeError where model, loss and metrics do not fit together; UnsupportedOpError where the backend cannot run them
 */
export async function compile(model: Model, options: CompileOptions): Promise<Trainer> {
  const read = new OptionReader("compile", options, ["backend", "loss", "optimizer", "metrics", "seed", "weights"]);
  const seed = options.seed === undefined ? 0 : read.integer("seed", 0);
  const { backend, loss, optimizer, metrics = [] } = options;
  const targets = targetsOf(model.spec, loss);
  // Built here only to say early what is wrong.
  trainingGraph(model.spec, { loss, metrics }, optimizer, seed, false);
  const session = await backend.open(initialState(model.spec, optimizer, seed, options.weights));
  return new SessionTrainer(model, session, targets[0] as TargetSpec, seed, options);
}
