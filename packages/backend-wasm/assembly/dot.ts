/**
 * The general product of strided operands, by tiles that fit the caches. Each thread computes a range of the rows, or of the columns, of all products of the
 * batch on its own: most often whole products, of which nobody else packs an operand.
 */
import { loadPart, normal, past, storePart } from "./lanes";
import { packLeft, packRight } from "./packing";
import { blocksOf, LEFT_STEP, multiply, panelsOf, RIGHT_STEP } from "./panels";
import { BLOCK_BYTES, COLUMNS, Dot, PackDot, ROWS, TILE_COLUMNS, TILE_DEPTH, TILE_ROWS } from "./protocol";
import { address, argument, tick } from "./team";
import { areFinite, countNothing, countZeros, lineBehind, listSteps, nextLine, packLeftSteps, packRightSteps, packRows, spreadRows } from "./zeros";

/** Bytes of the packed tiles of a thread, and of a block of sums between them and the list of steps. */
const LEFT_TILE: usize = <usize>(blocksOf(TILE_ROWS) * TILE_DEPTH) * LEFT_STEP;
const RIGHT_TILE: usize = <usize>(panelsOf(TILE_COLUMNS) * TILE_DEPTH) * RIGHT_STEP;

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

/** The product of a packed tile of rows with one of columns, whose panels are `panel` bytes apart: written to rows of floats, or added to what is there. */
function multiplyTiles(
  a: usize,
  rows: i32,
  b: usize,
  panel: usize,
  columns: i32,
  depth: i32,
  to: usize,
  stride: usize,
  block: usize,
  add: bool,
): void {
  for (let column = 0; column < columns; column += COLUMNS, b += panel) {
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

/** Packs the columns of the right operand for many products: panels of their whole depth. Each thread takes a range of the panels. */
export function packDot(thread: i32, threads: i32): void {
  const columns = argument(PackDot.columns);
  const depth = argument(PackDot.depth);
  const stride = address(PackDot.columnStride);
  const panels = panelsOf(columns);
  const first = startOf(panels, thread, threads);
  const count = min(columns, startOf(panels, thread + 1, threads) * COLUMNS) - first * COLUMNS;
  const to = address(PackDot.to) + <usize>(first * depth) * RIGHT_STEP;
  packRight(address(PackDot.b) + <usize>(first * COLUMNS) * stride, stride, address(PackDot.depthStride), count, depth, to);
}

/** Of so many lines these zeros are worth leaving out: to look whether the other operand is finite takes as long as some products. */
@inline
function areMany(zeros: i32, lines: i32): bool {
  return zeros >= 8 && zeros * 8 >= lines;
}

/** A tile of columns, packed: to `room`, or as it lies in what was packed before. */
@inline
function rightTile(b: usize, column: i32, columns: i32, k: i32, length: i32, room: usize): usize {
  const packed = address(Dot.packed);
  if (packed !== 0) return packed + <usize>((column / COLUMNS) * argument(Dot.depth) + k) * RIGHT_STEP;
  const columnStride = address(Dot.bColumnStride);
  const depthStride = address(Dot.bDepthStride);
  packRight(b + <usize>column * columnStride + <usize>k * depthStride, columnStride, depthStride, columns, length, room);
  return room;
}

/** Bytes between the panels of a tile of columns. */
@inline
function panelBytes(length: i32): usize {
  return <usize>(address(Dot.packed) !== 0 ? argument(Dot.depth) : length) * RIGHT_STEP;
}

/** Some rows and columns of one product: of a and b, to y. */
function part(a: usize, b: usize, y: usize, firstRow: i32, endRow: i32, firstColumn: i32, endColumn: i32, room: usize): void {
  const depth = argument(Dot.depth);
  const aRow = address(Dot.aRowStride);
  const aDepth = address(Dot.aDepthStride);
  const stride = <usize>argument(Dot.columns) << 2;
  const packedB = room + LEFT_TILE;
  const block = packedB + RIGHT_TILE;
  for (let column = firstColumn; column < endColumn; column += TILE_COLUMNS) {
    const columns = min(TILE_COLUMNS, endColumn - column);
    const bias = past(address(Dot.bias), <usize>column << 2);
    // The columns stay packed for all rows, whose sums lie in the result meanwhile.
    for (let k = 0; k < depth; k += TILE_DEPTH) {
      const length = min(TILE_DEPTH, depth - k);
      const right = rightTile(b, column, columns, k, length, packedB);
      const panel = panelBytes(length);
      for (let row = firstRow; row < endRow; row += TILE_ROWS) {
        const rows = min(TILE_ROWS, endRow - row);
        tick();
        packLeft(a + <usize>row * aRow + <usize>k * aDepth, aRow, aDepth, rows, length, room);
        const to = y + <usize>row * stride + (<usize>column << 2);
        multiplyTiles(room, rows, right, panel, columns, length, to, stride, block, k > 0);
        if (k + length < depth) continue;
        for (let i = 0; i < rows; i++) finish(to + <usize>i * stride, columns, bias);
      }
    }
  }
}

/** The same without rows of zeros. The other rows of the result come one after another first, and then to their places. */
function partOfRows(a: usize, b: usize, y: usize, firstRow: i32, endRow: i32, firstColumn: i32, endColumn: i32, room: usize): void {
  const depth = argument(Dot.depth);
  const aRow = address(Dot.aRowStride);
  const stride = <usize>argument(Dot.columns) << 2;
  const packedB = room + LEFT_TILE;
  const block = packedB + RIGHT_TILE;
  for (let column = firstColumn; column < endColumn; column += TILE_COLUMNS) {
    const columns = min(TILE_COLUMNS, endColumn - column);
    const bias = past(address(Dot.bias), <usize>column << 2);
    const to = y + <usize>firstRow * stride + (<usize>column << 2);
    let done = 0;
    for (let k = 0; k < depth; k += TILE_DEPTH) {
      const length = min(TILE_DEPTH, depth - k);
      const right = rightTile(b, column, columns, k, length, packedB);
      const panel = panelBytes(length);
      done = 0;
      for (let row = firstRow; row < endRow; row = nextLine()) {
        tick();
        const rows = packRows(a, aRow, depth, row, endRow, TILE_ROWS, <usize>k << 2, length, room);
        multiplyTiles(room, rows, right, panel, columns, length, to + <usize>done * stride, stride, block, k > 0);
        done += rows;
      }
    }
    for (let i = 0; i < done; i++) finish(to + <usize>i * stride, columns, bias);
    // The packed rows are not needed any more.
    if (bias !== 0) {
      memory.fill(room, 0, <usize>columns << 2);
      finish(room, columns, bias);
    }
    const rest = bias === 0 ? 0 : room;
    spreadRows(a + <usize>firstRow * aRow, aRow, depth, endRow - firstRow, done, to, stride, <usize>columns << 2, rest);
  }
}

/** The same without the steps of the sum that add nothing. */
function partOfSteps(a: usize, b: usize, y: usize, firstRow: i32, endRow: i32, firstColumn: i32, endColumn: i32, room: usize): void {
  const depth = argument(Dot.depth);
  const aDepth = address(Dot.aDepthStride);
  const bDepth = address(Dot.bDepthStride);
  const allRows = argument(Dot.rows);
  const allColumns = argument(Dot.columns);
  const stride = <usize>allColumns << 2;
  const packedB = room + LEFT_TILE;
  const block = packedB + RIGHT_TILE;
  const list = block + BLOCK_BYTES;
  for (let column = firstColumn; column < endColumn; column += TILE_COLUMNS) {
    const columns = min(TILE_COLUMNS, endColumn - column);
    const bias = past(address(Dot.bias), <usize>column << 2);
    for (let k = 0; k < depth; k = nextLine()) {
      // Whole lines, so that all threads leave out the same.
      const length = listSteps(a, aDepth, allRows, b, bDepth, allColumns, k, depth, TILE_DEPTH, list);
      packRightSteps(b + (<usize>column << 2), bDepth, columns, list, length, packedB);
      for (let row = firstRow; row < endRow; row += TILE_ROWS) {
        const rows = min(TILE_ROWS, endRow - row);
        tick();
        const to = y + <usize>row * stride + (<usize>column << 2);
        if (length > 0) {
          packLeftSteps(a + (<usize>row << 2), aDepth, rows, list, length, room);
          multiplyTiles(room, rows, packedB, <usize>length * RIGHT_STEP, columns, length, to, stride, block, k > 0);
        } else if (k === 0) for (let i = 0; i < rows; i++) memory.fill(to + <usize>i * stride, 0, <usize>columns << 2);
      }
    }
    for (let row = firstRow; row < endRow; row++) finish(y + <usize>row * stride + (<usize>column << 2), columns, bias);
  }
}

/** Products with rows of b that ids tell, each thread a range of the batch: products of one row that stand together and read the same are one of several rows. */
function gatheredDot(thread: i32, threads: i32, room: usize): void {
  const batch = argument(Dot.batch);
  const rows = argument(Dot.rows);
  const columns = argument(Dot.columns);
  const ids = address(Dot.ids);
  const end = startOf(batch, thread + 1, threads);
  for (let n = startOf(batch, thread, threads), count = 1; n < end; n += count, count = 1) {
    const id = load<i32>(ids + (<usize>n << 2));
    while (rows === 1 && n + count < end && load<i32>(ids + (<usize>(n + count) << 2)) === id) count++;
    const a = address(Dot.a) + <usize>n * address(Dot.aBatchStride);
    const b = address(Dot.b) + <usize>id * address(Dot.bBatchStride);
    const y = address(Dot.y) + (<usize>(n * rows * columns) << 2);
    part(a, b, y, 0, rows * count, 0, columns, room);
  }
}

/**
 * Arguments: batch, rows, columns, depth; a, its strides over batch, rows, depth; b likewise, and its columns as `packDot` packs them, or 0; a bias of the columns,
 * or 0; ids of rows of b, or 0; the result; room and its size.
 */
export function dot(thread: i32, threads: i32): void {
  const batch = argument(Dot.batch);
  const rows = argument(Dot.rows);
  const columns = argument(Dot.columns);
  const depth = argument(Dot.depth);
  const room = address(Dot.tiles) + <usize>thread * address(Dot.tileBytes);
  if (address(Dot.ids) !== 0) return gatheredDot(thread, threads, room);
  const byRows = rows >= columns;
  // Columns that are packed are shared out by whole panels.
  const unit = !byRows && address(Dot.packed) !== 0 ? COLUMNS : 1;
  const lines = byRows ? rows : unit === 1 ? columns : panelsOf(columns);
  const firstLine = startOf(batch * lines, thread, threads);
  const endLine = startOf(batch * lines, thread + 1, threads);

  const aRow = address(Dot.aRowStride);
  const aDepth = address(Dot.aDepthStride);
  const bColumn = address(Dot.bColumnStride);
  const bDepth = address(Dot.bDepthStride);
  for (let n = firstLine / lines; n * lines < endLine; n++) {
    const first = max(firstLine - n * lines, 0);
    const end = min(endLine - n * lines, lines);
    const firstRow = byRows ? first : 0;
    const endRow = byRows ? end : rows;
    const firstColumn = byRows ? 0 : first * unit;
    const endColumn = byRows ? columns : min(end * unit, columns);
    const a = address(Dot.a) + <usize>n * address(Dot.aBatchStride);
    const b = address(Dot.b) + <usize>n * address(Dot.bBatchStride);
    const y = address(Dot.y) + <usize>((n * rows * columns) << 2);
    // Of all rows where threads share those of one product: they are shared out anew, as most zeros stand at the end of rows that are padded.
    const shared = byRows && batch === 1;
    const start = shared ? 0 : firstRow;
    const count = (shared ? rows : endRow) - start;
    const zeros = aDepth === 4 ? countZeros(a + <usize>start * aRow, aRow, count, depth) : 0;
    if (areMany(zeros, count)) {
      const finite =
        bDepth === 4 ? areFinite(b, bColumn, columns, depth) : bColumn === 4 && areFinite(b, bDepth, depth, columns);
      if (finite) {
        const others = count - zeros;
        const from = shared ? lineBehind(a, aRow, rows, depth, startOf(others, thread, threads)) : firstRow;
        const last = !shared || thread + 1 === threads;
        const to = last ? endRow : lineBehind(a, aRow, rows, depth, startOf(others, thread + 1, threads));
        partOfRows(a, b, y, from, to, firstColumn, endColumn, room);
        continue;
      }
    } else if (aRow === 4 && bColumn === 4 && areMany(countNothing(a, aDepth, rows, b, bDepth, columns, depth), depth)) {
      partOfSteps(a, b, y, firstRow, endRow, firstColumn, endColumn, room);
      continue;
    }
    part(a, b, y, firstRow, endRow, firstColumn, endColumn, room);
  }
}
