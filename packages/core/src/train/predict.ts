/** Prediction: batches of rows through the model, and the outputs put together again. */
import type { Executable } from "../backend.ts";
import { ConfigError } from "../errors.ts";
import { inferenceGraph } from "../nn/build.ts";
import type { ModelSpec } from "../nn/spec.ts";
import type { Float32Tensor, Tensors } from "../tensor.ts";
import { batchWriter, type Dataset } from "./dataset.ts";
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

/** Copies a batch's output to its rows; steps past the longest of the batch stay zero. */
function place(batch: Float32Tensor, whole: Float32Tensor, from: number): void {
  const [count = 0, ...inner] = batch.shape;
  const [, ...outer] = whole.shape;
  const rowFrom = inner.reduce((a, b) => a * b, 1);
  const rowTo = outer.reduce((a, b) => a * b, 1);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < rowFrom; i++) whole.data[(from + row) * rowTo + i] = batch.data[row * rowFrom + i] as number;
  }
}

/** The outputs for all rows by name: float32 [rows, …]. Sequences reach to the longest row. */
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
  const order = inOrder(dataset.rows);
  const steps = Math.ceil(dataset.rows / batch);
  const longest = Math.max(1, ...Object.values(dataset.longest));
  const outputs: Record<string, Float32Tensor> = {};
  for (let step = 0; step < steps; step++) {
    const from = step * batch;
    writer.write(order, from, Math.min(batch, dataset.rows - from));
    const results: Tensors = await executable.run(writer.feeds);
    for (const { name } of spec.outputs) {
      const result = results[name] as Float32Tensor;
      const shape =
        result.shape.length > 2
          ? [dataset.rows, longest, ...result.shape.slice(2)]
          : [dataset.rows, ...result.shape.slice(1)];
      outputs[name] ??= { dtype: "float32", shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
      place(result, outputs[name], from);
    }
    await onStep?.({ step: step + 1, steps, logs: {} });
  }
  return outputs;
}
