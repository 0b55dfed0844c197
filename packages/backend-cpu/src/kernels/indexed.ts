/** Kernels that look up and scatter by whole numbers. */
import type { Call } from "../call.ts";
import type { Memory } from "../memory.ts";
import { type MoveRows, treeKernelsBy } from "../tree.ts";
import { copyUnits } from "../views.ts";
import { expectIds, positionsBytes, sortPositions } from "./ids.ts";
import { normal } from "./small.ts";

const moveRows: MoveRows = ({ f32, i32, u8 }, way, table, block, list, count) => {
  const units = table.dtype === "bool" ? u8 : i32;
  const width = block.size / count;
  for (let i = 0; i < count; i++) {
    const row = i32[list + i];
    const inBlock = block.offset + i * width;
    const inTable = table.offset + row * width;
    if (row < 0) {
      if (way === "take") units.fill(0, inBlock, inBlock + width);
    } else if (way === "take") copyUnits(units, inTable, inBlock, width);
    else if (way === "put") copyUnits(units, inBlock, inTable, width);
    else for (let d = 0; d < width; d++) f32[inTable + d] = normal(f32[inTable + d] + f32[inBlock + d]);
  }
};

export const indexedKernels = {
  ...treeKernelsBy(moveRows),
  gather: {
    run(memory: Memory, { inputs, outputs }: Call<"gather">): void {
      const table = inputs[0];
      const ids = inputs[1];
      const y = outputs[0];
      expectIds("gather", memory, ids, table.dims[0]);
      const units = table.dtype === "bool" ? memory.u8 : memory.i32;
      const width = table.size / table.dims[0];
      for (let k = 0; k < ids.size; k++) {
        copyUnits(units, table.offset + memory.i32[ids.offset + k] * width, y.offset + k * width, width);
      }
    },
  },
  /** Positions are sorted by id first, so that each row is summed once, in double precision and in the order of the updates. */
  scatterAdd: {
    scratch: ({ inputs, outputs }: Call<"scatterAdd">): number => positionsBytes(inputs[0].size, outputs[0].dims[0]),
    run(memory: Memory, { inputs, outputs }: Call<"scatterAdd">): void {
      const { f32, i32 } = memory;
      const ids = inputs[0];
      const updates = inputs[1];
      const y = outputs[0];
      const rows = y.dims[0];
      const width = y.size / rows;
      expectIds("scatterAdd", memory, ids, rows);
      const ends = memory.scratch / 4;
      const positions = sortPositions(memory, ids, rows);
      for (let row = 0, start = 0; row < rows; row++) {
        const end = i32[ends + row];
        for (let d = 0; d < width; d++) {
          let sum = 0;
          for (let k = start; k < end; k++) sum += f32[updates.offset + i32[positions + k] * width + d];
          f32[y.offset + row * width + d] = normal(sum);
        }
        start = end;
      }
    },
  },
};
