/** Groups of axes seen as one: how many entries it has, and how far apart they lie. */
import type { View } from "../call.ts";

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
