/** A pass over rows without training: batch by batch, the longest rows first, in one turn of the session. */
import type { Executable } from "../../backend.ts";
import { ConfigError, DataError } from "../../errors.ts";
import { OptionReader } from "../../nn/options.ts";
import type { Tensors } from "../../tensor.ts";
import { type BatchSizing, batchesOf, longestFirst, rowsOf } from "../data/batchOrder.ts";
import { preparedBatches } from "../data/batchRoom.ts";
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
  /**
   * In the place of `batchSize`, or beside it: the most steps of a batch, its rows times the steps of the longest of them, along the longest time axis. A longer row is a batch by itself.
   */
  readonly batchTokens?: number;
  /** After each batch. Other calls of the same trainer or predictor may come in between while it runs. */
  readonly onStep?: (event: StepEvent) => void | Promise<void>;
  /** Stops after the running batch: the signal's reason is thrown. */
  readonly signal?: Signal;
}

/** The options of `owner`, of whatever origin. @throws ConfigError */
export function checkPassOptions(owner: string, options: PassOptions): void {
  new OptionReader(owner, options, ["batchSize", "batchTokens", "onStep", "signal"]).functions("onStep");
  checkSignal(owner, options.signal);
  sizingOf(owner, options);
}

/** How large `owner` was asked to make batches; of rows that are batches already as large as they are. @throws ConfigError */
export function sizingOf(
  owner: string,
  { batchSize, batchTokens }: Pick<PassOptions, keyof BatchSizing>,
  of?: number,
): BatchSizing {
  const sizes = { batchSize: batchSize ?? of, batchTokens };
  for (const [name, size = 1] of Object.entries(sizes))
    if (!Number.isSafeInteger(size) || size < 1)
      throw new ConfigError(`${name} must be a whole number from 1 on, got ${size}`);
  if (of !== undefined && (sizes.batchSize !== of || batchTokens !== undefined)) {
    const wrong = sizes.batchSize !== of ? `batchSize is ${batchSize}` : `batchTokens is ${batchTokens}`;
    throw new ConfigError(`${owner}: the rows are batches of ${of} and ${wrong}; leave it out`);
  }
  return { batchSize: sizes.batchSize ?? (batchTokens === undefined ? 32 : Number.POSITIVE_INFINITY), batchTokens };
}

/** The bounds of a sizing that it has, as options. */
export function sizesOf({ batchSize, batchTokens }: BatchSizing): Pick<PassOptions, keyof BatchSizing> {
  return {
    ...(Number.isFinite(batchSize) ? { batchSize } : {}),
    ...(batchTokens === undefined ? {} : { batchTokens }),
  };
}

/** @throws DataError where states go on and rows are no whole number of batches */
export function expectWhole(
  owner: string,
  states: CarriedStates | undefined,
  rows: number,
  { batchSize, batchTokens }: BatchSizing,
): void {
  if (states === undefined) return;
  if (batchTokens !== undefined)
    throw new ConfigError(
      `${owner}: ${states.layer} is stateful, and its batches have one size; give batchSize in the place of batchTokens`,
    );
  const batch = Math.min(batchSize, rows);
  if (rows % batch !== 0)
    throw new DataError(
      `${owner}: ${rows} rows are no whole number of batches of ${batch}, and ${states.layer} is stateful: each row goes on with that in its place in the batch before; give a batchSize that divides ${rows}, or cut a text by continuousBatches`,
    );
}

/** What a pass does with its batches. */
export interface Pass {
  /** The states that go on from batch to batch; rows then stay in their order. */
  readonly states?: CarriedStates | undefined;
  /** Readies what runs batches of up to `batch` rows of a part of the data, and tensors for results that have the same shape each time. */
  open(
    part: Dataset,
    batch: number,
  ): Promise<{ readonly executable: Pick<Executable, "run">; readonly results?: Tensors }>;
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
  options: PassOptions,
  pass: Pass,
): Promise<void> {
  const { states } = pass;
  const { onStep, signal } = options;
  const sizing = sizingOf("batchSize", options, dataset.batchSize);
  const lasting = states?.lasting ? states : undefined;
  expectWhole("the data", lasting, rows.length, sizing);
  const lengths = rowLengths(dataset);
  const batches = batchesOf(lasting ? rows : longestFirst(rows, lengths), lengths, sizing);
  const steps = batches.ends.length;
  await turns.take();
  try {
    const prepared = preparedBatches(dataset, batches, sizing, async (part, batch) => ({
      ...(await pass.open(part, batch)),
      writer: batchWriter(part, batch),
    }));
    let before: unknown;
    let feeds: Tensors = {};
    let into: Tensors = {};
    for (let step = 0; step < steps; step++) {
      const rest = turns.rest();
      if (rest) await rest;
      expectWanted(signal);
      const chosen = rowsOf(batches, step);
      const ready = await prepared(step);
      ready.writer.write(chosen, 0, chosen.length);
      if (ready !== before || (states && states.rows !== chosen.length)) {
        states?.open(chosen.length);
        feeds = { ...ready.writer.feeds, ...states?.feeds };
        into = { ...ready.results, ...states?.results };
        before = ready;
      }
      const fetched = await ready.executable.run(feeds, into);
      states?.goOn(feeds, fetched);
      pass.add(fetched, chosen);
      if (onStep) await turns.lend(() => onStep({ step: step + 1, steps, logs: pass.logs() }));
    }
  } finally {
    turns.give();
  }
}
