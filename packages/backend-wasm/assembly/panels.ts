/**
 * The blocked product. The left operand lies in panels of six rows, the right one in panels of eight columns, both with the numbers of
 * one step of the sum side by side: a block of 6 × 8 sums fills the sixteen registers. Each sum takes its terms in order, one by one,
 * so that neither its place in a block nor what stands beside it changes a bit.
 */
import { madd } from "./lanes";

/** Rows of a left panel and columns of a right one. */
export const ROWS: i32 = 6;
export const COLUMNS: i32 = 8;
/** Bytes from one step of the sum to the next. */
export const LEFT_STEP: usize = 24;
export const RIGHT_STEP: usize = 32;

@inline
export function blocksOf(rows: i32): i32 {
  return (rows + ROWS - 1) / ROWS;
}

@inline
export function panelsOf(columns: i32): i32 {
  return (columns + COLUMNS - 1) / COLUMNS;
}

/** Writes two vectors of sums, or adds them to what is there. */
@inline
function put(to: usize, low: v128, high: v128, add: bool): void {
  if (add) {
    v128.store(to, f32x4.add(v128.load(to), low));
    v128.store(to, f32x4.add(v128.load(to, 16), high), 16);
  } else {
    v128.store(to, low);
    v128.store(to, high, 16);
  }
}

/** A block of `rows` known when this is compiled; what is left out falls away. */
@inline
function block(rows: i32, a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  const zero = f32x4.splat(0);
  let s0 = zero;
  let t0 = zero;
  let s1 = zero;
  let t1 = zero;
  let s2 = zero;
  let t2 = zero;
  let s3 = zero;
  let t3 = zero;
  let s4 = zero;
  let t4 = zero;
  let s5 = zero;
  let t5 = zero;
  for (const end = b + <usize>depth * RIGHT_STEP; b < end; b += RIGHT_STEP) {
    const low = v128.load(b);
    const high = v128.load(b, 16);
    let x = v128.load32_splat(a);
    s0 = madd(x, low, s0);
    t0 = madd(x, high, t0);
    if (rows > 1) {
      x = v128.load32_splat(a, 4);
      s1 = madd(x, low, s1);
      t1 = madd(x, high, t1);
    }
    if (rows > 2) {
      x = v128.load32_splat(a, 8);
      s2 = madd(x, low, s2);
      t2 = madd(x, high, t2);
    }
    if (rows > 3) {
      x = v128.load32_splat(a, 12);
      s3 = madd(x, low, s3);
      t3 = madd(x, high, t3);
    }
    if (rows > 4) {
      x = v128.load32_splat(a, 16);
      s4 = madd(x, low, s4);
      t4 = madd(x, high, t4);
    }
    if (rows > 5) {
      x = v128.load32_splat(a, 20);
      s5 = madd(x, low, s5);
      t5 = madd(x, high, t5);
    }
    a += LEFT_STEP;
  }
  put(to, s0, t0, add);
  if (rows > 1) put(to + stride, s1, t1, add);
  if (rows > 2) put(to + 2 * stride, s2, t2, add);
  if (rows > 3) put(to + 3 * stride, s3, t3, add);
  if (rows > 4) put(to + 4 * stride, s4, t4, add);
  if (rows > 5) put(to + 5 * stride, s5, t5, add);
}

function block1(a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  block(1, a, b, depth, to, stride, add);
}
function block2(a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  block(2, a, b, depth, to, stride, add);
}
function block3(a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  block(3, a, b, depth, to, stride, add);
}
function block4(a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  block(4, a, b, depth, to, stride, add);
}
function block5(a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  block(5, a, b, depth, to, stride, add);
}
function block6(a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  block(6, a, b, depth, to, stride, add);
}

/**
 * The product of the first `rows` (1 to 6) rows of a left panel with a right panel over `depth`: rows of eight sums, `stride` bytes
 * apart, written to `to` or added to what is there.
 */
export function multiply(rows: i32, a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  switch (rows) {
    case 6:
      return block6(a, b, depth, to, stride, add);
    case 5:
      return block5(a, b, depth, to, stride, add);
    case 4:
      return block4(a, b, depth, to, stride, add);
    case 3:
      return block3(a, b, depth, to, stride, add);
    case 2:
      return block2(a, b, depth, to, stride, add);
    default:
      return block1(a, b, depth, to, stride, add);
  }
}

/** A block of one to three rows and two right panels: with one, there would be too few sums to keep the processor busy. */
@inline
function wideBlock(rows: i32, a: usize, b: usize, next: usize, depth: i32, to: usize, nextTo: usize, stride: usize): void {
  const zero = f32x4.splat(0);
  let s0 = zero;
  let t0 = zero;
  let u0 = zero;
  let v0 = zero;
  let s1 = zero;
  let t1 = zero;
  let u1 = zero;
  let v1 = zero;
  let s2 = zero;
  let t2 = zero;
  let u2 = zero;
  let v2 = zero;
  for (const end = b + <usize>depth * RIGHT_STEP; b < end; b += RIGHT_STEP) {
    const low = v128.load(b);
    const high = v128.load(b, 16);
    const nextLow = v128.load(next);
    const nextHigh = v128.load(next, 16);
    let x = v128.load32_splat(a);
    s0 = madd(x, low, s0);
    t0 = madd(x, high, t0);
    u0 = madd(x, nextLow, u0);
    v0 = madd(x, nextHigh, v0);
    if (rows > 1) {
      x = v128.load32_splat(a, 4);
      s1 = madd(x, low, s1);
      t1 = madd(x, high, t1);
      u1 = madd(x, nextLow, u1);
      v1 = madd(x, nextHigh, v1);
    }
    if (rows > 2) {
      x = v128.load32_splat(a, 8);
      s2 = madd(x, low, s2);
      t2 = madd(x, high, t2);
      u2 = madd(x, nextLow, u2);
      v2 = madd(x, nextHigh, v2);
    }
    a += LEFT_STEP;
    next += RIGHT_STEP;
  }
  put(to, s0, t0, false);
  put(nextTo, u0, v0, false);
  if (rows > 1) {
    put(to + stride, s1, t1, false);
    put(nextTo + stride, u1, v1, false);
  }
  if (rows > 2) {
    put(to + 2 * stride, s2, t2, false);
    put(nextTo + 2 * stride, u2, v2, false);
  }
}

function wide1(a: usize, b: usize, next: usize, depth: i32, to: usize, nextTo: usize): void {
  wideBlock(1, a, b, next, depth, to, nextTo, 0);
}
function wide2(a: usize, b: usize, next: usize, depth: i32, to: usize, nextTo: usize, stride: usize): void {
  wideBlock(2, a, b, next, depth, to, nextTo, stride);
}
function wide3(a: usize, b: usize, next: usize, depth: i32, to: usize, nextTo: usize, stride: usize): void {
  wideBlock(3, a, b, next, depth, to, nextTo, stride);
}

/** The products of the first `rows` rows of a left panel with two right panels, `b` and `next`, written to `to` and `nextTo`. */
export function multiplyTwo(
  rows: i32,
  a: usize,
  b: usize,
  next: usize,
  depth: i32,
  to: usize,
  nextTo: usize,
  stride: usize,
): void {
  switch (rows) {
    case 1:
      return wide1(a, b, next, depth, to, nextTo);
    case 2:
      return wide2(a, b, next, depth, to, nextTo, stride);
    case 3:
      return wide3(a, b, next, depth, to, nextTo, stride);
    default:
      multiply(rows, a, b, depth, to, stride, false);
      multiply(rows, a, next, depth, nextTo, stride, false);
  }
}
