/**
 * Lines of zeros in the operands of a product, as steps past the end of a row are, and nodes without a word. Products with them are zero and are left out, where the other
 * operand is finite: zero times infinity is no number.
 */
import { loadPart } from "./lanes";
import { copyStep, storePairs } from "./packing";
import { LEFT_STEP, RIGHT_STEP } from "./panels";
import { COLUMNS, ROWS } from "./protocol";

/** Whether so many floats are all zero. */
export function isZero(from: usize, count: i32): bool {
  if (load<f32>(from) !== 0) return false;
  const zero = f32x4.splat(0);
  for (; count >= 16; count -= 16, from += 64) {
    const some = v128.or(
      v128.or(f32x4.ne(v128.load(from), zero), f32x4.ne(v128.load(from, 16), zero)),
      v128.or(f32x4.ne(v128.load(from, 32), zero), f32x4.ne(v128.load(from, 48), zero)),
    );
    if (v128.any_true(some)) return false;
  }
  for (; count > 0; count -= 4, from += 16) if (v128.any_true(f32x4.ne(loadPart(from, count), zero))) return false;
  return true;
}

/** Whether so many floats are all finite: zero times each of them is zero. Sums side by side, which need not wait for each other. */
function isFiniteLine(from: usize, count: i32): bool {
  const zero = f32x4.splat(0);
  let a = zero;
  let b = zero;
  let c = zero;
  let d = zero;
  for (; count >= 16; count -= 16, from += 64) {
    a = f32x4.add(a, f32x4.mul(v128.load(from), zero));
    b = f32x4.add(b, f32x4.mul(v128.load(from, 16), zero));
    c = f32x4.add(c, f32x4.mul(v128.load(from, 32), zero));
    d = f32x4.add(d, f32x4.mul(v128.load(from, 48), zero));
  }
  for (; count > 0; count -= 4, from += 16) a = f32x4.add(a, f32x4.mul(loadPart(from, count), zero));
  return !v128.any_true(f32x4.ne(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), zero));
}

/** Whether all of so many lines are finite. */
export function areFinite(from: usize, stride: usize, lines: i32, width: i32): bool {
  for (; lines > 0; lines--, from += stride) if (!isFiniteLine(from, width)) return false;
  return true;
}

/** How many of so many lines are zero. */
export function countZeros(from: usize, stride: usize, lines: i32, width: i32): i32 {
  let count = 0;
  for (; lines > 0; lines--, from += stride) if (isZero(from, width)) count += 1;
  return count;
}

/** Where the lines begin of which `count`, not zero themselves, lie before: behind the last of these. */
export function lineBehind(from: usize, stride: usize, lines: i32, width: i32, count: i32): i32 {
  let line = 0;
  for (; line < lines && count > 0; line++, from += stride) if (!isZero(from, width)) count -= 1;
  return line;
}

/** The line behind the last that was looked at. */
let next: i32 = 0;
export function nextLine(): i32 {
  return next;
}

/** Where a row lies in left panels. */
@inline
function placeOf(row: i32, depth: i32, panels: usize): usize {
  return panels + <usize>((row / ROWS) * depth) * LEFT_STEP + (<usize>(row % ROWS) << 2);
}

function packPair(a: usize, b: usize, depth: i32, to: usize): void {
  let k = 0;
  for (; k + 4 <= depth; k += 4, a += 16, b += 16, to += 4 * LEFT_STEP) storePairs(to, v128.load(a), v128.load(b));
  for (; k < depth; k++, a += 4, b += 4, to += LEFT_STEP) {
    store<f32>(to, load<f32>(a));
    store<f32>(to, load<f32>(b), 4);
  }
}

function packOne(a: usize, depth: i32, to: usize): void {
  for (; depth > 0; depth--, a += 4, to += LEFT_STEP) store<f32>(to, load<f32>(a));
}

/**
 * Packs `depth` floats, `offset` bytes past the start, of the first rows of `width` floats from `row` to `end` that are not zero, at most `most`, as left panels. Returns how
 * many these are.
 */
