/** Look-ups, scattered sums and dropout masks. Ids are checked and sorted here. */
import {
  aligned,
  type Call,
  expectIds,
  type MoveRows,
  positionsBytes,
  sortPositions,
  supportingKernels,
  treeKernelsBy,
} from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";
import { fields } from "../protocol.ts";
import { bitsOf } from "./bits.ts";

/** Numbers from which on it pays to wake the other threads: to copy, or to compute something of each; and to share the copying with them where they are awake. */
const MANY_COPIES = 2 ** 18;
const SOME_COPIES = 2 ** 15;
const MANY = 2 ** 16;

function gather(memory: WasmMemory, { inputs, outputs }: Call<"gather">): void {
  const table = inputs[0];
  const ids = inputs[1];
  expectIds("gather", memory, ids, table.dims[0]);
  const to = memory.arguments;
  const at = fields.gather;
  to[at.ids] = memory.address(ids);
  to[at.count] = ids.size;
  to[at.table] = memory.address(table);
  to[at.rowBytes] = (table.size / table.dims[0]) * (table.dtype === "bool" ? 1 : 4);
  to[at.y] = memory.address(outputs[0]);
  memory.run("gather", outputs[0].size >= MANY_COPIES);
}

/** In the order of the module's numbers. */
const ways = ["take", "put", "add"] as const;

const moveRows: MoveRows = (memory, way, table, block, list, count) => {
  const wasm = memory as WasmMemory;
  const to = wasm.arguments;
  const at = fields.moveRows;
  to[at.way] = ways.indexOf(way);
  to[at.list] = wasm.addressOf(4 * list);
  to[at.count] = count;
  to[at.table] = wasm.address(table);
  to[at.block] = wasm.address(block);
  to[at.rowBytes] = (block.size / count) * (block.dtype === "bool" ? 1 : 4);
  wasm.run("moveRows", block.size >= SOME_COPIES, block.size >= MANY_COPIES);
};

function scatterAdd(memory: WasmMemory, { inputs, outputs }: Call<"scatterAdd">): void {
  const ids = inputs[0];
  const updates = inputs[1];
  const y = outputs[0];
  const rows = y.dims[0];
  expectIds("scatterAdd", memory, ids, rows);
  const positions = sortPositions(memory, ids, rows);
  const to = memory.arguments;
  const at = fields.scatterAdd;
  to[at.rows] = rows;
  to[at.width] = y.size / rows;
  to[at.ends] = memory.addressOf(memory.scratch);
  to[at.positions] = memory.addressOf(positions * 4);
  to[at.updates] = memory.address(updates);
  to[at.y] = memory.address(y);
  memory.run("scatterAdd", updates.size + y.size >= MANY);
}

function dropoutMask(memory: WasmMemory, call: Call<"dropoutMask">): void {
  const { rate, seed, site } = call.attrs;
  const y = call.outputs[0];
  const threshold = Math.round(rate * 2 ** 32);
  // A threshold that no 32 bits hold.
  if (threshold >= 2 ** 32) {
    supportingKernels.dropoutMask.run(memory, call);
    return;
  }
  const to = memory.arguments;
  const at = fields.dropoutMask;
  to[at.size] = y.size;
  to[at.y] = memory.address(y);
  to[at.seed] = seed;
  to[at.site] = site;
  to[at.step] = memory.i32[call.inputs[0].offset];
  to[at.threshold] = threshold;
  to[at.kept] = bitsOf(1 / (1 - rate));
  memory.run("dropoutMask", y.size >= MANY);
}

export const indexedKernels = {
  ...treeKernelsBy(moveRows),
  gather: { run: gather },
  scatterAdd: {
    run: scatterAdd,
    scratch: ({ inputs, outputs }: Call<"scatterAdd">): number =>
      aligned(positionsBytes(inputs[0].size, outputs[0].dims[0])),
  },
  dropoutMask: { run: dropoutMask },
};
