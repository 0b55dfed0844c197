/**
 * Elementwise ops on floats, and `select` on any 32-bit numbers. Each thread takes a range of the elements, a multiple of four but for the last.
 * An operand with stride 0 is one number that stands for all.
 */
import { exp, loadPart, log, sigmoid, softplus, storePart, tanh } from "./lanes";
import { address, argument } from "./team";

/** The first element of a thread's range; that of the thread after the last is the end. */
@inline
export function rangeStart(size: i32, thread: i32, threads: i32): i32 {
  const quads = (size + 3) >> 2;
  return min(size, <i32>((<i64>quads * thread) / threads) << 2);
}

/** The numbers of the unary and binary ops, in the order of `src/kernels/elementwise.ts`. */
@inline
function unaryOf(op: i32, x: v128): v128 {
  if (op === 0) return f32x4.neg(x);
  if (op === 1) return exp(x);
  if (op === 2) return log(x);
  if (op === 3) return f32x4.sqrt(x);
  if (op === 4) return f32x4.abs(x);
  if (op === 5) return tanh(x);
  if (op === 6) return sigmoid(x);
  if (op === 7) return f32x4.max(x, f32x4.splat(0));
  return softplus(x);
}

@inline
function binaryOf(op: i32, a: v128, b: v128): v128 {
  if (op === 0) return f32x4.add(a, b);
  if (op === 1) return f32x4.sub(a, b);
  if (op === 2) return f32x4.mul(a, b);
  if (op === 3) return f32x4.div(a, b);
  if (op === 4) return f32x4.max(a, b);
  return f32x4.min(a, b);
}

/** Room for operands that are one number, four times. All threads of a job write the same there. */
const UNIFORM = memory.data(32, 16);

/** Where the numbers of an operand begin for a thread. */
@inline
function operandFrom(at: usize, stride: i32, start: i32, uniform: usize): usize {
  if (stride !== 0) return at + (<usize>start << 2);
  v128.store(uniform, v128.load32_splat(at));
  return uniform;
}

@inline
function stepOf(stride: i32): usize {
  return stride !== 0 ? 16 : 0;
}

/** The loop of an op, which is known when this is compiled. */
@inline
function unaryLoop(op: i32, thread: i32, threads: i32): void {
  const start = rangeStart(argument(1), thread, threads);
  let left = rangeStart(argument(1), thread + 1, threads) - start;
  const step = stepOf(argument(3));
  let x = operandFrom(address(2), argument(3), start, UNIFORM);
  let y = address(4) + (<usize>start << 2);
  for (; left >= 4; left -= 4, x += step, y += 16) v128.store(y, unaryOf(op, v128.load(x)));
  if (left > 0) storePart(y, unaryOf(op, loadPart(x, left)), left);
}

@inline
function binaryLoop(op: i32, thread: i32, threads: i32): void {
  const start = rangeStart(argument(1), thread, threads);
  let left = rangeStart(argument(1), thread + 1, threads) - start;
  const aStep = stepOf(argument(3));
  const bStep = stepOf(argument(5));
  let a = operandFrom(address(2), argument(3), start, UNIFORM);
  let b = operandFrom(address(4), argument(5), start, UNIFORM + 16);
  let y = address(6) + (<usize>start << 2);
  for (; left >= 4; left -= 4, a += aStep, b += bStep, y += 16) {
    v128.store(y, binaryOf(op, v128.load(a), v128.load(b)));
  }
  if (left > 0) storePart(y, binaryOf(op, loadPart(a, left), loadPart(b, left)), left);
}

// A function of its own for each op: of loops within one function the compiler makes one, which computes all ops for each number.
function negate(thread: i32, threads: i32): void {
  unaryLoop(0, thread, threads);
}
function exponentiate(thread: i32, threads: i32): void {
  unaryLoop(1, thread, threads);
}
function logarithm(thread: i32, threads: i32): void {
  unaryLoop(2, thread, threads);
}
function squareRoot(thread: i32, threads: i32): void {
  unaryLoop(3, thread, threads);
}
function absolute(thread: i32, threads: i32): void {
  unaryLoop(4, thread, threads);
}
function hyperbolicTangent(thread: i32, threads: i32): void {
  unaryLoop(5, thread, threads);
}
function logistic(thread: i32, threads: i32): void {
  unaryLoop(6, thread, threads);
}
function rectify(thread: i32, threads: i32): void {
  unaryLoop(7, thread, threads);
}
function softPlus(thread: i32, threads: i32): void {
  unaryLoop(8, thread, threads);
}

export function unary(thread: i32, threads: i32): void {
  switch (argument(0)) {
    case 0:
      return negate(thread, threads);
    case 1:
      return exponentiate(thread, threads);
    case 2:
      return logarithm(thread, threads);
    case 3:
      return squareRoot(thread, threads);
    case 4:
      return absolute(thread, threads);
    case 5:
      return hyperbolicTangent(thread, threads);
    case 6:
      return logistic(thread, threads);
    case 7:
      return rectify(thread, threads);
    default:
      return softPlus(thread, threads);
  }
}

function add(thread: i32, threads: i32): void {
  binaryLoop(0, thread, threads);
}
function subtract(thread: i32, threads: i32): void {
  binaryLoop(1, thread, threads);
}
function multiply(thread: i32, threads: i32): void {
  binaryLoop(2, thread, threads);
}
function divide(thread: i32, threads: i32): void {
  binaryLoop(3, thread, threads);
}
function maximum(thread: i32, threads: i32): void {
  binaryLoop(4, thread, threads);
}
function minimum(thread: i32, threads: i32): void {
  binaryLoop(5, thread, threads);
}

export function binary(thread: i32, threads: i32): void {
  switch (argument(0)) {
    case 0:
      return add(thread, threads);
    case 1:
      return subtract(thread, threads);
    case 2:
      return multiply(thread, threads);
    case 3:
      return divide(thread, threads);
    case 4:
      return maximum(thread, threads);
    default:
      return minimum(thread, threads);
  }
}

/** Four numbers of an operand from `index` on; those past the end are zero. */
@inline
function operand(at: usize, dense: bool, index: i32, left: i32): v128 {
  return dense ? loadPart(at + (<usize>index << 2), left) : v128.load32_splat(at);
}

/** Conditions are bytes; the chosen numbers are moved as the bits they are. */
export function select(thread: i32, threads: i32): void {
  const size = argument(1);
  const end = rangeStart(size, thread + 1, threads);
  const conditions = address(2);
  const eachItsOwn = argument(3) !== 0;
  for (let index = rangeStart(size, thread, threads); index < end; index += 4) {
    const left = end - index;
    let bytes: u32 = 0;
    if (!eachItsOwn) bytes = <u32>load<u8>(conditions) * 0x01010101;
    else if (left >= 4) bytes = load<u32>(conditions + <usize>index);
    else for (let i = 0; i < left; i++) bytes |= <u32>load<u8>(conditions + <usize>(index + i)) << (i << 3);
    const wide = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(i32x4.splat(bytes)));
    const mask = i32x4.ne(wide, i32x4.splat(0));
    const a = operand(address(4), argument(5) !== 0, index, left);
    const b = operand(address(6), argument(7) !== 0, index, left);
    storePart(address(8) + (<usize>index << 2), v128.bitselect(a, b, mask), left);
  }
}
