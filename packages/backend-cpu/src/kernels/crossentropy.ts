/** The crossentropy of a softmax and labels, row by row, summed in double precision; and its gradient. */
import type { Call } from "../call.ts";
import type { Memory } from "../memory.ts";
import { exponential } from "./exponential.ts";
import { normal } from "./small.ts";

function softmaxCrossentropy({ f32, i32 }: Memory, { attrs, inputs, outputs }: Call<"softmaxCrossentropy">): void {
  const [logits, labels] = inputs;
  const [losses, largest, logSums] = outputs;
  const smoothing = attrs.labelSmoothing;
  const width = logits.dims[logits.dims.length - 1];
  for (let row = 0, start = logits.offset; row < labels.size; row++, start += width) {
    const end = start + width;
    let most = -Infinity;
    for (let i = start; i < end; i++) if (f32[i] > most) most = f32[i];
    let sum = 0;
    for (let i = start; i < end; i++) sum += exponential(f32[i] - most);
    const logSum = Math.log(sum);
    if (losses.offset >= 0) {
      const label = i32[labels.offset + row];
      const picked = label >= 0 && label < width ? f32[start + label] - most : 0;
      let spread = 0;
      if (smoothing !== 0) for (let i = start; i < end; i++) spread += f32[i] - most;
      f32[losses.offset + row] =
        logSum - (1 - smoothing) * picked - (smoothing === 0 ? 0 : (smoothing / width) * spread);
    }
    if (largest.offset >= 0) f32[largest.offset + row] = most;
    if (logSums.offset >= 0) f32[logSums.offset + row] = logSum;
  }
}

function softmaxCrossentropyGrad({ f32, i32 }: Memory, call: Call<"softmaxCrossentropyGrad">): void {
  const [logits, labels, largest, logSums, cotangents] = call.inputs;
  const { offset } = call.outputs[0];
  const smoothing = call.attrs.labelSmoothing;
  const width = logits.dims[logits.dims.length - 1];
  for (let row = 0, from = logits.offset, to = offset; row < labels.size; row++, from += width, to += width) {
    const most = f32[largest.offset + row];
    const logSum = f32[logSums.offset + row];
    const cotangent = f32[cotangents.offset + row];
    const label = i32[labels.offset + row];
    for (let i = 0; i < width; i++) {
      const target = (i === label ? 1 - smoothing : 0) + smoothing / width;
      f32[to + i] = normal(cotangent * (exponential(f32[from + i] - most - logSum) - target));
    }
  }
}

export const crossentropyKernels = {
  softmaxCrossentropy: { run: softmaxCrossentropy },
  softmaxCrossentropyGrad: { run: softmaxCrossentropyGrad },
};
