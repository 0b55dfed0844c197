/** Chains of elementwise operations as one instruction, eight elements at a time: those that optimizers are made of. Each gives the bits of its operations one after another. */
import { binaryOf } from "./elementwise";
import { storeTwo } from "./lanes";
import { FusedOp } from "./protocol";
import { total } from "./softmax";

@inline
function approached(a: v128, b: v128, c: v128): v128 {
  const share = binaryOf(FusedOp.mul, binaryOf(FusedOp.sub, b, a), c);
  return binaryOf(FusedOp.add, a, share);
}

/** a + (b - a) · c. */
export function approach(a: usize, aStep: usize, b: usize, bStep: usize, c: usize, cStep: usize, y: usize, count: i32): void {
  for (; count > 0; count -= 8, a += aStep, b += bStep, c += cStep, y += 32) {
    const low = approached(v128.load(a), v128.load(b), v128.load(c));
    storeTwo(y, low, approached(v128.load(a, 16), v128.load(b, 16), v128.load(c, 16)));
  }
}

@inline
function square(x: v128): v128 {
  return binaryOf(FusedOp.mul, x, x);
}

/** a + (b² - a) · c. */
export function approachSquare(a: usize, aStep: usize, b: usize, bStep: usize, c: usize, cStep: usize, y: usize, count: i32): void {
  for (; count > 0; count -= 8, a += aStep, b += bStep, c += cStep, y += 32) {
    const low = approached(v128.load(a), square(v128.load(b)), v128.load(c));
    storeTwo(y, low, approached(v128.load(a, 16), square(v128.load(b, 16)), v128.load(c, 16)));
  }
}

/** c where |a| < b, else a. */
export function replaceSmall(a: usize, aStep: usize, b: usize, bStep: usize, c: usize, cStep: usize, y: usize, count: i32): void {
  for (; count > 0; count -= 8, a += aStep, b += bStep, c += cStep, y += 32) {
    const low = v128.load(a);
    const high = v128.load(a, 16);
    const first = v128.bitselect(v128.load(c), low, f32x4.lt(f32x4.abs(low), v128.load(b)));
    storeTwo(y, first, v128.bitselect(v128.load(c, 16), high, f32x4.lt(f32x4.abs(high), v128.load(b, 16))));
  }
}

/** c where a < b, else d. */
export function replace(
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  c: usize,
  cStep: usize,
  d: usize,
  dStep: usize,
  y: usize,
  count: i32,
): void {
  for (; count > 0; count -= 8, a += aStep, b += bStep, c += cStep, d += dStep, y += 32) {
    const low = v128.bitselect(v128.load(c), v128.load(d), f32x4.lt(v128.load(a), v128.load(b)));
    const high = v128.bitselect(v128.load(c, 16), v128.load(d, 16), f32x4.lt(v128.load(a, 16), v128.load(b, 16)));
    storeTwo(y, low, high);
  }
}

@inline
function descent(a: v128, b: v128, c: v128, d: v128, e: v128): v128 {
  const change = binaryOf(FusedOp.div, binaryOf(FusedOp.mul, b, c), binaryOf(FusedOp.add, f32x4.sqrt(d), e));
  return binaryOf(FusedOp.sub, a, change);
}

/** a - b · c / (√d + e). */
export function descend(
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  c: usize,
  cStep: usize,
  d: usize,
  dStep: usize,
  e: usize,
  eStep: usize,
  y: usize,
  count: i32,
): void {
  for (; count > 0; count -= 8, a += aStep, b += bStep, c += cStep, d += dStep, e += eStep, y += 32) {
    const low = descent(v128.load(a), v128.load(b), v128.load(c), v128.load(d), v128.load(e));
    const high = descent(v128.load(a, 16), v128.load(b, 16), v128.load(c, 16), v128.load(d, 16), v128.load(e, 16));
    storeTwo(y, low, high);
  }
}

/** The sum of all x - x: 0, or NaN where one is not finite. */
export function flaws(x: usize, step: usize, count: i32): f64 {
  let s = f32x4.splat(0);
  let t = f32x4.splat(0);
  for (; count >= 8; count -= 8, x += step) {
    const low = v128.load(x);
    const high = v128.load(x, 16);
    s = f32x4.add(s, f32x4.sub(low, low));
    t = f32x4.add(t, f32x4.sub(high, high));
  }
  for (; count > 0; count--, x += step >> 3) {
    const last = v128.load32_splat(x);
    s = f32x4.add(s, f32x4.sub(last, last));
  }
  return <f64>total(f32x4.add(s, t));
}
