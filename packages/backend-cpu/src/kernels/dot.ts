/** The general product: every group of axes is one axis with one stride. In plain loops, for where no other kernel is; see `tiledDot.ts`. */
import type { Call, View } from "../call.ts";
import type { Memory } from "../memory.ts";
import { normal } from "./small.ts";

/** The size of a run of axes. */
export function extent(view: View, axes: readonly number[]): number {
  let size = 1;
  for (let i = 0; i < axes.length; i++) size *= view.dims[axes[i]];
  return size;
}

/** How far apart the entries of a run of axes lie: as far as those of its last axis. */
export function strideOf(view: View, axes: readonly number[]): number {
  let stride = 1;
  if (axes.length === 0) return stride;
  for (let axis = axes[axes.length - 1] + 1; axis < view.dims.length; axis++) stride *= view.dims[axis];
  return stride;
}

/** The last axis in neither group; -1 where there is none. */
function lastFree(view: View, contract: readonly number[], batch: readonly number[]): number {
  let axis = view.dims.length - 1;
  while (axis >= 0 && (contract.includes(axis) || batch.includes(axis))) axis -= 1;
  return axis;
}

/** How far apart the entries of the axes in neither group lie. */
export function freeStride(view: View, contract: readonly number[], batch: readonly number[]): number {
  let stride = 1;
  for (let axis = lastFree(view, contract, batch) + 1; axis < view.dims.length; axis++) stride *= view.dims[axis];
  return stride;
}

function dot({ f32 }: Memory, { attrs, inputs, outputs }: Call<"dot">): void {
  const [a, b] = inputs;
  const [aContract, bContract] = attrs.contract;
  const [aBatch, bBatch] = attrs.batch;
  const batch = extent(a, aBatch);
  const depth = extent(a, aContract);
  const rows = a.size / (batch * depth);
  const columns = b.size / (batch * depth);
  const aRow = freeStride(a, aContract, aBatch);
  const bColumn = freeStride(b, bContract, bBatch);
  const aDepth = strideOf(a, aContract);
  const bDepth = strideOf(b, bContract);
  let y = outputs[0].offset;
  for (let n = 0; n < batch; n++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let i = a.offset + n * strideOf(a, aBatch) + row * aRow;
        let j = b.offset + n * strideOf(b, bBatch) + column * bColumn;
        let sum = 0;
        for (let k = 0; k < depth; k++, i += aDepth, j += bDepth) sum += f32[i] * f32[j];
        f32[y++] = normal(sum);
      }
    }
  }
}

export const dotKernels = { dot: { run: dot } };
