/** The general product by tiles that fit the caches. */
import type { Call } from "../call.ts";
import type { Memory } from "../memory.ts";
import { extent, freeStride, strideOf } from "./axes.ts";
import { blockIndex, LEFT, multiplyPanels, packedSize, packPanels, RIGHT, sumsSize } from "./panels.ts";
import { normal } from "./small.ts";

/** Rows of a, columns of b and length of the sum that are packed at a time. */
const TILE = { rows: 128, columns: 256, depth: 512 };

function dot(memory: Memory, { attrs, inputs, outputs }: Call<"dot" | "biasedDot">): void {
  const { f32, f64 } = memory;
  const a = inputs[0];
  const b = inputs[1];
  const aContract = attrs.contract[0];
  const bContract = attrs.contract[1];
  const aBatch = attrs.batch[0];
  const bBatch = attrs.batch[1];
  const batch = extent(a, aBatch);
  const depth = extent(a, aContract);
  const rows = a.size / (batch * depth);
  const columns = b.size / (batch * depth);
  const aRow = freeStride(a, aContract, aBatch);
  const bRow = freeStride(b, bContract, bBatch);
  const aDepth = strideOf(a, aContract);
  const bDepth = strideOf(b, bContract);

  const packedA = memory.scratch / 8;
  const packedB = packedA + packedSize(Math.min(rows, TILE.rows), Math.min(depth, TILE.depth), LEFT);
  const sums = packedB + packedSize(Math.min(columns, TILE.columns), Math.min(depth, TILE.depth), RIGHT);
  for (let n = 0; n < batch; n++) {
    const aStart = a.offset + n * strideOf(a, aBatch);
    const bStart = b.offset + n * strideOf(b, bBatch);
    const yStart = outputs[0].offset + n * rows * columns;
    for (let column = 0; column < columns; column += TILE.columns) {
      const width = Math.min(TILE.columns, columns - column);
      for (let row = 0; row < rows; row += TILE.rows) {
        const height = Math.min(TILE.rows, rows - row);
        f64.fill(0, sums, sums + sumsSize(height, width));
        for (let k = 0; k < depth; k += TILE.depth) {
          const length = Math.min(TILE.depth, depth - k);
          const aPanel = length * LEFT;
          const bPanel = length * RIGHT;
          packPanels(f32, aStart + row * aRow + k * aDepth, aRow, aDepth, height, length, f64, packedA, LEFT, aPanel);
          // Where the whole sum fits, the columns stay packed for all rows.
          if (row === 0 || depth > TILE.depth) {
            packPanels(
              f32,
              bStart + column * bRow + k * bDepth,
              bRow,
              bDepth,
              width,
              length,
              f64,
              packedB,
              RIGHT,
              bPanel,
            );
          }
          multiplyPanels(f64, packedA, aPanel, height, packedB, bPanel, width, length, sums);
        }
        unpack(f64, sums, f32, yStart + row * columns + column, height, width, columns);
        if (inputs.length > 2)
          addBias(f32, inputs[2].offset + column, yStart + row * columns + column, height, width, columns);
      }
    }
  }
}

/** Writes blocks of sums as rows of floats, `stride` apart. */
function unpack(
  f64: Float64Array,
  sums: number,
  f32: Float32Array,
  to: number,
  rows: number,
  columns: number,
  stride: number,
): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      f32[to + row * stride + column] = normal(f64[sums + blockIndex(row, column, columns)]);
    }
  }
}

/** Adds a bias to each row of floats. */
function addBias(f32: Float32Array, bias: number, to: number, rows: number, columns: number, stride: number): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = to + row * stride + column;
      f32[at] = normal(f32[at] + f32[bias + column]);
    }
  }
}

const kernel = {
  run: dot,
  scratch({ attrs, inputs }: Call<"dot" | "biasedDot">): number {
    const batch = extent(inputs[0], attrs.batch[0]);
    const depth = extent(inputs[0], attrs.contract[0]);
    const rows = Math.min(inputs[0].size / (batch * depth), TILE.rows);
    const columns = Math.min(inputs[1].size / (batch * depth), TILE.columns);
    const length = Math.min(depth, TILE.depth);
    return 8 * (packedSize(rows, length, LEFT) + packedSize(columns, length, RIGHT) + sumsSize(rows, columns));
  },
};

/** With a third input, which is added to each row. */
export const tiledDotKernels = { dot: kernel, biasedDot: kernel };
