/** Prediction: batches of rows through the model, and the outputs put together again. */
import type { Executable } from "../../backend.ts";
import type { Dim } from "../../ir/ops.ts";
import { buildModel } from "../../nn/build.ts";
import { batchMajorShape } from "../../nn/kinds.ts";
import type { ModelSpec } from "../../nn/spec.ts";
import { type Float32Tensor, sizeOf, type Tensor, type Tensors, zeros } from "../../tensor.ts";
import { inOrder } from "../data/batchOrder.ts";
import { type Dataset, lengthsOver } from "../data/dataset.ts";
import type { CarriedStates } from "../session/carriedStates.ts";
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

/** The shape of one row of each output, time first where there is time; a model is data, so it is looked for once. */
const rowShapes = new WeakMap<ModelSpec, readonly { readonly name: string; readonly shape: readonly Dim[] }[]>();

function rowShapesOf(spec: ModelSpec) {
  const known = rowShapes.get(spec);
  if (known) return known;
  const found = buildModel(spec).outputs.map(({ name, flow }) => ({ name, shape: batchMajorShape(flow).slice(1) }));
  rowShapes.set(spec, found);
  return found;
}

/** Each output over the time axes that it has in the graph, whichever inputs those come from. */
function outputsOf(spec: ModelSpec, dataset: Dataset): Output[] {
  return rowShapesOf(spec).map(({ name, shape }) => ({
    name,
    shape: shape.map((dim) => dataset.longest[dim] ?? (dim as number)),
    lengths: typeof shape[0] === "string" ? lengthsOver(dataset, shape[0]) : undefined,
  }));
}

/** Copies a batch's output to the rows it is of; `lengths` of each where they are over time, so that what follows a row's end stays zero. */
function place(batch: Tensor, whole: Float32Tensor, rows: Int32Array, lengths?: Int32Array): void {
  const rowOf = ({ shape }: Tensor): number[] => [sizeOf(shape.slice(1, -1)), shape.at(-1) as number];
  const [stepsFrom, widthFrom] = rowOf(batch) as [number, number];
  const [stepsTo, widthTo] = rowOf(whole) as [number, number];
  rows.forEach((row, at) => {
    const steps = Math.min(stepsFrom, lengths?.[row] ?? stepsFrom);
    for (let step = 0; step < steps; step++) {
      const from = (at * stepsFrom + step) * widthFrom;
      const to = (row * stepsTo + step) * widthTo;
      for (let i = 0; i < widthFrom; i++) whole.data[to + i] = batch.data[from + i] as number;
    }
  });
}

/**
 * The outputs for all rows by name, in the order of the rows: float32 [rows, …]. Rows of similar length go through together. Sequences reach
 * to the longest row, and are zero after each row's end. `open` gives what runs the model's inference graph on batches of a part of the
 * data of a size; `states` go on from
 * batch to batch.
 */
export async function predictRows(
  turns: Turns,
  spec: ModelSpec,
  dataset: Dataset,
  options: PassOptions,
  open: (part: Dataset, batch: number) => Promise<Pick<Executable, "run">>,
  states?: CarriedStates,
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
    states,
    open: async (part, batch) => ({ executable: await open(part, batch) }),
    add,
    logs: () => ({}),
  });
  return Object.fromEntries(outputs);
}
