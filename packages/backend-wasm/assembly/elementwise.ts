/**
 * Loops of elementwise operations, eight elements at a time: `count` is a multiple of that. An operand of one number is eight times that number in memory,
 * from which the loop does not move on. Each result is written after the operands in its place are read, so it may lie over one of them.
 */
import { expInPlace, log, normal, sigmoid, softplus, storeTwo, tanh } from "./lanes";
import { FusedOp } from "./protocol";

/** The first element of a thread's range; that of the thread after the last is the end. */
@inline
export function rangeStart(size: i32, thread: i32, threads: i32): i32 {
  const quads = (size + 3) >> 2;
  return min(size, <i32>((<i64>quads * thread) / threads) << 2);
}

@inline
function signOf(x: v128): v128 {
  const zero = f32x4.splat(0);
  const negative = v128.bitselect(f32x4.splat(-1), x, f32x4.lt(x, zero));
  return v128.bitselect(f32x4.splat(1), negative, f32x4.gt(x, zero));
}

@inline
function unaryOf(op: i32, x: v128): v128 {
  if (op === FusedOp.neg) return f32x4.neg(x);
  if (op === FusedOp.exp) return expInPlace(x);
  if (op === FusedOp.log) return log(x);
  if (op === FusedOp.sqrt) return f32x4.sqrt(x);
  if (op === FusedOp.abs) return f32x4.abs(x);
  if (op === FusedOp.sign) return signOf(x);
  if (op === FusedOp.tanh) return normal(tanh(x));
  if (op === FusedOp.sigmoid) return sigmoid(x);
  if (op === FusedOp.relu) return f32x4.max(x, f32x4.splat(0));
  if (op === FusedOp.softplus) return normal(softplus(x));
  if (op === FusedOp.negInt) return i32x4.neg(x);
  if (op === FusedOp.absInt) return i32x4.abs(x);
  if (op === FusedOp.signInt) return i32x4.max_s(i32x4.min_s(x, i32x4.splat(1)), i32x4.splat(-1));
  if (op === FusedOp.intToFloat) return f32x4.convert_i32x4_s(x);
  return i32x4.trunc_sat_f32x4_s(x);
}

@inline
export function binaryOf(op: i32, a: v128, b: v128): v128 {
  if (op === FusedOp.add) return normal(f32x4.add(a, b));
  if (op === FusedOp.sub) return normal(f32x4.sub(a, b));
  if (op === FusedOp.mul) return normal(f32x4.mul(a, b));
  if (op === FusedOp.div) return normal(f32x4.div(a, b));
  if (op === FusedOp.maximum) return f32x4.max(a, b);
  if (op === FusedOp.minimum) return f32x4.min(a, b);
  if (op === FusedOp.addInt) return i32x4.add(a, b);
  if (op === FusedOp.subInt) return i32x4.sub(a, b);
  if (op === FusedOp.mulInt) return i32x4.mul(a, b);
  if (op === FusedOp.maximumInt) return i32x4.max_s(a, b);
  return i32x4.min_s(a, b);
}

/** All ones where it holds. */
@inline
function comparison(op: i32, a: v128, b: v128): v128 {
  if (op === FusedOp.less) return f32x4.lt(a, b);
  if (op === FusedOp.equal) return f32x4.eq(a, b);
  if (op === FusedOp.lessInt) return i32x4.lt_s(a, b);
  if (op === FusedOp.equalInt) return i32x4.eq(a, b);
  if (op === FusedOp.floatToBool) return f32x4.ne(a, b);
  return i32x4.ne(a, b);
}

/** The loop of an op, which is known when this is compiled. `step` is 32 bytes, or 0. */
@inline
function unaryLoop(op: i32, x: usize, step: usize, y: usize, count: i32): void {
  for (; count > 0; count -= 8, x += step, y += 32) {
    storeTwo(y, unaryOf(op, v128.load(x)), unaryOf(op, v128.load(x, 16)));
  }
}

/** The same, four at a time: for logarithms, of whose pairs V8 of Node 26 makes no 256-bit instructions, but ends the process. */
@inline
function narrowLoop(op: i32, x: usize, step: usize, y: usize, count: i32): void {
  for (; count > 0; count -= 4, x += step >> 1, y += 16) v128.store(y, unaryOf(op, v128.load(x)));
}

@inline
function binaryLoop(op: i32, a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  for (; count > 0; count -= 8, a += aStep, b += bStep, y += 32) {
    const low = binaryOf(op, v128.load(a), v128.load(b));
    storeTwo(y, low, binaryOf(op, v128.load(a, 16), v128.load(b, 16)));
  }
}

