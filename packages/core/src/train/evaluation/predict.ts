/** Prediction: batches of rows through the model, and the outputs put together again. */
import type { Executable } from "../../backend.ts";
import type { Dim } from "../../ir/ops.ts";
import { buildModel } from "../../nn/build.ts";
import type { ModelSpec } from "../../nn/spec.ts";
import { type Float32Tensor, sizeOf, type Tensor, type Tensors, zeros } from "../../tensor.ts";
import { inOrder } from "../data/batchOrder.ts";
import { type Dataset, lengthsOver } from "../data/dataset.ts";
import type { Turns } from "../session/turns.ts";
import { type PassOptions, passOver } from "./pass.ts";

/** An output as it is put together. */
interface Output {
  readonly name: string;
  /** Steps of the longest row; absent without time. */
  readonly time: number | undefined;
  /** The length of each row, where the data tells. */
  readonly lengths: Int32Array | undefined;
}

/** The name or the size of the time axis of each output; a model is data, so it is looked for once. */
const timeAxes = new WeakMap<ModelSpec, readonly { readonly name: string; readonly time: Dim | undefined }[]>();

function timeAxesOf(spec: ModelSpec) {
  const known = timeAxes.get(spec);
  if (known) return known;
  const found = buildModel(spec).outputs.map(({ name, flow }) => ({
    name,
    time: flow.kind === "features" ? undefined : flow.values.type.shape[0],
  }));
  timeAxes.set(spec, found);
  return found;
}

/** Each output over the time axis that it has in the graph, whichever input that comes from. */
function outputsOf(spec: ModelSpec, dataset: Dataset): Output[] {
  return timeAxesOf(spec).map(({ name, time }) =>
    typeof time === "string"
      ? { name, time: dataset.longest[time], lengths: lengthsOver(dataset, time) }
      : { name, time, lengths: undefined },
  );
}

/** Copies a batch's output to the rows it is of; `lengths` of each where they are over time, so that what follows a row's end stays zero. */
function place(batch: Tensor, whole: Float32Tensor, rows: Int32Array, lengths?: Int32Array): void {
  const inner = batch.shape.slice(1);
  const rowFrom = sizeOf(inner);
  const rowTo = sizeOf(whole.shape.slice(1));
  const width = inner.at(-1) ?? 1;
  rows.forEach((row, at) => {
    const size = lengths ? Math.min((lengths[row] as number) * width, rowFrom) : rowFrom;
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
  const described = outputsOf(spec, dataset);
  const outputs = new Map<string, Float32Tensor>();
  const add = (results: Tensors, rows: Int32Array): void => {
    for (const { name, time, lengths } of described) {
      const result = results[name] as Tensor;
      const inner = time === undefined ? result.shape.slice(1) : [time, ...result.shape.slice(2)];
      const whole = outputs.get(name) ?? zeros("float32", [dataset.rows, ...inner]);
      outputs.set(name, whole);
      place(result, whole, rows, lengths);
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