export function packRows(from: usize, stride: usize, width: i32, row: i32, end: i32, most: i32, offset: usize, depth: i32, to: usize): i32 {
  let count = 0;
  let before: usize = 0;
  for (; row < end && count < most; row++) {
    const line = from + <usize>row * stride;
    if (isZero(line, width)) continue;
    count += 1;
    if ((count & 1) === 0) packPair(before, line + offset, depth, placeOf(count - 2, depth, to));
    before = line + offset;
  }
  if ((count & 1) !== 0) packOne(before, depth, placeOf(count - 1, depth, to));
  next = row;
  return count;
}

/**
 * Moves `count` rows of a result, which lie one after another, to the places of the rows of `a` that are not zero; the others become what lies at `rest`, or
 * zero without it.
 */
export function spreadRows(
  a: usize,
  aStride: usize,
  width: i32,
  rows: i32,
  count: i32,
  to: usize,
  stride: usize,
  bytes: usize,
  rest: usize,
): void {
  for (let row = rows - 1; row >= 0; row--) {
    const target = to + <usize>row * stride;
    if (!isZero(a + <usize>row * aStride, width)) {
      count -= 1;
      if (count < row) memory.copy(target, to + <usize>count * stride, bytes);
    } else if (rest === 0) memory.fill(target, 0, bytes);
    else memory.copy(target, rest, bytes);
  }
}

/** Whether a step of the sum adds nothing: one of its lines is zero, and the other finite. */
function isNothing(a: usize, rows: i32, b: usize, columns: i32): bool {
  return isZero(a, rows) ? isFiniteLine(b, columns) : isZero(b, columns) && isFiniteLine(a, rows);
}

/** How many steps of the sum add nothing. */
export function countNothing(a: usize, aStride: usize, rows: i32, b: usize, bStride: usize, columns: i32, depth: i32): i32 {
  let count = 0;
  for (; depth > 0; depth--, a += aStride, b += bStride) if (isNothing(a, rows, b, columns)) count += 1;
  return count;
}

/** Lists the steps from `k` to `end` that add something, at most `most`; returns how many these are. */
export function listSteps(
  a: usize,
  aStride: usize,
  rows: i32,
  b: usize,
  bStride: usize,
  columns: i32,
  k: i32,
  end: i32,
  most: i32,
  list: usize,
): i32 {
  let count = 0;
  for (; k < end && count < most; k++) {
    if (isNothing(a + <usize>k * aStride, rows, b + <usize>k * bStride, columns)) continue;
    store<i32>(list + (<usize>count << 2), k);
    count += 1;
  }
  next = k;
  return count;
}

/** The address of the n-th line of a list. */
@inline
function listed(from: usize, stride: usize, list: usize, n: i32): usize {
  return from + <usize>load<i32>(list + (<usize>n << 2)) * stride;
}

/** Packs the steps of a list of `rows` rows that lie side by side as left panels. */
export function packLeftSteps(from: usize, stride: usize, rows: i32, list: usize, depth: i32, to: usize): void {
  for (let row = 0; row < rows; row += ROWS, from += LEFT_STEP) {
    const lanes = min(ROWS, rows - row);
    for (let k = 0; k < depth; k++, to += LEFT_STEP) {
      const x = listed(from, stride, list, k);
      if (lanes === ROWS) {
        v128.store(to, v128.load(x));
        store<u64>(to, load<u64>(x, 16), 16);
      } else for (let lane: usize = 0; lane < <usize>lanes << 2; lane += 4) store<f32>(to + lane, load<f32>(x + lane));
    }
  }
}

/** Packs the steps of a list of `columns` columns that lie side by side as right panels. */
export function packRightSteps(from: usize, stride: usize, columns: i32, list: usize, depth: i32, to: usize): void {
  const panel = <usize>depth * RIGHT_STEP;
  const whole = columns / COLUMNS;
  const rest = <usize>(columns % COLUMNS) << 2;
  for (let k = 0; k < depth; k++, to += RIGHT_STEP) {
    let x = listed(from, stride, list, k);
    let y = to;
    for (let i = 0; i < whole; i++, x += RIGHT_STEP, y += panel) copyStep(y, x);
    if (rest === 0) continue;
    memory.fill(y, 0, RIGHT_STEP);
    memory.copy(y, x, rest);
  }
}
