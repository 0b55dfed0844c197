/** A model in training: bound to a backend and an objective for as long as they are needed. */
import type { Checkpoint, Settings } from "../checkpoint/checkpoint.ts";
import { ConfigError, StateError } from "../errors.ts";
import { inferenceGraph } from "../nn/build.ts";
import type { Model } from "../nn/model.ts";
import { OptionReader } from "../nn/options.ts";
import type { Trained } from "../nn/trained.ts";
import { averagedNames } from "../optim/step.ts";
import { type Float32Tensor, float32, type Tensors } from "../tensor.ts";
import { inOrder } from "./data/batchOrder.ts";
import { capacitiesOf } from "./data/batchRoom.ts";
import { type Dataset, type Examples, readDataset } from "./data/dataset.ts";
import type { Inputs } from "./data/named.ts";
import { evaluateRows } from "./evaluation/evaluate.ts";
import type { History, SnapshotOptions } from "./evaluation/events.ts";
import { checkPassOptions, type PassOptions, sizingOf } from "./evaluation/pass.ts";
import { predictRows } from "./evaluation/predict.ts";
import type { Logs } from "./evaluation/running.ts";
import { ModelStream, type Stream, type StreamOptions } from "./evaluation/stream.ts";
import { type Counters, Fit } from "./fit/fit.ts";
import { type FitOptions, planFit, type TrainingData } from "./fit/fitOptions.ts";
import { keptLosses } from "./objective/kept.ts";
import { resetStates } from "./session/carriedStates.ts";
import { programName, readExamples, type TrainerContext } from "./session/context.ts";

/**
 * A model in training. It holds the backend's memory: `await using`, or `dispose` it. Calls may overlap, in callbacks too: whatever uses the
 * weights does so in turn, whole predictions and evaluations between two steps of `fit`. Every 15 ms or so the host's event loop has a turn.
 */
export interface Trainer extends AsyncDisposable {
  readonly model: Model;
  /** Trains. The data is checked before the first step. @throws NonFiniteError where the loss, or what a step would leave, is not finite */
  fit(data: TrainingData, options?: FitOptions): Promise<History>;
  /**
   * The loss and the metrics over the data; of several outputs by name, with the loss of each: `loss`, `toneLoss`, `toneAccuracy`. With
   * `sampleWeights` these count in the losses and in `weightedMetrics`.
   */
  evaluate(data: Examples, options?: PassOptions): Promise<Logs>;
  /** The output for each row: float32 [rows, …]. For a model of several outputs it is the first; see `predictAll`. */
  predict(x: Inputs, options?: PassOptions): Promise<Float32Tensor>;
  /** Every output by name. */
  predictAll(x: Inputs, options?: PassOptions): Promise<Readonly<Record<string, Float32Tensor>>>;
  /**
   * Rows to be read as their steps come, each in a state of its own, whether or not layers are `stateful`; with the weights that there are at each step.
   *
   * @throws ConfigError for a model that needs whole rows, with the layer: one that reads them from their ends, or pools over them
   */
  stream(options?: StreamOptions): Stream;
  /**
   * Of a model with `stateful` layers: rows begin anew, all or those named, in training (call it in a callback, where a text ends) and in `predict`. `fit`
   * does it for all rows where its data begins, each epoch; `evaluate` and validation have states of their own, which begin anew with each call.
   *
   * @throws ConfigError where no layer is `stateful`, or for a row that there is not
   */
  resetStates(rows?: readonly number[]): Promise<void>;
  /** The model with its present weights, and the vocabulary and metadata to keep with them. */
  snapshot(options?: SnapshotOptions): Promise<Trained>;
  /**
   * Where the last `fit` stands, finished or not: `fit(data, { …the same, resume })` goes on from there, in this process or another. After a
   * `fit` that ended by itself it has the weights that callbacks put back, such as the best ones of early stopping. After a `fit` that a signal or
   * an error ended it has the weights of the last step.
   *
   * @throws StateError before the first `fit`, and while callbacks that keep a state are being called
   */
  checkpoint(): Promise<Checkpoint>;
  /** Waits for earlier calls. A running `fit` ends with a `StateError` after its step; later calls throw one at once. */
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

  constructor(model: Model, context: TrainerContext, settings: Settings, learningRate: number) {
    this.model = model;
    this.#context = context;
    this.#settings = settings;
    this.#counters = { iteration: 0, orders: 0, learningRate };
  }

