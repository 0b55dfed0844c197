/** One `fit`: epochs of steps, and all that has to be known to stop it between two steps and go on. */
import type { Executable } from "../../backend.ts";
import type { Checkpoint, Position, Settings } from "../../checkpoint/checkpoint.ts";
import { ConfigError, OstinatoError } from "../../errors.ts";
import { learningRateAt } from "../../optim/learningRate.ts";
import type { Tensors } from "../../tensor.ts";
import { messageOf } from "../../thrown.ts";
import type { TrainingControl } from "../callbacks/callback.ts";
import type { EndFailure } from "../callbacks/callbackList.ts";
import type { Batches } from "../data/batches.ts";
import { inOrder, rowsOf } from "../data/batchOrder.ts";
import { capacitiesOf, preparedBatches } from "../data/batchRoom.ts";
import { type BatchArrays, type BatchWriter, batchWriter } from "../data/batchWriter.ts";
import type { ClassWeights } from "../data/classWeights.ts";
import type { Dataset, Examples } from "../data/dataset.ts";
import { columnDigests } from "../data/digest.ts";
import { evaluateRows } from "../evaluation/evaluate.ts";
import type { EpochEvent, History, TrainingStepEvent } from "../evaluation/events.ts";
import { sizesOf } from "../evaluation/pass.ts";
import { type Logs, Running, validationLogs } from "../evaluation/running.ts";
import { validationName } from "../objective/figures.ts";
import { APPLIED, LEARNING_RATE, trainingGraph } from "../objective/graphs.ts";
import { figureNames } from "../objective/objective.ts";
import { splitStates } from "../session/carriedStates.ts";
import { programName, readExamples, type TrainerContext, weighed } from "../session/context.ts";
import { now } from "../session/hostTurn.ts";
import { expectWanted } from "../session/signal.ts";
import { batchesAfter, type FitOptions, type FitPlan } from "./fitOptions.ts";
import { explainNonFinite } from "./nonFinite.ts";
import { readyToResume } from "./resume.ts";

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

/** A program with its feeds, ready for batches of one data set. */
interface Prepared {
  readonly dataset: Dataset;
  readonly executable: Executable;
  readonly results: Tensors;
  readonly writer: BatchWriter;
  readonly feeds: Tensors;
  /** The learning rate that is fed. */
  readonly rate: Float32Array;
  /** What the form of training is fed. */
  readonly share: Float32Array;
}

