/** The general product. */
import { aligned, type Call, expectIds, extent, freeStride, strideOf, type View } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";
import { bytes, counts, fields } from "../protocol.ts";

const { tileRows, tileColumns, tileDepth } = counts;
/** Two packed tiles, a block of sums, and a list of the steps in a tile. */
const TILE_BYTES = 4 * tileDepth * (tileRows + tileColumns + 1) + bytes.block;
/** Multiplications from which on it pays to share them with the other threads, and to wake these. */
const MANY = 2 ** 17;
const TO_WAKE = 2 ** 22;

type DotCall = Call<"dot" | "biasedDot" | "gatheredDot">;

function dot(memory: WasmMemory, { op, attrs, inputs, outputs, packed }: DotCall): void {
  const a = inputs[0];
  const b = inputs[1];
  const [aContract, bContract] = attrs.contract;
  const [aBatch, bBatch] = attrs.batch;
  const batch = extent(a, aBatch);
  const depth = extent(a, aContract);
  const rows = a.size / (batch * depth);
  const ids = op === "gatheredDot" ? inputs[2] : undefined;
  if (ids) expectIds(op, memory, ids, b.dims[0]);
  const columns = b.size / ((ids ? b.dims[0] : batch) * depth);
  const to = memory.arguments;
  const at = fields.dot;
  to[at.batch] = batch;
  to[at.rows] = rows;
  to[at.columns] = columns;
  to[at.depth] = depth;
  to[at.a] = memory.address(a);
  to[at.aBatchStride] = 4 * strideOf(a, aBatch);
  // Single rows that read the same are the rows of one product.
  to[at.aRowStride] = ids && rows === 1 ? to[at.aBatchStride] : 4 * freeStride(a, aContract, aBatch);
  to[at.aDepthStride] = 4 * strideOf(a, aContract);
  to[at.b] = memory.address(b);
  to[at.bBatchStride] = 4 * strideOf(b, bBatch);
  to[at.bColumnStride] = 4 * freeStride(b, bContract, bBatch);
  to[at.bDepthStride] = 4 * strideOf(b, bContract);
  to[at.packed] = packed ? memory.address(packed) : 0;
  to[at.bias] = !ids && inputs.length > 2 ? memory.address(inputs[2]) : 0;
  to[at.ids] = ids ? memory.address(ids) : 0;
  to[at.y] = memory.address(outputs[0]);
  to[at.tiles] = memory.addressOf(memory.scratch);
  to[at.tileBytes] = TILE_BYTES;
  const products = batch * rows * columns * depth;
  memory.run("dot", products >= MANY, products >= TO_WAKE);
}

/** The right operand where it stays the same from product to product. */
const packing = {
  often: true as const,
  inputs: ({ attrs }: DotCall): readonly number[] => (attrs.batch[1].length === 0 ? [1] : []),
  bytes: ({ attrs, inputs: [, b] }: DotCall): number => {
    const depth = extent(b, attrs.contract[1]);
    return aligned(4 * depth * Math.ceil(b.size / depth / counts.columns) * counts.columns);
  },
  run(memory: WasmMemory, { attrs, inputs, packed }: DotCall): void {
    const contract = attrs.contract[1];
    const b = inputs[1];
    const depth = extent(b, contract);
    const to = memory.arguments;
    const at = fields.packDot;
    to[at.columns] = b.size / depth;
    to[at.depth] = depth;
    to[at.b] = memory.address(b);
    to[at.columnStride] = 4 * freeStride(b, contract, []);
    to[at.depthStride] = 4 * strideOf(b, contract);
    to[at.to] = memory.address(packed as View);
    memory.run("packDot", b.size >= MANY, b.size >= TO_WAKE);
  },
};

/** With a third input, which is added to each row, or tells which row of the right operand each product reads. */
export const dotKernels = (threads: number) => {
  const kernel = { run: dot, packing, scratch: (): number => threads * TILE_BYTES };
  return { dot: kernel, biasedDot: kernel, gatheredDot: kernel };
};
