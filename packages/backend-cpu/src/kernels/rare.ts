/** Elementwise kernels of ops that are rare: every backend over one memory runs them, on the same bytes. */
import type { Call } from "../call.ts";
import type { Memory } from "../memory.ts";
import { normal } from "./small.ts";

function powFloat({ f32: x }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) x[o] = normal(x[i] ** x[j]);
}

export const rareKernels = {
  pow: { run: powFloat },
};
