/** Reductions. Each result takes its elements one by one in row-major order, whatever stands beside them. */
import { findLargest } from "@ostinato/core";
import type { Call, View, Walk } from "../call.ts";
import type { Memory } from "../memory.ts";
import { addAxis, startWalk } from "../walk.ts";
import { normal } from "./small.ts";

type Numbers = Float32Array | Int32Array;

function numbersOf(memory: Memory, view: View): Numbers {
  return view.dtype === "float32" ? memory.f32 : memory.i32;
}

/** The walk over all of `x`, beside the element of the result that each belongs to. */
function walkReduced(walk: Walk, x: View, axes: readonly number[]): void {
  startWalk(walk);
  for (let axis = 0; axis < x.dims.length; axis++) {
    let from = 1;
    let to = axes.includes(axis) ? 0 : 1;
    for (let i = axis + 1; i < x.dims.length; i++) {
      from *= x.dims[i];
      if (!axes.includes(i)) to *= x.dims[i];
    }
    addAxis(walk, x.dims[axis], from, to);
  }
}

function sumAlong(x: Numbers, sums: Float64Array, walk: Walk, axis: number, from: number, to: number): void {
  if (walk.rank === 0) {
    sums[to] += x[from];
    return;
  }
  const dim = walk.dims[axis];
  const fromStride = walk.from[axis];
  const toStride = walk.to[axis];
  if (axis < walk.rank - 1) {
    for (let i = 0; i < dim; i++) sumAlong(x, sums, walk, axis + 1, from + i * fromStride, to + i * toStride);
  } else if (toStride === 0) {
    let sum = sums[to];
    for (let i = 0; i < dim; i++) sum += x[from + i * fromStride];
    sums[to] = sum;
  } else {
    for (let i = 0; i < dim; i++) sums[to + i * toStride] += x[from + i * fromStride];
  }
}

function maxAlong(x: Numbers, walk: Walk, axis: number, from: number, to: number): void {
  const last = axis >= walk.rank - 1;
  const dim = walk.rank === 0 ? 1 : walk.dims[axis];
  const fromStride = walk.rank === 0 ? 0 : walk.from[axis];
  const toStride = walk.rank === 0 ? 0 : walk.to[axis];
  for (let i = 0; i < dim; i++) {
    if (!last) {
      maxAlong(x, walk, axis + 1, from, to);
    } else if (x[from] > x[to] || Number.isNaN(x[from])) {
      x[to] = x[from];
    }
    from += fromStride;
    to += toStride;
  }
}

export const reduceKernels = {
  /** Sums in double precision, in scratch. */
  sum: {
    scratch: ({ outputs }: Call<"sum">): number => outputs[0].size * 8,
    run(memory: Memory, { attrs, inputs, outputs, walk }: Call<"sum">): void {
      const x = inputs[0];
      const y = outputs[0];
      const sums = memory.f64;
      const start = memory.scratch / 8;
      sums.fill(0, start, start + y.size);
      walkReduced(walk, x, attrs.axes);
      const numbers = numbersOf(memory, x);
      sumAlong(numbers, sums, walk, 0, x.offset, start);
      for (let i = 0; i < y.size; i++) numbers[y.offset + i] = normal(sums[start + i]);
    },
  },
  /** NaN where any element is NaN. */
  max: {
    run(memory: Memory, { attrs, inputs, outputs, walk }: Call<"max">): void {
      const x = inputs[0];
      const y = outputs[0];
      const numbers = numbersOf(memory, x);
      numbers.fill(x.dtype === "float32" ? -Infinity : -(2 ** 31), y.offset, y.offset + y.size);
      walkReduced(walk, x, attrs.axes);
      maxAlong(numbers, walk, 0, x.offset, y.offset);
    },
  },
  /** The first NaN counts as the maximum. */
  argMax: {
    run(memory: Memory, { attrs, inputs, outputs }: Call<"argMax">): void {
      const x = inputs[0];
      const y = outputs[0];
      const numbers = numbersOf(memory, x);
      const dim = x.dims[attrs.axis];
      let inner = 1;
      for (let axis = attrs.axis + 1; axis < x.dims.length; axis++) inner *= x.dims[axis];
      for (let o = 0; o < y.size; o++) {
        const base = x.offset + ((o - (o % inner)) / inner) * dim * inner + (o % inner);
        let best = 0;
        for (let k = 1; k < dim; k++) {
          const value = numbers[base + k * inner];
          const most = numbers[base + best * inner];
          if (value > most || (Number.isNaN(value) && !Number.isNaN(most))) best = k;
        }
        memory.i32[y.offset + o] = best;
      }
    },
  },
  topK: {
    scratch: ({ attrs }: Call<"topK">): number => 4 * attrs.k,
    run({ f32, i32, scratch }: Memory, { attrs, inputs, outputs }: Call<"topK">): void {
      const x = inputs[0];
      const values = outputs[0].offset;
      const indices = outputs[1].offset;
      const width = x.dims[x.dims.length - 1];
      const found = scratch / 4;
      for (let row = 0; row < x.size / width; row++) {
        const start = x.offset + row * width;
        findLargest(f32, start, width, attrs.k, i32, found);
        for (let i = 0; i < attrs.k; i++) {
          const place = i32[found + i];
          if (values >= 0) f32[values + row * attrs.k + i] = f32[place];
          if (indices >= 0) i32[indices + row * attrs.k + i] = place - start;
        }
      }
    },
  },
};
