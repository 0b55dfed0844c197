/** Prediction: batches of rows through the model, and the outputs put together again. */
import type { Executable } from "../backend.ts";
import type { CallSpec, ModelSpec, Source } from "../nn/spec.ts";
import { type Float32Tensor, sizeOf, type Tensor, type Tensors, zeros } from "../tensor.ts";
import { inOrder } from "./batchOrder.ts";
import type { Column } from "./column.ts";
import type { Dataset } from "./dataset.ts";
import { type PassOptions, passOver } from "./pass.ts";
import type { Turns } from "./turns.ts";

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

/**
 * The outputs for all rows by name, in the order of the rows: float32 [rows, …]. Rows of similar length go through together. Sequences reach
 * to the longest row, and are zero after each row's end. `open` gives what runs the model's inference graph on batches of a size.
 */
export async function predictRows(
  turns: Turns,
  spec: ModelSpec,
  dataset: Dataset,
  options: PassOptions,
  open: (batch: number) => Promise<Pick<Executable, "run">>,
): Promise<Record<string, Float32Tensor>> {
  const outputs = new Map<string, Float32Tensor>();
  const add = (results: Tensors, rows: Int32Array): void => {
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
  };
  await passOver(turns, dataset, inOrder(dataset.rows), options, {
    async open(batch) {
      const executable = await open(batch);
      return (feeds) => executable.run(feeds);
    },
    add,
    logs: () => ({}),
  });
  return Object.fromEntries(outputs);
}
