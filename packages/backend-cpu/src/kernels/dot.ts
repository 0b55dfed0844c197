/** The general product: every group of axes is one axis with one stride. In plain loops, for where no other kernel is; see `tiledDot.ts`. */
import type { Call } from "../call.ts";
import type { Memory } from "../memory.ts";
import { extent, freeStride, strideOf } from "./axes.ts";
import { normal } from "./small.ts";

function dot({ f32 }: Memory, { attrs, inputs, outputs }: Call<"dot">): void {
  const [a, b] = inputs;
  const [aContract, bContract] = attrs.contract;
  const [aBatch, bBatch] = attrs.batch;
  const batch = extent(a, aBatch);
  const depth = extent(a, aContract);
  const rows = a.size / (batch * depth);
  const columns = b.size / (batch * depth);
  const aRow = freeStride(a, aContract, aBatch);
  const bColumn = freeStride(b, bContract, bBatch);
  const aDepth = strideOf(a, aContract);
  const bDepth = strideOf(b, bContract);
  let y = outputs[0].offset;
  for (let n = 0; n < batch; n++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let i = a.offset + n * strideOf(a, aBatch) + row * aRow;
        let j = b.offset + n * strideOf(b, bBatch) + column * bColumn;
        let sum = 0;
        for (let k = 0; k < depth; k++, i += aDepth, j += bDepth) sum += f32[i] * f32[j];
        f32[y++] = normal(sum);
      }
    }
  }
}

export const dotKernels = { dot: { run: dot } };
