/** Dense row-major arrays: what the reference computes with. A `float32` of the graph is held in double precision. */
import type { BoolTensor, DType, Float64Tensor, Int32Tensor, Tensor } from "@ostinato/core";
import { sizeOf, zeros } from "@ostinato/core";

/** A tensor in the precision of the reference. */
export type Dense = Float64Tensor | Int32Tensor | BoolTensor;

/** A position: one number an axis. */
export type Index = readonly number[];

/** Zeros. */
export function empty(dtype: DType | "float64", shape: readonly number[]): Dense {
  return dtype === "float32" || dtype === "float64" ? zeros("float64", shape) : zeros(dtype, shape);
}

/** Calls `visit` with every index of `shape` in row-major order. The index is one array that changes: copy it to keep it. */
export function each(shape: readonly number[], visit: (index: Index, position: number) => void): void {
  const index = shape.map(() => 0);
  const count = sizeOf(shape);
  for (let position = 0; position < count; position++) {
    visit(index, position);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
}

/** The array whose element at each index is `element(index)`. */
export function build(
  dtype: DType | "float64",
  shape: readonly number[],
  element: (index: Index, position: number) => number,
): Dense {
  const out = empty(dtype, shape);
  each(shape, (index, position) => {
    out.data[position] = element(index, position);
  });
  return out;
}

/** The row-major position of an index. */
export function positionOf(shape: readonly number[], index: Index): number {
  let position = 0;
  for (let axis = 0; axis < shape.length; axis++) position = position * shape[axis] + index[axis];
  return position;
}

/** The element at an index. */
export function at(x: Dense, index: Index): number {
  return x.data[positionOf(x.shape, index)];
}

/** `index` with another number at `axis`. */
export function withAxis(index: Index, axis: number, value: number): number[] {
  const moved = [...index];
  moved[axis] = value;
  return moved;
}

/** Entry `t` of the leading axis. */
export function entry(x: Dense, t: number): Dense {
  const shape = x.shape.slice(1);
  const size = sizeOf(shape);
  return { dtype: x.dtype, shape, data: x.data.slice(t * size, (t + 1) * size) } as Dense;
}

/** The reverse of `entry`: equal shapes put along a new leading axis. */
export function stack(entries: readonly Dense[]): Dense {
  const [first] = entries;
  const out = empty(first.dtype, [entries.length, ...first.shape]);
  entries.forEach((part, t) => {
    out.data.set(part.data, t * part.data.length);
  });
  return out;
}

/** A copy of a tensor in the precision of the reference: the elements of its shape, single precision widened. */
export function widen(tensor: Tensor): Dense {
  const out = empty(tensor.dtype, [...tensor.shape]);
  out.data.set(tensor.data.subarray(0, sizeOf(tensor.shape)));
  return out;
}