  async fit(data: TrainingData, options: FitOptions = {}): Promise<History> {
    this.#context.turns.expectOpen();
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
      if (options.resume !== undefined) await this.#resume(fit, options.resume);
      this.#last = fit;
      return await fit.run();
    } finally {
      this.#fitting = false;
    }
  }

  /** Resumes. While the state is being replaced there is no checkpoint to take. */
  async #resume(fit: Fit, checkpoint: Checkpoint): Promise<void> {
    const last = this.#last;
    this.#last = undefined;
    try {
      await fit.resume(checkpoint);
    } catch (error) {
      this.#last = last;
      throw error;
    }
  }

  async evaluate(data: Examples, options: PassOptions = {}): Promise<Logs> {
    this.#context.turns.expectOpen();
    checkPassOptions("evaluate", options);
    const dataset = readExamples(this.#context, data);
    sizingOf("evaluate", options, dataset.batchSize);
    return evaluateRows(this.#context, dataset, inOrder(dataset.rows), options);
  }

  async predict(x: Inputs, options: PassOptions = {}): Promise<Float32Tensor> {
    const outputs = await this.predictAll(x, options);
    return outputs[this.#context.spec.outputs[0]?.name as string] as Float32Tensor;
  }

  async predictAll(x: Inputs, options: PassOptions = {}): Promise<Readonly<Record<string, Float32Tensor>>> {
    const { programs, spec, states, turns } = this.#context;
    turns.expectOpen();
    checkPassOptions("predict", options);
    const dataset = readDataset(spec, x);
    const open = async (part: Dataset, batch: number) => {
      const room = capacitiesOf(part, batch);
      return (await programs.get(programName("predict", part), () => inferenceGraph(spec, "stateful"), room))
        .executable;
    };
    return predictRows(turns, spec, dataset, options, open, states?.predicting);
  }

  stream(options: StreamOptions = {}): Stream {
    const { spec, turns, programs } = this.#context;
    turns.expectOpen();
    return new ModelStream(spec, options, turns, (graph, sizes) => programs.get("stream", graph, sizes));
  }

  async resetStates(rows?: readonly number[]): Promise<void> {
    const { turns, states } = this.#context;
    await resetStates(turns, states && [states.training, states.predicting], rows);
  }

  async snapshot(options: SnapshotOptions = {}): Promise<Trained> {
    this.#context.turns.expectOpen();
    const read = new OptionReader("snapshot", options, ["vocabulary", "metadata", "averaged"]);
    const { averaged, ...kept } = options;
    const { outputs, parameters } = this.#context;
    const losses = keptLosses(outputs, parameters);
    const weights = await this.#readWeights(read.boolean("averaged", false));
    return { ...this.model, weights, ...(losses === undefined ? {} : { losses }), ...kept };
  }

  async checkpoint(): Promise<Checkpoint> {
    this.#context.turns.expectOpen();
    if (!this.#last)
      throw new StateError("there is nothing to go on from before the first fit, or while one is being resumed");
    return this.#last.checkpoint();
  }

  dispose(): Promise<void> {
    const { turns, session } = this.#context;
    return turns.close(() => session[Symbol.asyncDispose]());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Parameters only: slots and counters are not a callback's to change. */
  async #writeWeights(weights: Tensors): Promise<void> {
    const names = new Set(this.#context.parameters.map(({ name }) => name));
    const unknown = Object.keys(weights).find((name) => !names.has(name));
    if (unknown !== undefined)
      throw new ConfigError(`writeWeights: "${unknown}" is no parameter of the model; it has ${[...names].join(", ")}`);
    const { turns, session } = this.#context;
    await turns.inTurn(() => session.writeState(weights));
  }

  async #readWeights(averaged = false): Promise<Tensors> {
    const { optimizer, parameters, session, turns } = this.#context;
    if (averaged && !optimizer.base.useEma)
      throw new ConfigError("snapshot: averaged weights are kept only by an optimizer with useEma: true");
    const names = averaged
      ? averagedNames(optimizer, parameters)
      : Object.fromEntries(parameters.map(({ name }) => [name, name]));
    const state = await turns.inTurn(() => session.readState(Object.values(names)));
    // A backend may compute in other precision; what is kept is float32.
    const weights = Object.entries(names).map(([name, from]) => [
      name,
      float32(state[from]?.shape ?? [], state[from]?.data ?? []),
    ]);
    return Object.fromEntries(weights) as Tensors;
  }
}
