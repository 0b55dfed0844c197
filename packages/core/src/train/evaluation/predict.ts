/** Prediction: batches of rows through the model, and the outputs put together again. */
import type { Executable } from "../../backend.ts";
import type { Dim } from "../../ir/ops.ts";
import { buildModel } from "../../nn/build.ts";
import { batchMajorShape, timeOf } from "../../nn/kinds.ts";
import type { ModelSpec } from "../../nn/spec.ts";
import { type Float32Tensor, sizeOf, type Tensor, type Tensors, zeros } from "../../tensor.ts";
import { inOrder } from "../data/batchOrder.ts";
import { type Dataset, lengthsOver } from "../data/dataset.ts";
import type { Turns } from "../session/turns.ts";
import { type PassOptions, passOver } from "./pass.ts";

/** An output as it is put together. */
interface Output {
  readonly name: string;
  /** Of one row of it: a time axis has the steps of the longest row. */
  readonly shape: readonly number[];
  /** The length of each row over its time axis, where the data tells. */
  readonly lengths: Int32Array | undefined;
}

/** What is known of an output before there is data: the shape of one row, and the name or the size of its time axis. */
interface Axes {
  readonly name: string;
  readonly shape: readonly Dim[];
  readonly time: Dim | undefined;
}

/** Those of each output; a model is data, so they are looked for once. */
const knownAxes = new WeakMap<ModelSpec, readonly Axes[]>();

function axesOf(spec: ModelSpec): readonly Axes[] {
  const known = knownAxes.get(spec);
  if (known) return known;
  const found = buildModel(spec).outputs.map(({ name, flow }): Axes => {
    return { name, shape: batchMajorShape(flow).slice(1), time: timeOf(flow) };
  });
  knownAxes.set(spec, found);
  return found;
}

/** Each output over the time axes that it has in the graph, whichever inputs those come from. */
function outputsOf(spec: ModelSpec, dataset: Dataset): Output[] {
  return axesOf(spec).map(({ name, shape, time }) => ({
    name,
    shape: shape.map((dim) => (typeof dim === "string" ? (dataset.longest[dim] as number) : dim)),
    lengths: typeof time === "string" ? lengthsOver(dataset, time) : undefined,
  }));
}

/** Copies a batch's output to the rows it is of; `lengths` of each where they are over time, so that what follows a row's end stays zero. */
function place(batch: Tensor, whole: Float32Tensor, rows: Int32Array, lengths?: Int32Array): void {
  const [widthFrom = 1, widthTo = 1] = [batch.shape.at(-1), whole.shape.at(-1)];
  const [stepsFrom, stepsTo] = [batch, whole].map(({ shape }) => sizeOf(shape.slice(1, -1))) as [number, number];
  rows.forEach((row, at) => {
    const steps = lengths ? Math.min(lengths[row] as number, stepsFrom) : stepsFrom;
    for (let step = 0; step < steps; step++) {
      const from = (at * stepsFrom + step) * widthFrom;
      const to = (row * stepsTo + step) * widthTo;
      for (let i = 0; i < widthFrom; i++) whole.data[to + i] = batch.data[from + i] as number;
    }
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
    for (const { name, shape, lengths } of described) {
      const whole = outputs.get(name) ?? zeros("float32", [dataset.rows, ...shape]);
      outputs.set(name, whole);
      place(results[name] as Tensor, whole, rows, lengths);
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