/** After so many steps of an epoch of unknown length its generator probably never ends. */
const MANY_STEPS = 10_000;

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
  #since = now();
  #stopped: string | undefined;
  /** Training ended by an error or a signal. */
  #failed = false;
  /** The checkpoint of a training that failed, from before callbacks put other weights in. */
  #kept: Promise<Checkpoint> | undefined;

  constructor(context: TrainerContext, plan: FitPlan, options: FitOptions, hooks: FitHooks) {
    this.#context = context;
    this.#plan = plan;
    this.#options = options;
    this.#hooks = hooks;
    this.#running = new Running(context.outputs);
  }

  async run(): Promise<History> {
    const { batches, callbacks, warnings, warn, epochs } = this.#plan;
    const control = this.#control();
    for (const warning of warnings) warn(warning);
    try {
      await callbacks.start(control);
      await this.#trainEpochs(control);
      await batches?.close();
    } catch (error) {
      this.#failed = true;
      // The first error is thrown; what fails after it is a warning.
      await batches?.close().catch((failure) => warn(`the batches could not be closed: ${messageOf(failure)}`));
      this.#report(await callbacks.end({ epochs: this.#history, stopped: messageOf(error) }, control));
      throw error;
    }
    const history: History =
      this.#stopped === undefined || this.#epoch === epochs
        ? { epochs: this.#history }
        : { epochs: this.#history, stopped: this.#stopped };
    const [first, ...others] = await callbacks.end(history, control);
    this.#report(others);
    if (first) throw first.error;
    return history;
  }

  #report(failures: readonly EndFailure[]): void {
    for (const { name, error } of failures)
      this.#plan.warn(`${name} failed at the end of training: ${messageOf(error)}`);
  }

  /**
   * Everything, as it stands between two steps.
   *
   * @param byCallback the callback that is running asks for it
   * @throws StateError where another callback has yet to be told of the last step or epoch
   */
  async checkpoint(byCallback = false): Promise<Checkpoint> {
    return this.#kept ?? this.#context.turns.inTurn(() => this.#checkpoint(byCallback));
  }

  async #checkpoint(byCallback: boolean): Promise<Checkpoint> {
    const { callbacks } = this.#plan;
    callbacks.expectTold(byCallback);
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
    const kept = callbacks.states();
    const { session, states } = this.#context;
    const state = { ...(await session.readState()), ...states?.training.tensors() };
    return { settings: this.#settings(), position, state, ...kept };
  }

  #settings(): Settings {
    const { rows, rowsAnew, validation } = this.#plan;
    const columns = columnDigests(rowsAnew ? undefined : rows?.dataset, validation?.dataset);
    return { ...this.#hooks.settings, ...this.#plan.settings, callbacks: this.#plan.callbacks.names, columns };
  }

  /** Takes up the training of a checkpoint, before `run`. @throws ConfigError, ModelFileError */
  async resume(given: unknown): Promise<void> {
    const { turns, session, states } = this.#context;
    const { checkpoint, position } = await turns.inTurn(() =>
      readyToResume(this.#context, this.#plan, this.#settings(), given),
    );
    await this.#plan.callbacks.restore(checkpoint);
    const { carried, others } = splitStates(checkpoint.state);
    await turns.inTurn(() => session.writeState(others));
    states?.training.restore(carried);
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
    return this.#seconds + (now() - this.#since) / 1000;
  }

  #control(): TrainingControl {
    const { counters, control } = this.#hooks;
    const scheduled = typeof this.#context.optimizer.learningRate !== "number";
    const names = figureNames(this.#context.outputs);
    const validation = names.map(([name, own]) => [validationName(name), own] as const);
    const figures = new Map([...names, ...(this.#plan.validation ? validation : [])]);
    return {
      ...control,
      figures: [...figures.keys()],
      metricOf: (figure) => figures.get(figure) ?? figure,
      get learningRate() {
        return counters.learningRate;
      },
      set learningRate(rate) {
        if (scheduled) throw new ConfigError("the learning rate follows a schedule; it cannot be set beside it");
        if (!(rate >= 0 && Number.isFinite(rate)))
          throw new ConfigError(`the learning rate must be a number from 0 on, got ${rate}`);
        counters.learningRate = rate;
      },
      writeWeights: async (weights) => {
        // A training that was interrupted is resumed with the weights of its last step, not with those that callbacks put back.
        if (this.#failed) await this.#keep();
        await control.writeWeights(weights);
      },
      stop: (reason) => {
        this.#stopped ??= reason;
      },
      checkpoint: () => this.checkpoint(true),
    };
  }

  /** Keeps the checkpoint, or the error in its place, for later calls. */
  async #keep(): Promise<void> {
    this.#kept ??= this.checkpoint();
    await this.#kept.catch(() => undefined);
  }

  async #trainEpochs(control: TrainingControl): Promise<void> {
    const { epochs, callbacks } = this.#plan;
    // An epoch in which training was stopped is brought to its end.
    while (this.#epoch < epochs && (this.#stopped === undefined || this.#step > 0)) {
      this.#since = now();
      await this.#trainEpoch(control);
      const logs = this.#running.logs();
      const checked = await this.#validate();
      this.#hooks.counters.orders += 1;
      this.#epoch += 1;
      this.#step = 0;
      this.#running.reset();
      const seconds = this.#elapsed();
      this.#seconds = 0;
      const event: EpochEvent = { epoch: this.#epoch, epochs, seconds, ...logs, ...checked };
      this.#history.push(event);
      this.#since = now();
      callbacks.happened("onEpoch");
      await callbacks.tell((callback) => callback.onEpoch?.(event, control));
      await this.#options.onEpoch?.(event);
    }
  }

  async #trainEpoch(control: TrainingControl): Promise<void> {
    const { batches, rowsAnew } = this.#plan;
    const states = this.#context.states?.training;
    if (batches) return this.#trainBatches(batches, control);
    const rows = rowsAnew ? rowsAnew(this.#epoch) : this.#plan.rows;
    const ordered = batchesAfter(this.#context.seed, this.#plan, this.#hooks.counters.orders, rows);
    if (!rows || !ordered) return;
    const { dataset, order } = rows;
    const steps = ordered.ends.length;
    if (this.#step === 0) states?.reset();
    states?.open(Math.min(this.#plan.batchSize, order.length));
    const prepared = preparedBatches(dataset, ordered, this.#plan, (part, batch) => this.#prepare(part, batch));
    while (this.#step < steps && this.#stopped === undefined)
      await this.#trainStep(await prepared(this.#step), rowsOf(ordered, this.#step), steps, control);
  }

  async #trainBatches(batches: Batches, control: TrainingControl): Promise<void> {
    const { classWeight, warn } = this.#plan;
    const arrays: BatchArrays = new Map();
    if (this.#stopped !== undefined) return;
    for await (const batch of batches.epoch(this.#epoch, this.#step, () => this.#pause())) {
      if (this.#step === MANY_STEPS && batches.stepsPerEpoch === undefined)
        warn(`epoch ${this.#epoch + 1} has had ${MANY_STEPS} batches; batches that never end need stepsPerEpoch`);
      const dataset = this.#readBatch(batch, classWeight, batches.anew);
      const prepared = await this.#prepare(dataset, dataset.rows, arrays);
      await this.#trainStep(prepared, inOrder(dataset.rows), batches.stepsPerEpoch ?? 0, control);
      if (this.#stopped !== undefined) break;
    }
  }

  /** Errors count the batch, which the user cannot tell from others. With the first batch, which is `anew`, states begin anew. */
  #readBatch(batch: Examples, classWeight: ClassWeights | undefined, anew: boolean): Dataset {
    const states = this.#context.states?.training;
    try {
      const dataset = weighed(this.#context, readExamples(this.#context, batch), classWeight);
      if (anew) states?.reset();
      states?.open(dataset.rows);
      return dataset;
    } catch (error) {
      if (error instanceof OstinatoError)
        error.message = `epoch ${this.#epoch + 1}, batch ${this.#step + 1}: ${error.message}`;
      throw error;
    }
  }

  async #prepare(dataset: Dataset, batch: number, arrays?: BatchArrays): Promise<Prepared> {
    const { spec, states, objective, optimizer, seed, programs, turns } = this.#context;
    const { weighing } = dataset;
    const build = () => trainingGraph(spec, objective, optimizer, seed, weighing);
    const room = capacitiesOf(dataset, batch);
    const { executable, results } = await turns.inTurn(() => programs.get(programName("train", dataset), build, room));
    const writer = batchWriter(dataset, batch, arrays);
    const [rate, share] = [new Float32Array(1), new Float32Array(1)];
    const form = objective.scheduledSampling;
    const feeds: Tensors = {
      ...writer.feeds,
      ...states?.training.feeds,
      [LEARNING_RATE]: { dtype: "float32", shape: [], data: rate },
      ...(form ? { [form.feed]: { dtype: "float32", shape: [], data: share } } : {}),
    };
    return { dataset, executable, results: { ...results, ...states?.training.results }, writer, feeds, rate, share };
  }

  /** Lets the host's event loop run where that is due. @throws the reason of the signal, where it is aborted */
  async #pause(): Promise<void> {
    const rest = this.#context.turns.rest();
    if (rest) await rest;
    expectWanted(this.#options.signal);
  }

  /** One step on these rows. `steps` is how many the epoch has, 0 where that is unknown. */
  async #trainStep(prepared: Prepared, rows: Int32Array, steps: number, control: TrainingControl): Promise<void> {
    const { turns, states, optimizer, objective } = this.#context;
    const { counters } = this.#hooks;
    await this.#pause();
    const place = { epoch: this.#epoch + 1, epochs: this.#plan.epochs, step: this.#step + 1, steps };
    await turns.take();
    try {
      // It may have been aborted while others had their turns.
      expectWanted(this.#options.signal);
      const { dataset, executable, results, writer, feeds, rate, share } = prepared;
      writer.write(rows, 0, rows.length);
      if (typeof optimizer.learningRate !== "number")
        counters.learningRate = learningRateAt(optimizer.learningRate, counters.iteration);
      rate[0] = counters.learningRate;
      share[0] = objective.scheduledSampling?.valueAt(counters.iteration) ?? 0;
      const fetched = await executable.run(feeds, results);
      if (fetched[APPLIED]?.data[0] !== 1) throw await explainNonFinite(this.#context, dataset, feeds, place);
      states?.training.goOn(feeds, fetched);
      this.#step += 1;
      counters.iteration += 1;
      this.#running.add(fetched);
      this.#plan.callbacks.happened("onStep");
    } finally {
      turns.give();
    }
    await this.#afterStep(place, control);
  }

  async #afterStep(place: Omit<TrainingStepEvent, "logs">, control: TrainingControl): Promise<void> {
    const { onStep } = this.#options;
    const { callbacks } = this.#plan;
    if (onStep === undefined && !callbacks.listens("onStep")) return;
    const event = { ...place, logs: this.#running.logs() };
    await callbacks.tell((callback) => callback.onStep?.(event, control));
    await onStep?.(event);
  }

  async #validate(): Promise<Logs> {
    const { validation, validateAveraged } = this.#plan;
    if (!validation) return {};
    const { onValidationStep: onStep, signal } = this.#options;
    const own = validation.dataset.batchSize;
    const options = {
      ...(own === undefined ? sizesOf(this.#plan) : { batchSize: own }),
      ...(onStep ? { onStep } : {}),
      ...(signal ? { signal } : {}),
    };
    const { dataset, order } = validation;
    return validationLogs(await evaluateRows(this.#context, dataset, order, options, validateAveraged));
  }
}
