/**
 * The blocked product. The left operand lies in panels of six rows, the right one in panels of sixteen columns, both with the numbers of
 * one step of the sum side by side. Where the engine makes 256-bit instructions of two neighbouring 128-bit ones, a block of 6 × 16 sums fills
 * the registers; elsewhere a block of 6 × 8 does. Each sum takes its terms in order, one by one, so that neither its place in a block nor
 * what stands beside it changes a bit.
 */
import { madd } from "./lanes";
import { COLUMNS, ROWS } from "./protocol";
import { isWide } from "./team";

/** Bytes from one step of the sum to the next. */
export const LEFT_STEP: usize = 24;
export const RIGHT_STEP: usize = 64;

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
    low = f32x4.add(v128.load(to), low);
    high = f32x4.add(v128.load(to, 16), high);
  }
  v128.store(to, low);
  v128.store(to, high, 16);
}

/** A block of `rows`, known when this is compiled, and of all columns of a panel; what is left out falls away. */
@inline
function block(rows: i32, a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  // The first terms by themselves: the addresses of all rows then stand ready in registers, and the loop need not compute them.
  const end = b + <usize>depth * RIGHT_STEP;
  const zero = f32x4.splat(0);
  let s1 = zero;
  let t1 = zero;
  let u1 = zero;
  let v1 = zero;
  let s2 = zero;
  let t2 = zero;
  let u2 = zero;
  let v2 = zero;
  let s3 = zero;
  let t3 = zero;
  let u3 = zero;
  let v3 = zero;
  let s4 = zero;
  let t4 = zero;
  let u4 = zero;
  let v4 = zero;
  let s5 = zero;
  let t5 = zero;
  let u5 = zero;
  let v5 = zero;
  let s = v128.load(b);
  let t = v128.load(b, 16);
  let u = v128.load(b, 32);
  let v = v128.load(b, 48);
  let x = v128.load32_splat(a);
  let s0 = f32x4.mul(x, s);
  let t0 = f32x4.mul(x, t);
  let u0 = f32x4.mul(x, u);
  let v0 = f32x4.mul(x, v);
  if (rows > 1) {
    x = v128.load32_splat(a, 4);
    s1 = f32x4.mul(x, s);
    t1 = f32x4.mul(x, t);
    u1 = f32x4.mul(x, u);
    v1 = f32x4.mul(x, v);
  }
  if (rows > 2) {
    x = v128.load32_splat(a, 8);
    s2 = f32x4.mul(x, s);
    t2 = f32x4.mul(x, t);
    u2 = f32x4.mul(x, u);
    v2 = f32x4.mul(x, v);
  }
  if (rows > 3) {
    x = v128.load32_splat(a, 12);
    s3 = f32x4.mul(x, s);
    t3 = f32x4.mul(x, t);
    u3 = f32x4.mul(x, u);
    v3 = f32x4.mul(x, v);
  }
  if (rows > 4) {
    x = v128.load32_splat(a, 16);
    s4 = f32x4.mul(x, s);
    t4 = f32x4.mul(x, t);
    u4 = f32x4.mul(x, u);
    v4 = f32x4.mul(x, v);
  }
  if (rows > 5) {
    x = v128.load32_splat(a, 20);
    s5 = f32x4.mul(x, s);
    t5 = f32x4.mul(x, t);
    u5 = f32x4.mul(x, u);
    v5 = f32x4.mul(x, v);
  }
  for (a += LEFT_STEP, b += RIGHT_STEP; b < end; b += RIGHT_STEP) {
    s = v128.load(b);
    t = v128.load(b, 16);
    u = v128.load(b, 32);
    v = v128.load(b, 48);
    x = v128.load32_splat(a);
    s0 = madd(x, s, s0);
    t0 = madd(x, t, t0);
    u0 = madd(x, u, u0);
    v0 = madd(x, v, v0);
    if (rows > 1) {
      x = v128.load32_splat(a, 4);
      s1 = madd(x, s, s1);
      t1 = madd(x, t, t1);
      u1 = madd(x, u, u1);
      v1 = madd(x, v, v1);
    }
    if (rows > 2) {
      x = v128.load32_splat(a, 8);
      s2 = madd(x, s, s2);
      t2 = madd(x, t, t2);
      u2 = madd(x, u, u2);
      v2 = madd(x, v, v2);
    }
    if (rows > 3) {
      x = v128.load32_splat(a, 12);
      s3 = madd(x, s, s3);
      t3 = madd(x, t, t3);
      u3 = madd(x, u, u3);
      v3 = madd(x, v, v3);
    }
    if (rows > 4) {
      x = v128.load32_splat(a, 16);
      s4 = madd(x, s, s4);
      t4 = madd(x, t, t4);
      u4 = madd(x, u, u4);
      v4 = madd(x, v, v4);
    }
    if (rows > 5) {
      x = v128.load32_splat(a, 20);
      s5 = madd(x, s, s5);
      t5 = madd(x, t, t5);
      u5 = madd(x, u, u5);
      v5 = madd(x, v, v5);
    }
    a += LEFT_STEP;
  }
  put(to, s0, t0, add);
  put(to + 32, u0, v0, add);
  if (rows > 1) {
    put(to + stride, s1, t1, add);
    put(to + stride + 32, u1, v1, add);
  }
  if (rows > 2) {
    put(to + 2 * stride, s2, t2, add);
    put(to + 2 * stride + 32, u2, v2, add);
  }
  if (rows > 3) {
    put(to + 3 * stride, s3, t3, add);
    put(to + 3 * stride + 32, u3, v3, add);
  }
  if (rows > 4) {
    put(to + 4 * stride, s4, t4, add);
    put(to + 4 * stride + 32, u4, v4, add);
  }
  if (rows > 5) {
    put(to + 5 * stride, s5, t5, add);
    put(to + 5 * stride + 32, u5, v5, add);
  }
}

