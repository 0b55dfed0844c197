/** One `fit`: epochs of steps, and all that has to be known to stop it between two steps and go on. */
import type { Executable } from "../backend.ts";
import type { Checkpoint, Position, Settings } from "../checkpoint/checkpoint.ts";
import { ConfigError, DataError, StateError } from "../errors.ts";
import { learningRateAt } from "../optim/learningRate.ts";
import type { Tensor, Tensors } from "../tensor.ts";
import { orderOfEpoch } from "./batchOrder.ts";
import type { Callback, TrainingControl } from "./callback.ts";
import { expectWanted, readExamples, type TrainerContext } from "./context.ts";
import { batchWriter, type Dataset, type Examples, rowLengths } from "./dataset.ts";
import { evaluateRows } from "./evaluate.ts";
import type { EpochEvent, History } from "./events.ts";
import type { FitOptions, FitPlan, Rows } from "./fitOptions.ts";
import { APPLIED, LEARNING_RATE, trainingGraph } from "./graphs.ts";
import { explainNonFinite } from "./nonFinite.ts";
import { inOrder } from "./predict.ts";
import { readyToResume } from "./resume.ts";
import { type Logs, Running, validationLogs, validationName } from "./running.ts";

/** What outlives one `fit` of a trainer. */
export interface Counters {
  /** Steps made in all. */
  iteration: number;
  /** Orders of rows drawn, so that a second `fit` does not repeat those of the first. */
  orders: number;
  /** Of an optimizer without a schedule. */
  learningRate: number;
}

/** What `fit` needs of the trainer beside the shared context. */
export interface FitHooks {
  readonly counters: Counters;
  /** What a checkpoint must agree with beside the data: the model and the objective. */
  readonly settings: Settings;
  readonly control: Pick<TrainingControl, "snapshot" | "readWeights" | "writeWeights">;
}

export class Fit {
  readonly #context: TrainerContext;
  readonly #plan: FitPlan;
  readonly #options: FitOptions;
  readonly #hooks: FitHooks;
  readonly #running: Running;
  readonly #history: EpochEvent[] = [];
  /** Epochs finished, and steps made in the one that runs. */
  #epoch = 0;
  #step = 0;
  #seconds = 0;
  #since = Date.now();
  #stopped: string | undefined;
  /** A step is running: the state is not to be read now. */
  #busy = false;
  /** What the callbacks are being told, and the first of them that may not have taken it in. */
  #telling: "onStep" | "onEpoch" = "onStep";
  #hearing = Number.POSITIVE_INFINITY;

  constructor(context: TrainerContext, plan: FitPlan, options: FitOptions, hooks: FitHooks) {
    this.#context = context;
    this.#plan = plan;
    this.#options = options;
    this.#hooks = hooks;
    this.#running = new Running(context.objective);
  }

