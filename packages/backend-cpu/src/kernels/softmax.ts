/** Softmax and its logarithm along the last axis, shifted by the maximum of each row and summed in double precision. */
import type { Call } from "../call.ts";
import type { Memory } from "../memory.ts";
import { exponential } from "./exponential.ts";
import { normal } from "./small.ts";

/** NaN in a row makes the whole row NaN. */
function softmax({ f32 }: Memory, { inputs, outputs }: Call<"softmax">): void {
  const { offset, size, dims } = inputs[0];
  const shift = outputs[0].offset - offset;
  const width = dims[dims.length - 1];
  for (let row = offset; row < offset + size; row += width) {
    let most = -Infinity;
    for (let i = row; i < row + width; i++) if (f32[i] > most) most = f32[i];
    let sum = 0;
    for (let i = row; i < row + width; i++) sum += exponential(f32[i] - most);
    for (let i = row; i < row + width; i++) f32[i + shift] = normal(exponential(f32[i] - most) / sum);
  }
}

function logSoftmax({ f32 }: Memory, { inputs, outputs }: Call<"logSoftmax">): void {
  const { offset, size, dims } = inputs[0];
  const shift = outputs[0].offset - offset;
  const width = dims[dims.length - 1];
  for (let row = offset; row < offset + size; row += width) {
    let most = -Infinity;
    for (let i = row; i < row + width; i++) if (f32[i] > most) most = f32[i];
    let sum = 0;
    for (let i = row; i < row + width; i++) sum += exponential(f32[i] - most);
    // The maximum first: beside it the logarithm may have no digits left.
    const logSum = Math.log(sum);
    for (let i = row; i < row + width; i++) f32[i + shift] = f32[i] - most - logSum;
  }
}

export const softmaxKernels = { softmax: { run: softmax }, logSoftmax: { run: logSoftmax } };
