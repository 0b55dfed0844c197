/** Nested loops over strided operands, with axes merged where they lie one after the other. */
import type { Walk } from "./call.ts";

export function emptyWalk(): Walk {
  return { rank: 0, dims: [], from: [], to: [] };
}

/** Begins a walk anew. */
export function startWalk(walk: Walk): void {
  walk.rank = 0;
}

/** Adds the next inner axis, of `dim` entries that lie `from` apart in one operand and `to` apart in the other. */
export function addAxis(walk: Walk, dim: number, from: number, to: number): void {
  if (dim === 1) return;
  const last = walk.rank - 1;
  if (last >= 0 && walk.from[last] === from * dim && walk.to[last] === to * dim) {
    walk.dims[last] = walk.dims[last] * dim;
    walk.from[last] = from;
    walk.to[last] = to;
    return;
  }
  walk.dims[walk.rank] = dim;
  walk.from[walk.rank] = from;
  walk.to[walk.rank] = to;
  walk.rank += 1;
}

/** Copies elements of one size along the walk. Floats are moved as the bits they are, in `i32`. */
export function copyAlong(x: Int32Array | Uint8Array, walk: Walk, axis: number, from: number, to: number): void {
  if (walk.rank === 0) {
    x[to] = x[from];
    return;
  }
  const dim = walk.dims[axis];
  const fromStride = walk.from[axis];
  const toStride = walk.to[axis];
  if (axis === walk.rank - 1) {
    for (let i = 0; i < dim; i++) {
      x[to] = x[from];
      from += fromStride;
      to += toStride;
    }
    return;
  }
  for (let i = 0; i < dim; i++) copyAlong(x, walk, axis + 1, from + i * fromStride, to + i * toStride);
}
