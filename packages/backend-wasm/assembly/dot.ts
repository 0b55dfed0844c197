/** The general product of strided operands, by tiles that fit the caches. Each thread computes a range of rows, or of columns, on its own. */
import { normal, storePart } from "./lanes";
import { packLeft, packRight } from "./packing";
import { blocksOf, LEFT_STEP, multiply, panelsOf, RIGHT_STEP } from "./panels";
import { BLOCK_BYTES, COLUMNS, Dot, ROWS, TILE_COLUMNS, TILE_DEPTH, TILE_ROWS } from "./protocol";
import { address, argument, tick } from "./team";

/** The first of a thread's rows or columns. */
@inline
function startOf(size: i32, thread: i32, threads: i32): i32 {
  return <i32>((<i64>size * thread) / threads);
}

/** Writes `count` sums, those that are subnormal as zeros. */
@inline
function copyNormal(to: usize, from: usize, count: i32): void {
  for (; count > 0; count -= 4, to += 16, from += 16) storePart(to, normal(v128.load(from)), count);
}

/** Writes a tile of sums as rows of floats. */
function unpack(sums: usize, rows: i32, columns: i32, to: usize, stride: usize): void {
  const panels = panelsOf(columns);
  for (let row = 0; row < rows; row++) {
    const from = sums + <usize>((row / ROWS) * panels) * BLOCK_BYTES + <usize>(row % ROWS) * RIGHT_STEP;
    const target = to + <usize>row * stride;
    for (let panel = 0; panel < panels; panel++) {
      const count = min(COLUMNS, columns - panel * COLUMNS);
      copyNormal(target + <usize>panel * RIGHT_STEP, from + <usize>panel * BLOCK_BYTES, count);
    }
  }
}

/** Arguments: batch, rows, columns, depth; a, its strides over batch, rows, depth; b likewise; the result; room and its size. */
export function dot(thread: i32, threads: i32): void {
  const batch = argument(Dot.batch);
  const allRows = argument(Dot.rows);
  const allColumns = argument(Dot.columns);
  const depth = argument(Dot.depth);
  const aRow = address(Dot.aRowStride);
  const aDepth = address(Dot.aDepthStride);
  const bColumn = address(Dot.bColumnStride);
  const bDepth = address(Dot.bDepthStride);
  const byRows = allRows >= allColumns;
  const firstRow = byRows ? startOf(allRows, thread, threads) : 0;
  const endRow = byRows ? startOf(allRows, thread + 1, threads) : allRows;
  const firstColumn = byRows ? 0 : startOf(allColumns, thread, threads);
  const endColumn = byRows ? allColumns : startOf(allColumns, thread + 1, threads);

  const packedA = address(Dot.tiles) + <usize>thread * address(Dot.tileBytes);
  const packedB = packedA + <usize>(blocksOf(TILE_ROWS) * TILE_DEPTH) * LEFT_STEP;
  const sums = packedB + <usize>(panelsOf(TILE_COLUMNS) * TILE_DEPTH) * RIGHT_STEP;
  for (let n = 0; n < batch; n++) {
    const a = address(Dot.a) + <usize>n * address(Dot.aBatchStride);
    const b = address(Dot.b) + <usize>n * address(Dot.bBatchStride);
    const y = address(Dot.y) + (<usize>(n * allRows * allColumns) << 2);
    for (let column = firstColumn; column < endColumn; column += TILE_COLUMNS) {
      const columns = min(TILE_COLUMNS, endColumn - column);
      const panels = panelsOf(columns);
      for (let row = firstRow; row < endRow; row += TILE_ROWS) {
        const rows = min(TILE_ROWS, endRow - row);
        const blocks = blocksOf(rows);
        tick();
        memory.fill(sums, 0, <usize>(blocks * panels) * BLOCK_BYTES);
        for (let k = 0; k < depth; k += TILE_DEPTH) {
          const length = min(TILE_DEPTH, depth - k);
          packLeft(a + <usize>row * aRow + <usize>k * aDepth, aRow, aDepth, rows, length, packedA);
          // Where the whole sum fits, the columns stay packed for all rows.
          if (row === firstRow || depth > TILE_DEPTH) {
            packRight(b + <usize>column * bColumn + <usize>k * bDepth, bColumn, bDepth, columns, length, packedB);
          }
          for (let panel = 0; panel < panels; panel++) {
            const right = packedB + <usize>(panel * length) * RIGHT_STEP;
            for (let block = 0; block < blocks; block++) {
              const left = packedA + <usize>(block * length) * LEFT_STEP;
              const to = sums + <usize>(block * panels + panel) * BLOCK_BYTES;
              multiply(min(ROWS, rows - block * ROWS), left, right, length, to, RIGHT_STEP, true);
            }
          }
        }
        unpack(sums, rows, columns, y + (<usize>(row * allColumns + column) << 2), <usize>allColumns << 2);
      }
    }
  }
}
