/** The general product. */
import { type Call, extent, freeStride, strideOf } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";

/** The tiles of `assembly/dot.ts`. */
const TILE = { rows: 96, columns: 256, depth: 384 };
const TILE_BYTES = 4 * (TILE.depth * (TILE.rows + TILE.columns) + TILE.rows * TILE.columns);
/** Multiplications from which on it pays to wake the other threads. */
const MANY = 2 ** 17;

function dot(memory: WasmMemory, { attrs, inputs, outputs }: Call<"dot">): void {
  const a = inputs[0];
  const b = inputs[1];
  const [aContract, bContract] = attrs.contract;
  const [aBatch, bBatch] = attrs.batch;
  const batch = extent(a, aBatch);
  const depth = extent(a, aContract);
  const rows = a.size / (batch * depth);
  const columns = b.size / (batch * depth);
  const to = memory.arguments;
  to[0] = batch;
  to[1] = rows;
  to[2] = columns;
  to[3] = depth;
  to[4] = memory.address(a);
  to[5] = 4 * strideOf(a, aBatch);
  to[6] = 4 * freeStride(a, aContract, aBatch);
  to[7] = 4 * strideOf(a, aContract);
  to[8] = memory.address(b);
  to[9] = 4 * strideOf(b, bBatch);
  to[10] = 4 * freeStride(b, bContract, bBatch);
  to[11] = 4 * strideOf(b, bContract);
  to[12] = memory.address(outputs[0]);
  to[13] = memory.addressOf(memory.scratch);
  to[14] = TILE_BYTES;
  memory.run("dot", batch * rows * columns * depth >= MANY);
}

export const dotKernels = (threads: number) => ({ dot: { run: dot, scratch: (): number => threads * TILE_BYTES } });
