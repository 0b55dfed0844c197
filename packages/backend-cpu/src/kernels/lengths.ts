/** Kernels that count the lengths of sequences, or go by them. */
import { DataError } from "@ostinato/core";
import type { Call, View } from "../call.ts";
import type { Memory } from "../memory.ts";
import { copyUnits } from "../views.ts";

/** Throws unless every length lies within 0 and `time`. */
export function expectLengths(op: string, { i32 }: Memory, lengths: View, time: number): void {
  for (let row = 0; row < lengths.size; row++) {
    const length = i32[lengths.offset + row];
    if (length < 0 || length > time)
      throw new DataError(`${op}: row ${row} has length ${length}, not within 0 to ${time} steps`);
  }
}

export const lengthKernels = {
  sequenceMask: {
    run({ i32, u8 }: Memory, { inputs, outputs }: Call<"sequenceMask">): void {
      const lengths = inputs[0].offset;
      const { offset, dims } = outputs[0];
      const batch = dims[1];
      for (let t = 0; t < dims[0]; t++) {
        for (let row = 0; row < batch; row++) u8[offset + t * batch + row] = t < i32[lengths + row] ? 1 : 0;
      }
    },
  },
  sequenceLengths: {
    run({ i32 }: Memory, { inputs, outputs }: Call<"sequenceLengths">): void {
      const ids = inputs[0].offset;
      const lengths = outputs[0].offset;
      const time = inputs[0].dims[0];
      const batch = inputs[0].dims[1];
      for (let row = 0; row < batch; row++) {
        let length = time;
        while (length > 0 && i32[ids + (length - 1) * batch + row] === 0) length -= 1;
        i32[lengths + row] = length;
      }
    },
  },
  reverseSequence: {
    run(memory: Memory, { inputs, outputs }: Call<"reverseSequence">): void {
      const x = inputs[0];
      const lengths = inputs[1];
      const y = outputs[0];
      const time = x.dims[0];
      const batch = x.dims[1];
      const width = x.size / (time * batch);
      expectLengths("reverseSequence", memory, lengths, time);
      const units = x.dtype === "bool" ? memory.u8 : memory.i32;
      for (let row = 0; row < batch; row++) {
        const length = memory.i32[lengths.offset + row];
        for (let t = 0; t < time; t++) {
          const from = t < length ? length - 1 - t : t;
          copyUnits(units, x.offset + (from * batch + row) * width, y.offset + (t * batch + row) * width, width);
        }
      }
    },
  },
};