/** Truth values: a byte each, 0 or 1. */
@inline
function comparisonLoop(op: i32, a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  for (; count > 0; count -= 4, a += aStep >> 1, b += bStep >> 1, y += 4) {
    // The bits of the lanes, each to the lowest of a byte.
    const bits = i32x4.bitmask(comparison(op, v128.load(a), v128.load(b)));
    store<u32>(y, (bits * 0x00204081) & 0x01010101);
  }
}

// A function of its own for each op: of loops within one function the compiler makes one, which computes all ops for each number.
function negate(x: usize, step: usize, y: usize, count: i32): void {
  unaryLoop(FusedOp.neg, x, step, y, count);
}
function exponentiate(x: usize, step: usize, y: usize, count: i32): void {
  unaryLoop(FusedOp.exp, x, step, y, count);
}
function logarithm(x: usize, step: usize, y: usize, count: i32): void {
  narrowLoop(FusedOp.log, x, step, y, count);
}
function squareRoot(x: usize, step: usize, y: usize, count: i32): void {
  unaryLoop(FusedOp.sqrt, x, step, y, count);
}
function absolute(x: usize, step: usize, y: usize, count: i32): void {
  unaryLoop(FusedOp.abs, x, step, y, count);
}
function signum(x: usize, step: usize, y: usize, count: i32): void {
  unaryLoop(FusedOp.sign, x, step, y, count);
}
function hyperbolicTangent(x: usize, step: usize, y: usize, count: i32): void {
  unaryLoop(FusedOp.tanh, x, step, y, count);
}
function logistic(x: usize, step: usize, y: usize, count: i32): void {
  unaryLoop(FusedOp.sigmoid, x, step, y, count);
}
function rectify(x: usize, step: usize, y: usize, count: i32): void {
  unaryLoop(FusedOp.relu, x, step, y, count);
}
function softPlus(x: usize, step: usize, y: usize, count: i32): void {
  narrowLoop(FusedOp.softplus, x, step, y, count);
}
function negateInt(x: usize, step: usize, y: usize, count: i32): void {
  unaryLoop(FusedOp.negInt, x, step, y, count);
}
function absoluteInt(x: usize, step: usize, y: usize, count: i32): void {
  unaryLoop(FusedOp.absInt, x, step, y, count);
}
function signumInt(x: usize, step: usize, y: usize, count: i32): void {
  unaryLoop(FusedOp.signInt, x, step, y, count);
}
function intToFloat(x: usize, step: usize, y: usize, count: i32): void {
  unaryLoop(FusedOp.intToFloat, x, step, y, count);
}
function floatToInt(x: usize, step: usize, y: usize, count: i32): void {
  unaryLoop(FusedOp.floatToInt, x, step, y, count);
}

/** An op of one operand on words; false where it is none. */
export function unary(op: i32, x: usize, step: usize, y: usize, count: i32): bool {
  switch (op) {
    case FusedOp.neg:
      negate(x, step, y, count);
      return true;
    case FusedOp.exp:
      exponentiate(x, step, y, count);
      return true;
    case FusedOp.log:
      logarithm(x, step, y, count);
      return true;
    case FusedOp.sqrt:
      squareRoot(x, step, y, count);
      return true;
    case FusedOp.abs:
      absolute(x, step, y, count);
      return true;
    case FusedOp.sign:
      signum(x, step, y, count);
      return true;
    case FusedOp.tanh:
      hyperbolicTangent(x, step, y, count);
      return true;
    case FusedOp.sigmoid:
      logistic(x, step, y, count);
      return true;
    case FusedOp.relu:
      rectify(x, step, y, count);
      return true;
    case FusedOp.softplus:
      softPlus(x, step, y, count);
      return true;
    case FusedOp.negInt:
      negateInt(x, step, y, count);
      return true;
    case FusedOp.absInt:
      absoluteInt(x, step, y, count);
      return true;
    case FusedOp.signInt:
      signumInt(x, step, y, count);
      return true;
    case FusedOp.intToFloat:
      intToFloat(x, step, y, count);
      return true;
    case FusedOp.floatToInt:
      floatToInt(x, step, y, count);
      return true;
  }
  return false;
}

