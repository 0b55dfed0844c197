/** Elementwise kernels over operands of several data types: `select` and `cast`. */
import type { DType } from "@ostinato/core";
import type { Call, View } from "../call.ts";
import type { Memory } from "../memory.ts";

type Numbers = Float32Array | Int32Array | Uint8Array;

function numbersOf(memory: Memory, dtype: DType): Numbers {
  return dtype === "float32" ? memory.f32 : dtype === "int32" ? memory.i32 : memory.u8;
}

/** The chosen elements are moved as the bits they are. */
function selectFrom(x: Int32Array | Uint8Array, conditions: Uint8Array, call: Call): void {
  const condition = call.inputs[0];
  const a = call.inputs[1];
  const b = call.inputs[2];
  const y = call.outputs[0];
  const dc = condition.stride;
  const di = a.stride;
  const dj = b.stride;
  const end = y.offset + y.size;
  let c = condition.offset;
  let i = a.offset;
  let j = b.offset;
  for (let o = y.offset; o < end; o++) {
    x[o] = conditions[c] !== 0 ? x[i] : x[j];
    c += dc;
    i += di;
    j += dj;
  }
}

function castTo(from: Numbers, to: Numbers, x: View, y: View): void {
  const di = x.stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = x.offset; o < end; o++, i += di) to[o] = from[i];
}

function castToTruth(from: Numbers, to: Uint8Array, x: View, y: View): void {
  const di = x.stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = x.offset; o < end; o++, i += di) to[o] = from[i] !== 0 ? 1 : 0;
}

export const selectKernels = {
  select: {
    run(memory: Memory, call: Call): void {
      selectFrom(call.outputs[0].dtype === "bool" ? memory.u8 : memory.i32, memory.u8, call);
    },
  },
  /** Toward int32 fractions are cut off; NaN becomes 0 there and true as a bool. */
  cast: {
    run(memory: Memory, call: Call): void {
      const x = call.inputs[0];
      const y = call.outputs[0];
      const from = numbersOf(memory, x.dtype);
      if (y.dtype === "bool") castToTruth(from, memory.u8, x, y);
      else castTo(from, numbersOf(memory, y.dtype), x, y);
    },
  },
};
