/** The views of a program's values: made at compile, filled with the actual sizes at each run. */
import { type DType, type ProgramValue, type Sizes, sizeOfDim } from "@ostinato/core";
import type { View } from "./call.ts";
import type { Memory } from "./memory.ts";

export const bytesOf: { readonly [D in DType]: number } = { float32: 4, int32: 4, bool: 1 };

/** A view of `value` at a byte address. */
export function viewAt(value: Pick<ProgramValue, "dtype" | "shape"> & { uniform?: boolean }, address: number): View {
  return {
    dtype: value.dtype,
    shape: value.shape,
    offset: address / bytesOf[value.dtype],
    stride: value.uniform ? 0 : 1,
    dims: value.shape.map(() => 0),
    size: 0,
    followers: [],
  };
}

/** What stands for an output that nothing reads. */
export const unread: View = { dtype: "float32", shape: [], offset: -1, stride: 1, dims: [], size: 0, followers: [] };

/** Fills in the actual dimensions. */
export function resize(view: View, sizes: Sizes): void {
  let size = 1;
  for (let axis = 0; axis < view.shape.length; axis++) {
    const dim = sizeOfDim(view.shape[axis], sizes);
    view.dims[axis] = dim;
    size *= dim;
  }
  view.size = size;
}

/** Moves a view, and those that share its memory. */
export function place(view: View, offset: number): void {
  view.offset = offset;
  for (let i = 0; i < view.followers.length; i++) place(view.followers[i], offset);
}

/** Copies `size` elements of one data type. Floats are moved as the bits they are. */
export function copy(memory: Memory, dtype: DType, from: number, to: number, size: number): void {
  const units = dtype === "bool" ? memory.u8 : memory.i32;
  units.copyWithin(to, from, from + size);
}

/** Copies `size` units, where that is few at a time. */
export function copyUnits(x: Int32Array | Uint8Array, from: number, to: number, size: number): void {
  for (let i = 0; i < size; i++) x[to + i] = x[from + i];
}
