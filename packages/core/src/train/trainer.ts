/** A model in training: bound to a backend and an objective for as long as they are needed. */
import type { Session } from "../backend.ts";
import type { Checkpoint, Settings } from "../checkpoint/checkpoint.ts";
import { ConfigError, StateError } from "../errors.ts";
import { buildModel } from "../nn/build.ts";
import type { Model } from "../nn/model.ts";
import { OptionReader } from "../nn/options.ts";
import type { Trained } from "../nn/trained.ts";
import { averagedNames } from "../optim/step.ts";
import { type Float32Tensor, float32, type Tensors } from "../tensor.ts";
import { readExamples, type TrainerContext } from "./context.ts";
import { type Examples, type Inputs, readDataset } from "./dataset.ts";
import { type EvaluateOptions, evaluateRows } from "./evaluate.ts";
import type { History, SnapshotOptions } from "./events.ts";
import { type Counters, Fit } from "./fit.ts";
import { type FitOptions, planFit, type TrainingData } from "./fitOptions.ts";
import { checkPredictOptions, inOrder, type PredictOptions, predictDataset } from "./predict.ts";
import type { Logs } from "./running.ts";

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
  /**
   * Where the last `fit` stands, finished or not: `fit(data, { …the same, resume })` goes on from there, in this process or another. After
   * a `fit` whose callbacks put other weights in, as early stopping does at the end, it has these.
   */
  checkpoint(): Promise<Checkpoint>;
  dispose(): Promise<void>;
}

/** A trainer over a session that holds its state. Made by `compile`. */
export class SessionTrainer implements Trainer {
  readonly model: Model;
  readonly #context: TrainerContext;
  readonly #settings: Settings;
  readonly #counters: Counters;
  #last: Fit | undefined;
  #fitting = false;
  #disposed = false;

  constructor(model: Model, context: TrainerContext, settings: Settings, learningRate: number) {
    this.model = model;
    this.#context = context;
    this.#settings = settings;
    this.#counters = { iteration: 0, orders: 0, learningRate };
  }

  async fit(data: TrainingData, options: FitOptions = {}): Promise<History> {
    this.#expectAlive();
    if (this.#fitting) throw new StateError("fit is running already; await it before the next");
    this.#fitting = true;
    try {
      const plan = planFit(this.#context, data, options);
      const fit = new Fit(this.#context, plan, options, {
        counters: this.#counters,
        settings: this.#settings,
        control: {
          snapshot: (snapshot) => this.snapshot(snapshot),
          readWeights: () => this.#readWeights(),
          writeWeights: (weights) => this.#writeWeights(weights),
        },
      });
      if (options.resume !== undefined) await fit.resume(options.resume);
      this.#last = fit;
      return await fit.run();
    } finally {
      this.#fitting = false;
    }
  }

  async evaluate(data: Examples, options: EvaluateOptions = {}): Promise<Logs> {
    this.#expectAlive();
    new OptionReader("evaluate", options, ["batchSize", "onStep"]);
    const dataset = readExamples(this.#context, data);
    return evaluateRows(this.#context, dataset, inOrder(dataset.rows), options);
  }

  async predict(x: Inputs, options: PredictOptions = {}): Promise<Float32Tensor> {
    this.#expectAlive();
    checkPredictOptions(options);
    const { programs, spec, target } = this.#context;
    const outputs = await predictDataset(programs, spec, readDataset(spec, x), options);
    return outputs[target.name] as Float32Tensor;
  }

  async snapshot(options: SnapshotOptions = {}): Promise<Trained> {
    this.#expectAlive();
    const read = new OptionReader("snapshot", options, ["vocabulary", "metadata", "averaged"]);
    const { averaged, ...kept } = options;
    return { spec: this.#context.spec, weights: await this.#readWeights(read.boolean("averaged", false)), ...kept };
  }

  async checkpoint(): Promise<Checkpoint> {
    this.#expectAlive();
    if (!this.#last) throw new StateError("there is nothing to go on from before the first fit");
    return this.#last.checkpoint();
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#session[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  get #session(): Session {
    return this.#context.session;
  }

  #expectAlive(): void {
    if (this.#disposed) throw new StateError("this trainer was disposed; compile the model again");
  }

  /** Parameters only: slots and counters are not a callback's to change. */
  async #writeWeights(weights: Tensors): Promise<void> {
    const names = buildModel(this.#context.spec).parameters.map(({ name }) => name);
    const unknown = Object.keys(weights).find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw new ConfigError(`writeWeights: "${unknown}" is no parameter of the model; it has ${names.join(", ")}`);
    await this.#session.writeState(weights);
  }

  async #readWeights(averaged = false): Promise<Tensors> {
    const { parameters } = buildModel(this.#context.spec);
    const { optimizer } = this.#context;
    if (averaged && !optimizer.base.useEma)
      throw new ConfigError("snapshot: averaged weights are kept only by an optimizer with useEma: true");
    const names = averaged
      ? averagedNames(optimizer, parameters)
      : Object.fromEntries(parameters.map(({ name }) => [name, name]));
    const state = await this.#session.readState(Object.values(names));
    // A backend may compute in other precision; what is kept is float32.
    const weights = Object.entries(names).map(([name, from]) => [
      name,
      float32(state[from]?.shape ?? [], state[from]?.data ?? []),
    ]);
    return Object.fromEntries(weights) as Tensors;
  }
}
