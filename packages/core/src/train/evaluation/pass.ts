/** A pass over rows without training: batch by batch, the longest rows first, in one turn of the session. */
import type { Executable } from "../../backend.ts";
import { ConfigError, DataError } from "../../errors.ts";
import { OptionReader } from "../../nn/options.ts";
import type { Tensors } from "../../tensor.ts";
import { longestFirst } from "../data/batchOrder.ts";
import { batchWriter } from "../data/batchWriter.ts";
import { type Dataset, rowLengths } from "../data/dataset.ts";
import type { CarriedStates } from "../session/carriedStates.ts";
import { checkSignal, expectWanted, type Signal } from "../session/signal.ts";
import type { Turns } from "../session/turns.ts";
import type { StepEvent } from "./events.ts";
import type { Logs } from "./running.ts";

/** Options of `evaluate` and `predict`. */
export interface PassOptions {
  /**
   * Rows that go through the model together. Default 32, or what the data says. It changes the speed, and no more than the last digits of a loss; but in
   * a model with `stateful` layers each row goes on with that in its place in the batch before.
   */
  readonly batchSize?: number;
  /** After each batch. Other calls of the same trainer or predictor may come in between while it runs. */
  readonly onStep?: (event: StepEvent) => void | Promise<void>;
  /** Stops after the running batch: the signal's reason is thrown. */
  readonly signal?: Signal;
}

/** The options of `owner`, of whatever origin. @throws ConfigError */
export function checkPassOptions(owner: string, options: PassOptions): void {
  new OptionReader(owner, options, ["batchSize", "onStep", "signal"]).functions("onStep");
  checkSignal(owner, options.signal);
  checkBatchSize(options.batchSize);
}

/** A batch size, checked. */
function checkBatchSize(batchSize = 32): number {
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new ConfigError(`batchSize must be a whole number from 1 on, got ${batchSize}`);
  }
  return batchSize;
}

/** What `owner` was asked for, or what the rows say. @throws ConfigError where these differ */
export function batchSizeOf(owner: string, given: number | undefined, of: number | undefined): number {
  if (given !== undefined && of !== undefined && given !== of)
    throw new ConfigError(`${owner}: the rows are batches of ${of} and batchSize is ${given}; leave it out`);
  return checkBatchSize(given ?? of);
}

/** @throws DataError where states go on and rows are no whole number of batches */
export function expectWhole(owner: string, states: CarriedStates | undefined, rows: number, batch: number): void {
  if (states && rows % batch !== 0)
    throw new DataError(
      `${owner}: ${rows} rows are no whole number of batches of ${batch}, and ${states.layer} is stateful: each row goes on with that in its place in the batch before; give a batchSize that divides ${rows}, or cut a text by continuousBatches`,
    );
}

/** What a pass does with its batches. */
export interface Pass {
  /** The states that go on from batch to batch; rows then stay in their order. */
  readonly states?: CarriedStates | undefined;
  /** Readies what runs batches of up to `batch` rows, and tensors for results that have the same shape each time. */
  open(batch: number): Promise<{ readonly executable: Pick<Executable, "run">; readonly results?: Tensors }>;
  /** Takes in the results for these rows. */
  add(results: Tensors, rows: Int32Array): void;
  /** The figures so far. */
  logs(): Logs;
}

/** The turn is given back while `onStep` runs, and when the pass has ended. @throws StateError where the session is disposed of before that */
export async function passOver(
  turns: Turns,
  dataset: Dataset,
  rows: Int32Array,
  { batchSize, onStep, signal }: PassOptions,
  pass: Pass,
): Promise<void> {
  const { states } = pass;
  const batch = Math.min(batchSizeOf("batchSize", batchSize, dataset.batchSize), rows.length);
  const lasting = states?.lasting ? states : undefined;
  expectWhole("the data", lasting, rows.length, batch);
  const order = lasting ? rows : longestFirst(rows, rowLengths(dataset));
  const steps = Math.ceil(order.length / batch);
  await turns.take();
  try {
    const { executable, results } = await pass.open(batch);
    const writer = batchWriter(dataset, batch);
    let feeds = writer.feeds;
    let into = results;
    for (let step = 0; step < steps; step++) {
      const rest = turns.rest();
      if (rest) await rest;
      expectWanted(signal);
      const chosen = order.subarray(step * batch, (step + 1) * batch);
      writer.write(chosen, 0, chosen.length);
      if (states && (step === 0 || states.rows !== chosen.length)) {
        states.open(chosen.length);
        feeds = { ...writer.feeds, ...states.feeds };
        into = { ...results, ...states.results };
      }
      const fetched = await executable.run(feeds, into);
      states?.goOn(feeds, fetched);
      pass.add(fetched, chosen);
      if (onStep) await turns.lend(() => onStep({ step: step + 1, steps, logs: pass.logs() }));
    }
  } finally {
    turns.give();
  }
}