  async run(): Promise<History> {
    const { epochs, callbacks } = this.#plan;
    const control = this.#control();
    for (const callback of callbacks) await callback.onStart?.(control);
    // An epoch in which training was stopped is brought to its end.
    while (this.#epoch < epochs && (this.#stopped === undefined || this.#step > 0)) {
      this.#since = Date.now();
      const logs = await this.#trainEpoch(control);
      const checked = await this.#validate();
      this.#hooks.counters.orders += 1;
      this.#epoch += 1;
      this.#step = 0;
      this.#running.reset();
      const seconds = this.#elapsed();
      this.#seconds = 0;
      const event: EpochEvent = { epoch: this.#epoch, epochs, seconds, ...logs, ...checked };
      this.#history.push(event);
      this.#since = Date.now();
      await this.#tell("onEpoch", (callback) => callback.onEpoch?.(event, control));
      await this.#options.onEpoch?.(event);
    }
    const history: History =
      this.#stopped === undefined || this.#epoch === epochs
        ? { epochs: this.#history }
        : { epochs: this.#history, stopped: this.#stopped };
    for (const callback of callbacks) await callback.onEnd?.(history, control);
    return history;
  }

  /** Everything, as it stands between two steps. */
  async checkpoint(): Promise<Checkpoint> {
    return this.#checkpoint(this.#hearing);
  }

  /** `untold`: the first callback that may not have taken in what happened last. */
  async #checkpoint(untold: number): Promise<Checkpoint> {
    if (this.#busy) throw new StateError("a step is running; take checkpoints in callbacks, or when fit has ended");
    const behind = this.#plan.callbacks.find((callback, i) => i >= untold && callback.state && callback[this.#telling]);
    if (behind) {
      throw new StateError(
        `${behind.name} has not been told of the last ${this.#telling === "onStep" ? "step" : "epoch"} yet, and would not go on exactly; take checkpoints in a callback with last: true, or when fit has ended`,
      );
    }
    const { iteration, orders, learningRate } = this.#hooks.counters;
    const position: Position = {
      epoch: this.#epoch,
      step: this.#step,
      iteration,
      orders,
      learningRate,
      seconds: this.#elapsed(),
      sums: this.#running.sums(),
      history: [...this.#history],
      ...(this.#stopped === undefined ? {} : { stopped: this.#stopped }),
    };
    const states = this.#plan.callbacks.flatMap((callback) => {
      const state = callback.state?.();
      return state ? [{ name: callback.name, state }] : [];
    });
    const tensors = states.flatMap(({ name, state }) =>
      Object.entries(state.tensors ?? {}).map(([key, tensor]): [string, Tensor] => [`${name}/${key}`, tensor]),
    );
    return {
      settings: this.#settings(),
      position,
      state: await this.#context.session.readState(),
      callbacks: Object.fromEntries(states.map(({ name, state }) => [name, state.data])),
      callbackTensors: Object.fromEntries(tensors),
    };
  }

  #settings(): Settings {
    return {
      ...this.#hooks.settings,
      ...this.#plan.settings,
      callbacks: this.#plan.callbacks.map((callback) => callback.name),
    };
  }

  /** Takes up the training of a checkpoint, before `run`. @throws ConfigError, ModelFileError */
  async resume(given: unknown): Promise<void> {
    const { checkpoint, position } = await readyToResume(this.#context, this.#plan, this.#settings(), given);
    for (const callback of this.#plan.callbacks) {
      const data = Object.hasOwn(checkpoint.callbacks, callback.name) ? checkpoint.callbacks[callback.name] : undefined;
      if (data === undefined) continue;
      await callback.restore?.({ data, tensors: ownTensors(checkpoint.callbackTensors, callback) });
    }
    await this.#context.session.writeState(checkpoint.state);
    const { counters } = this.#hooks;
    counters.iteration = position.iteration;
    counters.orders = position.orders;
    counters.learningRate = position.learningRate;
    this.#epoch = position.epoch;
    this.#step = position.step;
    this.#seconds = position.seconds;
    this.#running.restore(position.sums);
    this.#history.push(...position.history);
    this.#stopped = position.stopped;
  }

  #elapsed(): number {
    return this.#seconds + (Date.now() - this.#since) / 1000;
  }

  #control(): TrainingControl {
    const { counters, control } = this.#hooks;
    const scheduled = typeof this.#context.optimizer.learningRate !== "number";
    const names = ["loss", ...this.#context.objective.metrics.map(({ name }) => name)];
    const figures = this.#plan.validation ? [...names, ...names.map(validationName)] : names;
    return {
      ...control,
      figures,
      get learningRate() {
        return counters.learningRate;
      },
      set learningRate(rate) {
        if (scheduled) throw new ConfigError("the learning rate follows a schedule; it cannot be set beside it");
        if (!(rate >= 0 && Number.isFinite(rate)))
          throw new ConfigError(`the learning rate must be a number from 0 on, got ${rate}`);
        counters.learningRate = rate;
      },
      stop: (reason) => {
        this.#stopped ??= reason;
      },
      // The callback that asks has taken in what it was told.
      checkpoint: () => this.#checkpoint(this.#hearing + 1),
    };
  }

  async #trainEpoch(control: TrainingControl): Promise<Logs> {
    const { rows, batches, batchSize } = this.#plan;
    if (rows) {
      const order = this.#order(rows);
      await this.#trainSteps(rows.dataset, order, batchSize, Math.ceil(order.length / batchSize), control);
      return this.#running.logs();
    }
    let seen = 0;
    for await (const batch of batches as Iterable<Examples>) {
      seen += 1;
      // Batches made before the checkpoint was taken are walked past.
      if (seen <= this.#step) continue;
      if (this.#stopped !== undefined) break;
      const dataset = readExamples(this.#context, batch, this.#plan.classWeight);
      await this.#trainSteps(dataset, inOrder(dataset.rows), dataset.rows, 0, control);
    }
    if (seen === 0) {
      throw new DataError(
        `epoch ${this.#epoch + 1}: the iterable of batches gave none; one that can be walked again is wanted where epochs is over 1`,
      );
    }
    if (seen < this.#step) {
      throw new DataError(
        `epoch ${this.#epoch + 1}: the iterable of batches gave ${seen}, and ${this.#step} were seen before the checkpoint; give the same batches`,
      );
    }
    return this.#running.logs();
  }

  #order({ dataset, order }: Rows): Int32Array {
    const { batchSize, shuffle, groupByLength } = this.#plan;
    const lengths = groupByLength ? { lengths: rowLengths(dataset) } : {};
    const { seed } = this.#context;
    return orderOfEpoch(order, { seed, index: this.#hooks.counters.orders, batchSize, shuffle, ...lengths });
  }

  /** The steps that are left of `order`; of a batch of an iterable, the one step it is. */
  async #trainSteps(
    dataset: Dataset,
    order: Int32Array,
    batchSize: number,
    steps: number,
    control: TrainingControl,
  ): Promise<void> {
    const { spec, objective, optimizer, seed, programs } = this.#context;
    const { counters } = this.#hooks;
    const batch = Math.min(batchSize, order.length);
    const build = () => trainingGraph(spec, objective, optimizer, seed, dataset.weighted);
    const { executable, results } = await programs.get(dataset.weighted ? "train weighted" : "train", build, {
      batch,
      ...dataset.longest,
    });
    const writer = batchWriter(dataset, batch);
    const rate = new Float32Array(1);
    const feeds: Tensors = { ...writer.feeds, [LEARNING_RATE]: { dtype: "float32", shape: [], data: rate } };
    const first = steps === 0 ? 0 : this.#step * batchSize;
    for (let from = first; from < order.length && this.#stopped === undefined; from += batchSize) {
      expectWanted(this.#options.signal);
      writer.write(order, from, Math.min(batch, order.length - from));
      if (typeof optimizer.learningRate !== "number")
        counters.learningRate = learningRateAt(optimizer.learningRate, counters.iteration);
      rate[0] = counters.learningRate;
      const fetched = await this.#runStep(executable, feeds, results);
      const event = { epoch: this.#epoch + 1, epochs: this.#plan.epochs, step: this.#step + 1, steps };
      if (fetched[APPLIED]?.data[0] !== 1) throw await explainNonFinite(this.#context, dataset, feeds, event);
      this.#step += 1;
      counters.iteration += 1;
      this.#running.add(fetched);
      await this.#afterStep(event, control);
    }
  }

  async #runStep(executable: Executable, feeds: Tensors, results: Tensors | undefined): Promise<Tensors> {
    this.#busy = true;
    try {
      return await executable.run(feeds, results);
    } finally {
      this.#busy = false;
    }
  }

  async #afterStep(
    event: { epoch: number; epochs: number; step: number; steps: number },
    control: TrainingControl,
  ): Promise<void> {
    const { onStep } = this.#options;
    const listening = onStep !== undefined || this.#plan.callbacks.some((callback) => callback.onStep);
    if (!listening) return;
    const whole = { ...event, logs: this.#running.logs() };
    await this.#tell("onStep", (callback) => callback.onStep?.(whole, control));
    await onStep?.(whole);
  }

  async #tell(what: "onStep" | "onEpoch", tell: (callback: Callback) => void | Promise<void>): Promise<void> {
    const { callbacks } = this.#plan;
    this.#telling = what;
    for (this.#hearing = 0; this.#hearing < callbacks.length; this.#hearing++)
      await tell(callbacks[this.#hearing] as Callback);
  }

  async #validate(): Promise<Logs> {
    const { validation, batchSize } = this.#plan;
    if (!validation) return {};
    const { onValidationStep: onStep, signal } = this.#options;
    const logs = await evaluateRows(
      this.#context,
      validation.dataset,
      validation.order,
      { batchSize, ...(onStep ? { onStep } : {}) },
      signal,
    );
    return validationLogs(logs);
  }
}

/** The tensors that a callback gave, by the names it gave them. */
function ownTensors(tensors: Tensors, callback: Callback): Tensors {
  const prefix = `${callback.name}/`;
  const own = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}
