/** One long sequence as batches in which each row goes on where it stopped in the batch before: for truncated backpropagation through time. */
import { DataError, ShapeError } from "../../errors.ts";
import { OptionReader } from "../../nn/options.ts";
import { type Tensor, zeros } from "../../tensor.ts";
import { isTensor, type Rows, readColumn } from "./column.ts";
import type { Examples } from "./dataset.ts";
import { isList, numberFrom, type Scalar } from "./element.ts";

/** A sequence: a number for each step, such as an id, or a vector. As a tensor [steps] or [steps, features]. */
export type Steps = Tensor | ArrayLike<Scalar> | readonly ArrayLike<Scalar>[];

/** Options of `continuousBatches`. */
export interface ContinuousOptions {
  /** Rows of a batch: the sequence is cut into so many parts, which are read side by side. */
  readonly batchSize: number;
  /** Steps of a batch, through which the gradient goes back. */
  readonly sequenceLength: number;
  /** What is to come out at each step; as many steps as the sequence has. Default: the step of the sequence that follows. */
  readonly targets?: Steps;
}

/** Steps as numbers, one after another. */
interface Numbers {
  readonly steps: number;
  /** Numbers of a step, where it is a vector. */
  readonly width: number | undefined;
  readonly dtype: "float32" | "int32";
  readonly data: Float32Array | Int32Array;
}

const isWhole = (data: ArrayLike<unknown>): boolean =>
  Array.from(data).every((given) => (numberFrom(given) as number) === ((numberFrom(given) as number) | 0));

function read(label: string, given: Steps): Numbers {
  const first = isTensor(given as Rows) ? undefined : (given as ArrayLike<unknown>)?.[0];
  const width = isTensor(given as Rows) ? (given as Tensor).shape[1] : isList(first) ? first.length : undefined;
  const list = isTensor(given as Rows) ? (given as Tensor).data : (given as ArrayLike<unknown>);
  const dtype = width === undefined && isList(list) && isWhole(list) ? "int32" : "float32";
  const spec = { label, dtype, width: width ?? 1, widthAxis: width !== undefined } as const;
  const { rows, data } = readColumn(spec, given as Rows);
  return { steps: rows, width, dtype, data };
}

/**
 * Cuts a sequence into `batchSize` parts, as long as each other but for a step, and these into pieces of `sequenceLength` steps. Row r of a batch is the
 * next piece of part r, so that a model with `stateful` layers reads each part from its start to its end, and the gradient goes back through a piece. Every
 * step is there once: the last pieces are shorter, and have lengths.
 *
 * The targets are the steps that follow, as a language model wants them, or `targets`. What it gives is data for `fit`, `evaluate` and
 * `validationData`, which take the batch size from it.
 *
 * @throws DataError, ShapeError for a sequence of fewer steps than rows, or targets of another length; ConfigError
 * @example
 * // The model: embedding → recurrence with stateful: true and returnSequences: true → dense with a softmax.
 * await trainer.fit(continuousBatches(ids, { batchSize: 20, sequenceLength: 35 }), { epochs: 10 });
 */
export function continuousBatches(
  sequence: Steps,
  options: ContinuousOptions,
): Examples & { readonly batchSize: number } {
  const reader = new OptionReader("continuousBatches", options, ["batchSize", "sequenceLength", "targets"]);
  const batchSize = reader.integer("batchSize", 1);
  const sequenceLength = reader.integer("sequenceLength", 1);
  const x = read("continuousBatches: the sequence", sequence);
  const y = options.targets === undefined ? x : read("continuousBatches: targets", options.targets);
  const ahead = options.targets === undefined ? 1 : 0;
  if (y.steps !== x.steps)
    throw new ShapeError(`continuousBatches: targets have ${y.steps} steps, the sequence ${x.steps}`);
  const steps = x.steps - ahead;
  if (steps < batchSize)
    throw new DataError(
      `continuousBatches: a sequence of ${x.steps} steps${ahead ? ", the first of which is no target," : ""} is too short for ${batchSize} rows; give a smaller batchSize`,
    );
  const startOf = (row: number): number => Math.floor((row * steps) / batchSize);
  const pieces = Math.ceil(Math.ceil(steps / batchSize) / sequenceLength);
  const lengths = Int32Array.from({ length: pieces * batchSize }, (_, i) => {
    const row = i % batchSize;
    const from = startOf(row) + Math.floor(i / batchSize) * sequenceLength;
    return Math.min(sequenceLength, startOf(row + 1) - from);
  });
  const cut = ({ width, dtype, data }: Numbers, shift: number): Rows => {
    const size = width ?? 1;
    const shape = [lengths.length, sequenceLength];
    const values = zeros(dtype, width === undefined ? shape : [...shape, width]);
    lengths.forEach((length, i) => {
      const from = startOf(i % batchSize) + Math.floor(i / batchSize) * sequenceLength + shift;
      values.data.set(data.subarray(from * size, (from + length) * size), i * sequenceLength * size);
    });
    return { values, lengths };
  };
  return { x: cut(x, 0), y: cut(y, ahead), batchSize };
}
