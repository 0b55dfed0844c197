/** Splits the inputs of a recurrence, which ONNX stacks by direction. */
import { constant, type Float32Tensor, float32, reshape, ShapeError, sizeOf, slice, type Value } from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import { filledWith } from "../broadcasting.ts";
import type { Imported, Stored } from "../imported.ts";
import type { Importing } from "../importing.ts";
import { recurrentBiasName, separateNames } from "./names.ts";

/** The value before reshapes. */
export const unshaped = (value: Value): Value =>
  value.node.op === "reshape" ? unshaped(value.node.inputs[0] as Value) : value;

/** `size` entries from `start` along the first axis; the original value if it is one of those that were concatenated. */
function partOf(value: Value, start: number, size: number): Value {
  const { node, type } = value;
  if (start === 0 && size === type.shape[0]) return value;
  let at = 0;
  for (const part of node.op === "concat" && node.attrs.axis === 0 ? node.inputs : []) {
    if (at === start && part.type.shape[0] === size) return part;
    at += part.type.shape[0] as number;
  }
  return slice(value, 0, start, size);
}

/** Removes the first axis, which has size 1. */
const withoutFirst = (value: Value): Value => reshape(unshaped(value), value.type.shape.slice(1));

/** The values of each direction of an input that is stacked along the first axis. Does not apply to trainable data. */
function valuesOf(given: Imported, count: number, importing: Importing): Value[] {
  if (given.kind === "stack" && given.axis === 0 && given.parts.length === count) return [...given.parts];
  const whole = importing.value(given);
  importing.same(count, whole.type.shape[0] ?? 0);
  return Array.from({ length: count }, (_, i) => withoutFirst(partOf(whole, i, 1)));
}

/** The data of one direction. */
function tensorOf({ shape, data }: Stored, direction: number): Float32Tensor {
  const size = sizeOf(shape.slice(1));
  const own = data.subarray(direction * size, (direction + 1) * size);
  return { dtype: "float32", shape: shape.slice(1), data: Float32Array.from(own) };
}

/** Data of the file as a parameter or a constant. */
const madeOf = (given: Stored, name: string, tensor: Float32Tensor, importing: Importing): Value =>
  importing.isParameter(given)
    ? importing.parameter(name, tensor)
    : constant([...tensor.data], "float32", tensor.shape);

const isData = (given: Imported): given is Stored => given.kind === "stored" && given.numbers === "float";

/** An input for each direction, from [directions, …]; separate parameters if it is data of the file. */
export function byDirection(given: Imported, count: number, importing: Importing): Value[] {
  if (!isData(given)) return valuesOf(given, count, importing);
  importing.same(count, given.shape[0] ?? 0);
  return separateNames(given.name, count).map((name, i) => madeOf(given, name, tensorOf(given, i), importing));
}

/** The bias of one direction, and the bias of the product with R if they cannot be added. */
export interface Biases {
  readonly B: Value;
  readonly recurrentBias?: Value;
}

/** The biases of each direction, from [directions, 2 · rows]: Wb, then Rb. They are added if possible. */
export function biasesByDirection(
  given: Imported,
  count: number,
  rows: number,
  adds: boolean,
  importing: Importing,
): Biases[] {
  if (isData(given)) {
    if (given.shape.join() !== `${count},${2 * rows}`)
      throw new ShapeError(`B is [${given.shape.join(", ")}], but must be [${count}, ${2 * rows}]`);
    return separateNames(given.name, count).map((name, i): Biases => {
      const { data } = tensorOf(given, i);
      const half = (from: number): Float32Tensor => float32([rows], data.slice(from, from + rows));
      const [own, recurrent] = [half(0), half(rows)];
      if (!adds)
        return {
          B: madeOf(given, name, own, importing),
          recurrentBias: madeOf(given, recurrentBiasName(name), recurrent, importing),
        };
      recurrent.data.forEach((x, k) => {
        // Adding 0 to -0 would change it.
        if (x !== 0) own.data[k] = (own.data[k] as number) + x;
      });
      return { B: madeOf(given, name, own, importing) };
    });
  }
  return valuesOf(given, count, importing).map((both): Biases => {
    const [B, recurrent] = [partOf(both, 0, rows), partOf(both, rows, rows)];
    if (filledWith(recurrent) === 0) return { B };
    return adds ? { B: add(B, recurrent) } : { B, recurrentBias: recurrent };
  });
}