function add(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  binaryLoop(FusedOp.add, a, aStep, b, bStep, y, count);
}
function subtract(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  binaryLoop(FusedOp.sub, a, aStep, b, bStep, y, count);
}
function multiply(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  binaryLoop(FusedOp.mul, a, aStep, b, bStep, y, count);
}
function divide(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  binaryLoop(FusedOp.div, a, aStep, b, bStep, y, count);
}
function maximum(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  binaryLoop(FusedOp.maximum, a, aStep, b, bStep, y, count);
}
function minimum(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  binaryLoop(FusedOp.minimum, a, aStep, b, bStep, y, count);
}
function addInt(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  binaryLoop(FusedOp.addInt, a, aStep, b, bStep, y, count);
}
function subtractInt(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  binaryLoop(FusedOp.subInt, a, aStep, b, bStep, y, count);
}
function multiplyInt(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  binaryLoop(FusedOp.mulInt, a, aStep, b, bStep, y, count);
}
function maximumInt(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  binaryLoop(FusedOp.maximumInt, a, aStep, b, bStep, y, count);
}
function minimumInt(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  binaryLoop(FusedOp.minimumInt, a, aStep, b, bStep, y, count);
}
function less(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  comparisonLoop(FusedOp.less, a, aStep, b, bStep, y, count);
}
function equal(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  comparisonLoop(FusedOp.equal, a, aStep, b, bStep, y, count);
}
function lessInt(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  comparisonLoop(FusedOp.lessInt, a, aStep, b, bStep, y, count);
}
function equalInt(a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  comparisonLoop(FusedOp.equalInt, a, aStep, b, bStep, y, count);
}
function floatToBool(a: usize, aStep: usize, b: usize, y: usize, count: i32): void {
  comparisonLoop(FusedOp.floatToBool, a, aStep, b, 0, y, count);
}
function intToBool(a: usize, aStep: usize, b: usize, y: usize, count: i32): void {
  comparisonLoop(FusedOp.intToBool, a, aStep, b, 0, y, count);
}

/** Eight zeros: what numbers are compared with that become truth values. */
const ZEROS = memory.data(32, 16);

/** An op of two operands on words; false where it is none. */
export function binary(op: i32, a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): bool {
  switch (op) {
    case FusedOp.add:
      add(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.sub:
      subtract(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.mul:
      multiply(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.div:
      divide(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.maximum:
      maximum(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.minimum:
      minimum(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.addInt:
      addInt(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.subInt:
      subtractInt(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.mulInt:
      multiplyInt(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.maximumInt:
      maximumInt(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.minimumInt:
      minimumInt(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.less:
      less(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.equal:
      equal(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.lessInt:
      lessInt(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.equalInt:
      equalInt(a, aStep, b, bStep, y, count);
      return true;
    case FusedOp.floatToBool:
      floatToBool(a, aStep, ZEROS, y, count);
      return true;
    case FusedOp.intToBool:
      intToBool(a, aStep, ZEROS, y, count);
      return true;
  }
  return false;
}

/** The next four truth values as words of 0 or 1. */
@inline
function truths(at: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(i32x4.splat(load<u32>(at))));
}

export function boolToFloat(x: usize, step: usize, y: usize, count: i32): void {
  for (; count > 0; count -= 4, x += step >> 3, y += 16) v128.store(y, f32x4.convert_i32x4_s(truths(x)));
}

export function boolToInt(x: usize, step: usize, y: usize, count: i32): void {
  for (; count > 0; count -= 4, x += step >> 3, y += 16) v128.store(y, truths(x));
}

/** The chosen numbers are moved as the bits they are. */
export function select(c: usize, cStep: usize, a: usize, aStep: usize, b: usize, bStep: usize, y: usize, count: i32): void {
  for (; count > 0; count -= 4, c += cStep >> 3, a += aStep >> 1, b += bStep >> 1, y += 16) {
    const mask = i32x4.ne(truths(c), i32x4.splat(0));
    v128.store(y, v128.bitselect(v128.load(a), v128.load(b), mask));
  }
}

/** The sum of floats in double precision: of every eighth, those eight together, and then what is left. */
export function sum(x: usize, step: usize, count: i32): f64 {
  let s = f64x2.splat(0);
  let t = f64x2.splat(0);
  let u = f64x2.splat(0);
  let v = f64x2.splat(0);
  for (; count >= 8; count -= 8, x += step) {
    const low = v128.load(x);
    const high = v128.load(x, 16);
    s = f64x2.add(s, f64x2.promote_low_f32x4(low));
    t = f64x2.add(t, f64x2.promote_low_f32x4(i32x4.shuffle(low, low, 2, 3, 2, 3)));
    u = f64x2.add(u, f64x2.promote_low_f32x4(high));
    v = f64x2.add(v, f64x2.promote_low_f32x4(i32x4.shuffle(high, high, 2, 3, 2, 3)));
  }
  const sums = f64x2.add(f64x2.add(s, t), f64x2.add(u, v));
  let total = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  for (; count > 0; count--, x += step >> 3) total += <f64>load<f32>(x);
  return total;
}

export function sumInt(x: usize, step: usize, count: i32): f64 {
  let total: f64 = 0;
  for (; count > 0; count--, x += step >> 3) total += <f64>load<i32>(x);
  return total;
}