/** A block of half of a panel's columns. */
@inline
function half(rows: i32, a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  // The first terms by themselves: the addresses of all rows then stand ready in registers, and the loop need not compute them.
  const end = b + <usize>depth * RIGHT_STEP;
  const zero = f32x4.splat(0);
  let s4 = zero;
  let t4 = zero;
  let s5 = zero;
  let t5 = zero;
  let s = v128.load(b);
  let t = v128.load(b, 16);
  let x = v128.load32_splat(a);
  let s0 = f32x4.mul(x, s);
  let t0 = f32x4.mul(x, t);
  x = v128.load32_splat(a, 4);
  let s1 = f32x4.mul(x, s);
  let t1 = f32x4.mul(x, t);
  x = v128.load32_splat(a, 8);
  let s2 = f32x4.mul(x, s);
  let t2 = f32x4.mul(x, t);
  x = v128.load32_splat(a, 12);
  let s3 = f32x4.mul(x, s);
  let t3 = f32x4.mul(x, t);
  if (rows > 4) {
    x = v128.load32_splat(a, 16);
    s4 = f32x4.mul(x, s);
    t4 = f32x4.mul(x, t);
  }
  if (rows > 5) {
    x = v128.load32_splat(a, 20);
    s5 = f32x4.mul(x, s);
    t5 = f32x4.mul(x, t);
  }
  for (a += LEFT_STEP, b += RIGHT_STEP; b < end; b += RIGHT_STEP) {
    s = v128.load(b);
    t = v128.load(b, 16);
    x = v128.load32_splat(a);
    s0 = madd(x, s, s0);
    t0 = madd(x, t, t0);
    x = v128.load32_splat(a, 4);
    s1 = madd(x, s, s1);
    t1 = madd(x, t, t1);
    x = v128.load32_splat(a, 8);
    s2 = madd(x, s, s2);
    t2 = madd(x, t, t2);
    x = v128.load32_splat(a, 12);
    s3 = madd(x, s, s3);
    t3 = madd(x, t, t3);
    if (rows > 4) {
      x = v128.load32_splat(a, 16);
      s4 = madd(x, s, s4);
      t4 = madd(x, t, t4);
    }
    if (rows > 5) {
      x = v128.load32_splat(a, 20);
      s5 = madd(x, s, s5);
      t5 = madd(x, t, t5);
    }
    a += LEFT_STEP;
  }
  put(to, s0, t0, add);
  put(to + stride, s1, t1, add);
  put(to + 2 * stride, s2, t2, add);
  put(to + 3 * stride, s3, t3, add);
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
export function block6(a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  block(6, a, b, depth, to, stride, add);
}
function half4(a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  half(4, a, b, depth, to, stride, add);
}
function half5(a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  half(5, a, b, depth, to, stride, add);
}
export function half6(a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  half(6, a, b, depth, to, stride, add);
}

/**
 * The product of the first `rows` (1 to 6) rows of a left panel with a right panel over `depth`: rows of sixteen sums, `stride` bytes
 * apart, written to `to` or added to what is there.
 */
export function multiply(rows: i32, a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  if (rows <= 3) {
    multiplyFew(rows, a, b, depth, to, stride, add);
  } else if (isWide()) {
    multiplyWhole(rows, a, b, depth, to, stride, add);
  } else {
    multiplyHalf(rows, a, b, depth, to, stride, add);
    multiplyHalf(rows, a, b + 32, depth, to + 32, stride, add);
  }
}

/**
 * The products of the same rows with two right panels, one behind the other; the sums of the second are `apart` bytes from those of the first. One row
 * alone takes both at a time: its few sums would wait for each other.
 */
export function multiplyTwo(rows: i32, a: usize, b: usize, depth: i32, to: usize, apart: usize, stride: usize): void {
  if (rows === 1) {
    row(a, b, depth, to, apart);
    return;
  }
  multiply(rows, a, b, depth, to, stride, false);
  multiply(rows, a, b + <usize>depth * RIGHT_STEP, depth, to + apart, stride, false);
}

function row(a: usize, b: usize, depth: i32, to: usize, apart: usize): void {
  const end = b + <usize>depth * RIGHT_STEP;
  let c = end;
  let x = v128.load32_splat(a);
  let s0 = f32x4.mul(x, v128.load(b));
  let t0 = f32x4.mul(x, v128.load(b, 16));
  let u0 = f32x4.mul(x, v128.load(b, 32));
  let v0 = f32x4.mul(x, v128.load(b, 48));
  let s1 = f32x4.mul(x, v128.load(c));
  let t1 = f32x4.mul(x, v128.load(c, 16));
  let u1 = f32x4.mul(x, v128.load(c, 32));
  let v1 = f32x4.mul(x, v128.load(c, 48));
  for (b += RIGHT_STEP; b < end; b += RIGHT_STEP) {
    a += LEFT_STEP;
    c += RIGHT_STEP;
    x = v128.load32_splat(a);
    s0 = madd(x, v128.load(b), s0);
    t0 = madd(x, v128.load(b, 16), t0);
    u0 = madd(x, v128.load(b, 32), u0);
    v0 = madd(x, v128.load(b, 48), v0);
    s1 = madd(x, v128.load(c), s1);
    t1 = madd(x, v128.load(c, 16), t1);
    u1 = madd(x, v128.load(c, 32), u1);
    v1 = madd(x, v128.load(c, 48), v1);
  }
  put(to, s0, t0, false);
  put(to + 32, u0, v0, false);
  put(to + apart, s1, t1, false);
  put(to + apart + 32, u1, v1, false);
}

/** Up to three rows have few enough sums for either width of the registers. */
function multiplyFew(rows: i32, a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  if (rows === 3) block3(a, b, depth, to, stride, add);
  else if (rows === 2) block2(a, b, depth, to, stride, add);
  else block1(a, b, depth, to, stride, add);
}

function multiplyWhole(rows: i32, a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  if (rows === 6) block6(a, b, depth, to, stride, add);
  else if (rows === 5) block5(a, b, depth, to, stride, add);
  else block4(a, b, depth, to, stride, add);
}

function multiplyHalf(rows: i32, a: usize, b: usize, depth: i32, to: usize, stride: usize, add: bool): void {
  if (rows === 6) half6(a, b, depth, to, stride, add);
  else if (rows === 5) half5(a, b, depth, to, stride, add);
  else half4(a, b, depth, to, stride, add);
}
