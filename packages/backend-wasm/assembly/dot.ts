/**
 * The general product of strided operands, by tiles that fit the caches. Each thread computes a range of the rows, or of the columns, of all products of the
 * batch on its own: most often whole products, of which nobody else packs an operand.
 */
import { loadPart, normal, past, storePart } from "./lanes";
import { packLeft, packRight } from "./packing";
import { blocksOf, LEFT_STEP, multiply, panelsOf, RIGHT_STEP } from "./panels";
import { COLUMNS, Dot, ROWS, TILE_COLUMNS, TILE_DEPTH, TILE_ROWS } from "./protocol";
import { address, argument, tick } from "./team";

/** The first of a thread's rows or columns, counted over the batch. */
@inline
function startOf(size: i32, thread: i32, threads: i32): i32 {
  return <i32>((<i64>size * thread) / threads);
}

/** Adds a bias to `count` sums, where there is one, and writes zeros for those that are subnormal. */
function finish(to: usize, count: i32, bias: usize): void {
  for (; count > 0; count -= 4, to += 16) {
    let sums = loadPart(to, count);
    if (bias !== 0) {
      sums = f32x4.add(sums, loadPart(bias, count));
      bias += 16;
    }
    storePart(to, normal(sums), count);
  }
}

/** The product of packed rows with a panel of few columns: by way of `block`, whose rows have room for all columns of a panel. */
function multiplyFew(rows: i32, a: usize, b: usize, depth: i32, to: usize, stride: usize, count: i32, block: usize, add: bool): void {
  const bytes = <usize>count << 2;
  if (add) for (let row = 0; row < rows; row++) memory.copy(block + <usize>row * RIGHT_STEP, to + <usize>row * stride, bytes);
  multiply(rows, a, b, depth, block, RIGHT_STEP, add);
  for (let row = 0; row < rows; row++) memory.copy(to + <usize>row * stride, block + <usize>row * RIGHT_STEP, bytes);
}

/** The product of a packed tile of rows with one of columns, written to rows of floats, or added to what is there. */
function multiplyTiles(a: usize, rows: i32, b: usize, columns: i32, depth: i32, to: usize, stride: usize, block: usize, add: bool): void {
  for (let column = 0; column < columns; column += COLUMNS, b += <usize>depth * RIGHT_STEP) {
    const count = min(COLUMNS, columns - column);
    let left = a;
    for (let row = 0; row < rows; row += ROWS, left += <usize>depth * LEFT_STEP) {
      const few = min(ROWS, rows - row);
      const at = to + <usize>row * stride + (<usize>column << 2);
      if (count === COLUMNS) multiply(few, left, b, depth, at, stride, add);
      else multiplyFew(few, left, b, depth, at, stride, count, block, add);
    }
  }
}

/** Arguments: batch, rows, columns, depth; a, its strides over batch, rows, depth; b likewise; a bias of the columns, or 0; the result; room and its size. */
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
  const lines = byRows ? allRows : allColumns;
  const firstLine = startOf(batch * lines, thread, threads);
  const endLine = startOf(batch * lines, thread + 1, threads);
  const stride = <usize>allColumns << 2;

  const packedA = address(Dot.tiles) + <usize>thread * address(Dot.tileBytes);
  const packedB = packedA + <usize>(blocksOf(TILE_ROWS) * TILE_DEPTH) * LEFT_STEP;
  const block = packedB + <usize>(panelsOf(TILE_COLUMNS) * TILE_DEPTH) * RIGHT_STEP;
  for (let n = firstLine / lines; n * lines < endLine; n++) {
    const first = max(firstLine - n * lines, 0);
    const end = min(endLine - n * lines, lines);
    const firstRow = byRows ? first : 0;
    const endRow = byRows ? end : allRows;
    const firstColumn = byRows ? 0 : first;
    const endColumn = byRows ? allColumns : end;
    const a = address(Dot.a) + <usize>n * address(Dot.aBatchStride);
    const b = address(Dot.b) + <usize>n * address(Dot.bBatchStride);
    const y = address(Dot.y) + <usize>(n * allRows) * stride;
    for (let column = firstColumn; column < endColumn; column += TILE_COLUMNS) {
      const columns = min(TILE_COLUMNS, endColumn - column);
      const bias = past(address(Dot.bias), <usize>column << 2);
      // The columns stay packed for all rows, whose sums lie in the result meanwhile.
      for (let k = 0; k < depth; k += TILE_DEPTH) {
        const length = min(TILE_DEPTH, depth - k);
        packRight(b + <usize>column * bColumn + <usize>k * bDepth, bColumn, bDepth, columns, length, packedB);
        for (let row = firstRow; row < endRow; row += TILE_ROWS) {
          const rows = min(TILE_ROWS, endRow - row);
          tick();
          packLeft(a + <usize>row * aRow + <usize>k * aDepth, aRow, aDepth, rows, length, packedA);
          const to = y + <usize>row * stride + (<usize>column << 2);
          multiplyTiles(packedA, rows, packedB, columns, length, to, stride, block, k > 0);
          if (k + length < depth) continue;
          for (let i = 0; i < rows; i++) finish(to + <usize>i * stride, columns, bias);
        }
      }
    }
  }
}
