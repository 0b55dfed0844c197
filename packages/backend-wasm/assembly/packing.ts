/** Packs strided operands as the panels of a product. */
import { COLUMNS, LEFT_STEP, RIGHT_STEP, ROWS } from "./panels";

/** One of the numbers at `from` to its place in a left panel. */
@inline
function copyNumber(to: usize, from: usize, index: usize): void {
  store<f32>(to + index * LEFT_STEP, load<f32>(from + (index << 2)));
}

/** Eight numbers to a left panel, each one step from the one before. */
@inline
export function copyEight(to: usize, from: usize): void {
  copyNumber(to, from, 0);
  copyNumber(to, from, 1);
  copyNumber(to, from, 2);
  copyNumber(to, from, 3);
  copyNumber(to, from, 4);
  copyNumber(to, from, 5);
  copyNumber(to, from, 6);
  copyNumber(to, from, 7);
}

/** Packs `rows` rows of `depth` floats, `rowStride` and `depthStride` bytes apart, as left panels. Lanes past the last row are zero. */
export function packLeft(from: usize, rowStride: usize, depthStride: usize, rows: i32, depth: i32, to: usize): void {
  for (let row = 0; row < rows; row += ROWS) {
    const lanes = min(ROWS, rows - row);
    for (let lane = 0; lane < ROWS; lane++) {
      let x = from + <usize>(row + lane) * rowStride;
      let y = to + (<usize>lane << 2);
      for (let k = 0; k < depth; k++, x += depthStride, y += LEFT_STEP) store<f32>(y, lane < lanes ? load<f32>(x) : 0);
    }
    to += <usize>depth * LEFT_STEP;
  }
}

/**
 * Packs `count` columns side by side as `width` (8 or 16) of a right panel; `columnStride` and `depthStride` are in bytes. Those past the last
 * column are zero.
 */
export function packColumns(
  from: usize,
  columnStride: usize,
  depthStride: usize,
  count: i32,
  width: i32,
  depth: i32,
  to: usize,
): void {
  if (count === COLUMNS && columnStride === 4) {
    for (let k = 0; k < depth; k++, from += depthStride, to += RIGHT_STEP) copyStep(to, from);
    return;
  }
  for (let lane = 0; lane < width; lane++) {
    let x = from + <usize>lane * columnStride;
    let y = to + (<usize>lane << 2);
    for (let k = 0; k < depth; k++, x += depthStride, y += RIGHT_STEP) store<f32>(y, lane < count ? load<f32>(x) : 0);
  }
}

@inline
function copyStep(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  v128.store(to, v128.load(from, 32), 32);
  v128.store(to, v128.load(from, 48), 48);
}

/** Packs columns as right panels. */
export function packRight(
  from: usize,
  columnStride: usize,
  depthStride: usize,
  columns: i32,
  depth: i32,
  to: usize,
): void {
  for (let column = 0; column < columns; column += COLUMNS) {
    const count = min(COLUMNS, columns - column);
    packColumns(from + <usize>column * columnStride, columnStride, depthStride, count, COLUMNS, depth, to);
    to += <usize>depth * RIGHT_STEP;
  }
}
