/** The general product. */
import { type Call, extent, freeStride, strideOf } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";
import { bytes, counts, fields } from "../protocol.ts";

const { tileRows, tileColumns, tileDepth } = counts;
/** Two packed tiles, and a block of sums. */
const TILE_BYTES = 4 * tileDepth * (tileRows + tileColumns) + bytes.block;
/** Multiplications from which on it pays to wake the other threads. */
const MANY = 2 ** 17;

function dot(memory: WasmMemory, { attrs, inputs, outputs }: Call<"dot" | "biasedDot">): void {
  const a = inputs[0];
  const b = inputs[1];
  const [aContract, bContract] = attrs.contract;
  const [aBatch, bBatch] = attrs.batch;
  const batch = extent(a, aBatch);
  const depth = extent(a, aContract);
  const rows = a.size / (batch * depth);
  const columns = b.size / (batch * depth);
  const to = memory.arguments;
  const at = fields.dot;
  to[at.batch] = batch;
  to[at.rows] = rows;
  to[at.columns] = columns;
  to[at.depth] = depth;
  to[at.a] = memory.address(a);
  to[at.aBatchStride] = 4 * strideOf(a, aBatch);
  to[at.aRowStride] = 4 * freeStride(a, aContract, aBatch);
  to[at.aDepthStride] = 4 * strideOf(a, aContract);
  to[at.b] = memory.address(b);
  to[at.bBatchStride] = 4 * strideOf(b, bBatch);
  to[at.bColumnStride] = 4 * freeStride(b, bContract, bBatch);
  to[at.bDepthStride] = 4 * strideOf(b, bContract);
  to[at.bias] = inputs.length > 2 ? memory.address(inputs[2]) : 0;
  to[at.y] = memory.address(outputs[0]);
  to[at.tiles] = memory.addressOf(memory.scratch);
  to[at.tileBytes] = TILE_BYTES;
  memory.run("dot", batch * rows * columns * depth >= MANY);
}

/** With a third input, which is added to each row. */
export const dotKernels = (threads: number) => {
  const kernel = { run: dot, scratch: (): number => threads * TILE_BYTES };
  return { dot: kernel, biasedDot: kernel };
};
