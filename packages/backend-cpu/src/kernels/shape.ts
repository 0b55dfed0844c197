/** Kernels that move elements: each is a copy along axes with their strides. */
import { ShapeError } from "@ostinato/core";
import type { Call, View, Walk } from "../call.ts";
import type { Memory } from "../memory.ts";
import { addAxis, startWalk } from "../walk.ts";

function units(memory: Memory, view: View): Int32Array | Uint8Array {
  return view.dtype === "bool" ? memory.u8 : memory.i32;
}

/** How far apart the entries along `axis` lie. */
function strideOf(view: View, axis: number): number {
  let stride = 1;
  for (let i = axis + 1; i < view.dims.length; i++) stride *= view.dims[i];
  return stride;
}

/** The walk over all of `x`, where it lies in the larger `y`. */
function walkInto(walk: Walk, x: View, y: View): void {
  startWalk(walk);
  for (let axis = 0; axis < x.dims.length; axis++) addAxis(walk, x.dims[axis], strideOf(x, axis), strideOf(y, axis));
}

/** The entry at which a range begins that counts from the end where it is negative. */
function fromStart(start: number, dim: number): number {
  return start < 0 ? dim + start : start;
}

/** Only a run knows whether a range lies within an axis of a named size. */
function expectRange(op: string, start: number, size: number, dim: number): void {
  if (start < 0 || start + size > dim)
    throw new ShapeError(`${op}: ${size} entries from ${start} do not lie within ${dim}`);
}

/** Copies the elements of a view along a walk, `from` and `to` being its first ones. */
export type Mover = (memory: Memory, view: View, walk: Walk, from: number, to: number) => void;

/** The kernels that move elements, by a function that copies them. */
export const shapeKernelsBy = (move: Mover) => ({
  /** Shares the memory of its input, so the planner leaves nothing to do. */
  reshape: {
    run(): void {},
  },
  transpose: {
    run(memory: Memory, { attrs, inputs, outputs, walk }: Call<"transpose">): void {
      const x = inputs[0];
      const y = outputs[0];
      startWalk(walk);
      for (let axis = 0; axis < y.dims.length; axis++) {
        addAxis(walk, y.dims[axis], strideOf(x, attrs.permutation[axis]), strideOf(y, axis));
      }
      move(memory, x, walk, x.offset, y.offset);
    },
  },
  broadcast: {
    run(memory: Memory, { attrs, inputs, outputs, walk }: Call<"broadcast">): void {
      const x = inputs[0];
      const y = outputs[0];
      startWalk(walk);
      let kept = 0;
      for (let axis = 0; axis < y.dims.length; axis++) {
        const isKept = attrs.axes[kept] === axis;
        addAxis(walk, y.dims[axis], isKept ? strideOf(x, kept) : 0, strideOf(y, axis));
        if (isKept) kept += 1;
      }
      move(memory, x, walk, x.offset, y.offset);
    },
  },
  concat: {
    run(memory: Memory, { attrs, inputs, outputs, walk }: Call<"concat">): void {
      const y = outputs[0];
      let to = y.offset;
      for (let i = 0; i < inputs.length; i++) {
        const x = inputs[i];
        walkInto(walk, x, y);
        move(memory, x, walk, x.offset, to);
        to += x.dims[attrs.axis] * strideOf(y, attrs.axis);
      }
    },
  },
  slice: {
    run(memory: Memory, { attrs, inputs, outputs, walk }: Call<"slice">): void {
      const x = inputs[0];
      const y = outputs[0];
      const start = fromStart(attrs.start, x.dims[attrs.axis]);
      expectRange("slice", start, attrs.size, x.dims[attrs.axis]);
      startWalk(walk);
      for (let axis = 0; axis < y.dims.length; axis++)
        addAxis(walk, y.dims[axis], strideOf(x, axis), strideOf(y, axis));
      move(memory, x, walk, x.offset + start * strideOf(x, attrs.axis), y.offset);
    },
  },
  pad: {
    run(memory: Memory, { attrs, inputs, outputs, walk }: Call<"pad">): void {
      const x = inputs[0];
      const y = outputs[0];
      const to = units(memory, y);
      const start = fromStart(attrs.start, y.dims[attrs.axis]);
      expectRange("pad", start, x.dims[attrs.axis], y.dims[attrs.axis]);
      to.fill(0, y.offset, y.offset + y.size);
      walkInto(walk, x, y);
      move(memory, x, walk, x.offset, y.offset + start * strideOf(y, attrs.axis));
    },
  },
  reverse: {
    run(memory: Memory, { attrs, inputs, outputs, walk }: Call<"reverse">): void {
      const x = inputs[0];
      const y = outputs[0];
      startWalk(walk);
      for (let axis = 0; axis < y.dims.length; axis++) {
        const stride = strideOf(x, axis);
        addAxis(walk, y.dims[axis], axis === attrs.axis ? -stride : stride, stride);
      }
      const last = (x.dims[attrs.axis] - 1) * strideOf(x, attrs.axis);
      move(memory, x, walk, x.offset + last, y.offset);
    },
  },
});
