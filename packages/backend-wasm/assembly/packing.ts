/** Packs strided operands as the panels of a product. */
import { COLUMNS, LEFT_STEP, RIGHT_STEP, ROWS } from "./panels";

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

/** Packs columns as right panels; `columnStride` and `depthStride` are in bytes. Lanes past the last column are zero. */
export function packRight(
  from: usize,
  columnStride: usize,
  depthStride: usize,
  columns: i32,
  depth: i32,
  to: usize,
): void {
  for (let column = 0; column < columns; column += COLUMNS) {
    const lanes = min(COLUMNS, columns - column);
    const start = from + <usize>column * columnStride;
    if (lanes === COLUMNS && columnStride === 4) {
      let x = start;
      for (let k = 0; k < depth; k++, x += depthStride, to += RIGHT_STEP) {
        v128.store(to, v128.load(x));
        v128.store(to, v128.load(x, 16), 16);
      }
      continue;
    }
    for (let lane = 0; lane < COLUMNS; lane++) {
      let x = start + <usize>lane * columnStride;
      let y = to + (<usize>lane << 2);
      for (let k = 0; k < depth; k++, x += depthStride, y += RIGHT_STEP) store<f32>(y, lane < lanes ? load<f32>(x) : 0);
    }
    to += <usize>depth * RIGHT_STEP;
  }
}
