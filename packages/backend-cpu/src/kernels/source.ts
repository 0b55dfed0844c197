/** Kernels of values that come from nothing: constants, counting, sizes, random numbers. */
import { fillDropoutMask, fillNormalNoise } from "@ostinato/core";
import type { Call } from "../call.ts";
import type { Memory } from "../memory.ts";

/** Where a block of random bits is made; holds nothing between calls. */
const block = new Uint32Array(2);

export const sourceKernels = {
  constant: {
    run({ f32, i32, u8 }: Memory, call: Call<"constant">): void {
      const y = call.outputs[0];
      const data = call.attrs.data;
      const to = y.dtype === "float32" ? f32 : y.dtype === "int32" ? i32 : u8;
      const step = data.length === 1 ? 0 : 1;
      for (let k = 0; k < y.size; k++) to[y.offset + k] = data[k * step];
    },
  },
  iota: {
    run({ i32 }: Memory, call: Call): void {
      const y = call.outputs[0];
      for (let k = 0; k < y.size; k++) i32[y.offset + k] = k;
    },
  },
  size: {
    run({ i32 }: Memory, call: Call<"size">): void {
      i32[call.outputs[0].offset] = call.sizes[call.attrs.dim];
    },
  },
  dropoutMask: {
    run({ f32, i32 }: Memory, { inputs, outputs, attrs }: Call<"dropoutMask">): void {
      const y = outputs[0];
      fillDropoutMask(f32, y.offset, y.size, attrs.rate, attrs.seed, attrs.site, i32[inputs[0].offset], block);
    },
  },
  normalNoise: {
    run({ f32, i32 }: Memory, { inputs, outputs, attrs }: Call<"normalNoise">): void {
      const y = outputs[0];
      fillNormalNoise(f32, y.offset, y.size, attrs.seed, attrs.site, i32[inputs[0].offset], block);
    },
  },
};
