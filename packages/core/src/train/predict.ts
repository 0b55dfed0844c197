/** Prediction: batches of rows through the model, and the outputs put together again. */
import type { Executable } from "../backend.ts";
import { ConfigError } from "../errors.ts";
import { inferenceGraph } from "../nn/build.ts";
import { OptionReader } from "../nn/options.ts";
import type { CallSpec, ModelSpec, Source } from "../nn/spec.ts";
import { type Float32Tensor, sizeOf, type Tensor, type Tensors, zeros } from "../tensor.ts";
import { longestFirst } from "./batchOrder.ts";
import type { Column } from "./column.ts";
import { batchWriter, type Dataset, rowLengths } from "./dataset.ts";
import type { Programs } from "./programs.ts";
import type { Logs } from "./running.ts";

/** Where a pass over data stands. */
export interface StepEvent {
  /** From 1 to `steps`. */
  readonly step: number;
  readonly steps: number;
  /** The figures of the rows seen so far. */
  readonly logs: Logs;
}

export interface PredictOptions {
  /** Rows that go through the model together. Default 32. It changes the speed, not the result. */
  readonly batchSize?: number;
  readonly onStep?: (event: StepEvent) => void | Promise<void>;
}

/** The options of `predict`, of whatever origin. @throws ConfigError */
export function checkPredictOptions(options: PredictOptions): void {
  new OptionReader("predict", options, ["batchSize", "onStep"]);
  checkBatchSize(options.batchSize);
}

/** A batch size, checked. */
export function checkBatchSize(batchSize = 32): number {
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new ConfigError(`batchSize must be a whole number from 1 on, got ${batchSize}`);
  }
  return batchSize;
}

/** Row numbers in order. */
export function inOrder(rows: number): Int32Array {
  return Int32Array.from({ length: rows }, (_, row) => row);
}

/** The data that an output goes over: every layer follows its first input. */
function columnBehind(spec: ModelSpec, dataset: Dataset, source: Source): Column {
  let at = source;
  while ("call" in at) at = (spec.calls[at.call] as CallSpec).sources[0] as Source;
  return (dataset.fed[at.input] as Dataset["fed"][number]).column;
}

/** Copies a batch's output to the rows it is of; `steps` of each where they are over time, so that what follows a row's end stays zero. */
function place(batch: Tensor, whole: Float32Tensor, rows: Int32Array, steps?: Int32Array): void {
  const inner = batch.shape.slice(1);
  const rowFrom = sizeOf(inner);
  const rowTo = sizeOf(whole.shape.slice(1));
  const width = inner.at(-1) ?? 1;
  rows.forEach((row, at) => {
    const size = steps ? Math.min((steps[row] as number) * width, rowFrom) : rowFrom;
    for (let i = 0; i < size; i++) whole.data[row * rowTo + i] = batch.data[at * rowFrom + i] as number;
  });
}

/** The outputs for all rows by name, in the order of the rows: float32 [rows, …]. Rows of similar length go through together. Sequences reach to the longest row, and are zero after each row's end. */
export async function predictDataset(
  programs: Programs,
  spec: ModelSpec,
  dataset: Dataset,
  options: PredictOptions,
): Promise<Record<string, Float32Tensor>> {
  const batch = Math.min(checkBatchSize(options.batchSize), dataset.rows);
  const { executable } = await programs.get("predict", () => inferenceGraph(spec), { batch, ...dataset.longest });
  return predictWith(executable, spec, dataset, options);
}

/** `predictDataset` on whatever runs the model's inference graph with room for the batches. */
export async function predictWith(
  executable: Pick<Executable, "run">,
  spec: ModelSpec,
  dataset: Dataset,
  { batchSize, onStep }: PredictOptions,
): Promise<Record<string, Float32Tensor>> {
  const batch = Math.min(checkBatchSize(batchSize), dataset.rows);
  const writer = batchWriter(dataset, batch);
  const order = longestFirst(inOrder(dataset.rows), rowLengths(dataset));
  const steps = Math.ceil(dataset.rows / batch);
  const outputs = new Map<string, Float32Tensor>();
  for (let step = 0; step < steps; step++) {
    const from = step * batch;
    const rows = order.subarray(from, from + batch);
    writer.write(order, from, rows.length);
    const results: Tensors = await executable.run(writer.feeds);
    for (const { name, source } of spec.outputs) {
      const result = results[name] as Tensor;
      const column = columnBehind(spec, dataset, source);
      const over = result.shape.length > 2;
      const inner = over
        ? [dataset.longest[column.spec.time as string] as number, ...result.shape.slice(2)]
        : result.shape.slice(1);
      const whole = outputs.get(name) ?? zeros("float32", [dataset.rows, ...inner]);
      outputs.set(name, whole);
      place(result, whole, rows, over ? column.steps : undefined);
    }
    await onStep?.({ step: step + 1, steps, logs: {} });
  }
  return Object.fromEntries(outputs);
}
