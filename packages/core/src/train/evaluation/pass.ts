/** A pass over rows without training: batch by batch, the longest rows first, in one turn of the session. */
import { ConfigError } from "../../errors.ts";
import { OptionReader } from "../../nn/options.ts";
import type { Tensors } from "../../tensor.ts";
import { longestFirst } from "../data/batchOrder.ts";
import { batchWriter } from "../data/batchWriter.ts";
import { type Dataset, rowLengths } from "../data/dataset.ts";
import { checkSignal, expectWanted, type Signal } from "../session/signal.ts";
import type { Turns } from "../session/turns.ts";
import type { StepEvent } from "./events.ts";
import type { Logs } from "./running.ts";

/** Options of `evaluate` and `predict`. */
export interface PassOptions {
  /** Rows that go through the model together. Default 32. It changes the speed, and no more than the last digits of a loss. */
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
export function checkBatchSize(batchSize = 32): number {
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new ConfigError(`batchSize must be a whole number from 1 on, got ${batchSize}`);
  }
  return batchSize;
}

/** What a pass does with its batches. */
export interface Pass {
  /** Readies what runs batches of up to `batch` rows. */
  open(batch: number): Promise<(feeds: Tensors) => Promise<Tensors>>;
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
  const batch = Math.min(checkBatchSize(batchSize), rows.length);
  const order = longestFirst(rows, rowLengths(dataset));
  const steps = Math.ceil(order.length / batch);
  await turns.take();
  try {
    const run = await pass.open(batch);
    const writer = batchWriter(dataset, batch);
    for (let step = 0; step < steps; step++) {
      const rest = turns.rest();
      if (rest) await rest;
      expectWanted(signal);
      const chosen = order.subarray(step * batch, (step + 1) * batch);
      writer.write(chosen, 0, chosen.length);
      pass.add(await run(writer.feeds), chosen);
      if (onStep) await turns.lend(() => onStep({ step: step + 1, steps, logs: pass.logs() }));
    }
  } finally {
    turns.give();
  }
}
