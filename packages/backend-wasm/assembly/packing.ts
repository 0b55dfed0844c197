/** Packs strided operands as the panels of a product. */
import { LEFT_STEP, RIGHT_STEP } from "./panels";
import { COLUMNS, ROWS } from "./protocol";

/** Four numbers of two rows to a left panel, a pair at each step. */
@inline
export function storePairs(to: usize, a: v128, b: v128): void {
  const low = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const high = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  v128.store64_lane(to, low, 0);
  v128.store64_lane(to + LEFT_STEP, low, 1);
  v128.store64_lane(to + 2 * LEFT_STEP, high, 0);
  v128.store64_lane(to + 3 * LEFT_STEP, high, 1);
}

/** Copies `count` numbers, a multiple of four, of each of `rows` rows, `stride` bytes apart, to a left panel. */
@inline
export function transpose(from: usize, stride: usize, rows: i32, count: i32, to: usize): void {
  for (; rows > 1; rows -= 2, from += 2 * stride, to += 8) {
    for (let column: usize = 0; column < <usize>count; column += 4) {
      const at = from + (column << 2);
      storePairs(to + column * LEFT_STEP, v128.load(at), v128.load(at + stride));
    }
  }
  if (rows === 0) return;
  for (let column: usize = 0; column < <usize>count; column++) {
    store<f32>(to + column * LEFT_STEP, load<f32>(from + (column << 2)));
  }
}

/** Packs `rows` rows of `depth` floats, `rowStride` and `depthStride` bytes apart, as left panels. Lanes past the last row are zero. */
export function packLeft(from: usize, rowStride: usize, depthStride: usize, rows: i32, depth: i32, to: usize): void {
  for (let row = 0; row < rows; row += ROWS) {
    const lanes = min(ROWS, rows - row);
    const first = from + <usize>row * rowStride;
    // Whole vectors where the numbers lie side by side, of a row or of a step.
    const whole = lanes < ROWS ? 0 : rowStride === 4 ? depth : depthStride === 4 ? depth & ~3 : 0;
    if (rowStride === 4) copySteps(first, depthStride, whole, to);
    else transpose(first, rowStride, ROWS, whole, to);
    if (lanes < ROWS) memory.fill(to, 0, <usize>depth * LEFT_STEP);
    for (let lane = 0; lane < lanes; lane++) {
      let x = first + <usize>lane * rowStride + <usize>whole * depthStride;
      let y = to + (<usize>lane << 2) + <usize>whole * LEFT_STEP;
      for (let k = whole; k < depth; k++, x += depthStride, y += LEFT_STEP) store<f32>(y, load<f32>(x));
    }
    to += <usize>depth * LEFT_STEP;
  }
}

/** Copies the six numbers of each of `count` steps to a left panel. */
function copySteps(from: usize, stride: usize, count: i32, to: usize): void {
  for (; count > 0; count--, from += stride, to += LEFT_STEP) {
    v128.store(to, v128.load(from));
    store<u64>(to, load<u64>(from, 16), 16);
  }
}

/** Four steps of four columns, or of the first `few`, `stride` bytes apart, to a right panel: the steps of a column lie side by side before, and its columns after. */
@inline
function turnFour(from: usize, stride: usize, few: i32, to: usize): void {
  const none = f32x4.splat(0);
  const a = v128.load(from);
  const b = few > 1 ? v128.load(from + stride) : none;
  const c = few > 2 ? v128.load(from + 2 * stride) : none;
  const d = few > 3 ? v128.load(from + 3 * stride) : none;
  const lowAB = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const lowCD = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const highAB = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const highCD = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(lowAB, lowCD, 0, 2));
  v128.store(to + RIGHT_STEP, v128.shuffle<i64>(lowAB, lowCD, 1, 3));
  v128.store(to + 2 * RIGHT_STEP, v128.shuffle<i64>(highAB, highCD, 0, 2));
  v128.store(to + 3 * RIGHT_STEP, v128.shuffle<i64>(highAB, highCD, 1, 3));
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
  // By fours where the steps of a column lie side by side.
  const whole = depthStride === 4 ? depth & ~3 : 0;
  for (let lane = 0; lane < width; lane += 4) {
    const x = from + <usize>lane * columnStride;
    const y = to + (<usize>lane << 2);
    const few = count - lane;
    if (few <= 0) {
      for (let k = 0; k < depth; k++) v128.store(y + <usize>k * RIGHT_STEP, f32x4.splat(0));
      continue;
    }
    for (let k = 0; k < whole; k += 4) turnFour(x + (<usize>k << 2), columnStride, few, y + <usize>k * RIGHT_STEP);
    for (let i = 0; i < 4; i++) {
      let one = x + <usize>i * columnStride + <usize>whole * depthStride;
      let place = y + (<usize>i << 2) + <usize>whole * RIGHT_STEP;
      for (let k = whole; k < depth; k++, one += depthStride, place += RIGHT_STEP) {
        store<f32>(place, i < few ? load<f32>(one) : 0);
      }
    }
  }
}

@inline
export function copyStep(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  v128.store(to, v128.load(from, 32), 32);
  v128.store(to, v128.load(from, 48), 48);
}

/** Packs columns as right panels: step by step where those of a step lie side by side, so that memory is read in its order. */
export function packRight(
  from: usize,
  columnStride: usize,
  depthStride: usize,
  columns: i32,
  depth: i32,
  to: usize,
): void {
  const panel = <usize>depth * RIGHT_STEP;
  const whole = columnStride === 4 ? columns / COLUMNS : 0;
  for (let k = 0; k < depth; k++) {
    let x = from + <usize>k * depthStride;
    let y = to + <usize>k * RIGHT_STEP;
    for (let i = 0; i < whole; i++, x += RIGHT_STEP, y += panel) copyStep(y, x);
  }
  to += <usize>whole * panel;
  for (let column = whole * COLUMNS; column < columns; column += COLUMNS) {
    const count = min(COLUMNS, columns - column);
    packColumns(from + <usize>column * columnStride, columnStride, depthStride, count, COLUMNS, depth, to);
    to += panel;
  }
}
