/**
 * Elementwise ops on floats, and `select` on any 32-bit numbers. Each thread takes a range of the elements, a multiple of four but for the last.
 * An operand with stride 0 is one number that stands for all.
 */
import { exp, loadPart, log, normal, sigmoid, softplus, storePart, tanh } from "./lanes";
import { Binary, BinaryOp, Select, Unary, UnaryOp } from "./protocol";
import { address, argument } from "./team";

/** The first element of a thread's range; that of the thread after the last is the end. */
@inline
export function rangeStart(size: i32, thread: i32, threads: i32): i32 {
  const quads = (size + 3) >> 2;
  return min(size, <i32>((<i64>quads * thread) / threads) << 2);
}

@inline
function unaryOf(op: i32, x: v128): v128 {
  if (op === UnaryOp.neg) return f32x4.neg(x);
  if (op === UnaryOp.exp) return exp(x);
  if (op === UnaryOp.log) return log(x);
  if (op === UnaryOp.sqrt) return f32x4.sqrt(x);
  if (op === UnaryOp.abs) return f32x4.abs(x);
  if (op === UnaryOp.tanh) return normal(tanh(x));
  if (op === UnaryOp.sigmoid) return sigmoid(x);
  if (op === UnaryOp.relu) return f32x4.max(x, f32x4.splat(0));
  return normal(softplus(x));
}

@inline
function binaryOf(op: i32, a: v128, b: v128): v128 {
  if (op === BinaryOp.add) return normal(f32x4.add(a, b));
  if (op === BinaryOp.sub) return normal(f32x4.sub(a, b));
  if (op === BinaryOp.mul) return normal(f32x4.mul(a, b));
  if (op === BinaryOp.div) return normal(f32x4.div(a, b));
  if (op === BinaryOp.maximum) return f32x4.max(a, b);
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
  const start = rangeStart(argument(Unary.size), thread, threads);
  let left = rangeStart(argument(Unary.size), thread + 1, threads) - start;
  const step = stepOf(argument(Unary.xStride));
  let x = operandFrom(address(Unary.x), argument(Unary.xStride), start, UNIFORM);
  let y = address(Unary.y) + (<usize>start << 2);
  for (; left >= 4; left -= 4, x += step, y += 16) v128.store(y, unaryOf(op, v128.load(x)));
  if (left > 0) storePart(y, unaryOf(op, loadPart(x, left)), left);
}

@inline
function binaryLoop(op: i32, thread: i32, threads: i32): void {
  const start = rangeStart(argument(Binary.size), thread, threads);
  let left = rangeStart(argument(Binary.size), thread + 1, threads) - start;
  const aStep = stepOf(argument(Binary.aStride));
  const bStep = stepOf(argument(Binary.bStride));
  let a = operandFrom(address(Binary.a), argument(Binary.aStride), start, UNIFORM);
  let b = operandFrom(address(Binary.b), argument(Binary.bStride), start, UNIFORM + 16);
  let y = address(Binary.y) + (<usize>start << 2);
  for (; left >= 4; left -= 4, a += aStep, b += bStep, y += 16) {
    v128.store(y, binaryOf(op, v128.load(a), v128.load(b)));
  }
  if (left > 0) storePart(y, binaryOf(op, loadPart(a, left), loadPart(b, left)), left);
}

// A function of its own for each op: of loops within one function the compiler makes one, which computes all ops for each number.
function negate(thread: i32, threads: i32): void {
  unaryLoop(UnaryOp.neg, thread, threads);
}
function exponentiate(thread: i32, threads: i32): void {
  unaryLoop(UnaryOp.exp, thread, threads);
}
function logarithm(thread: i32, threads: i32): void {
  unaryLoop(UnaryOp.log, thread, threads);
}
function squareRoot(thread: i32, threads: i32): void {
  unaryLoop(UnaryOp.sqrt, thread, threads);
}
function absolute(thread: i32, threads: i32): void {
  unaryLoop(UnaryOp.abs, thread, threads);
}
function hyperbolicTangent(thread: i32, threads: i32): void {
  unaryLoop(UnaryOp.tanh, thread, threads);
}
function logistic(thread: i32, threads: i32): void {
  unaryLoop(UnaryOp.sigmoid, thread, threads);
}
function rectify(thread: i32, threads: i32): void {
  unaryLoop(UnaryOp.relu, thread, threads);
}
function softPlus(thread: i32, threads: i32): void {
  unaryLoop(UnaryOp.softplus, thread, threads);
}

export function unary(thread: i32, threads: i32): void {
  switch (argument(Unary.op)) {
    case UnaryOp.neg:
      return negate(thread, threads);
    case UnaryOp.exp:
      return exponentiate(thread, threads);
    case UnaryOp.log:
      return logarithm(thread, threads);
    case UnaryOp.sqrt:
      return squareRoot(thread, threads);
    case UnaryOp.abs:
      return absolute(thread, threads);
    case UnaryOp.tanh:
      return hyperbolicTangent(thread, threads);
    case UnaryOp.sigmoid:
      return logistic(thread, threads);
    case UnaryOp.relu:
      return rectify(thread, threads);
    case UnaryOp.softplus:
      return softPlus(thread, threads);
  }
  unreachable();
}

function add(thread: i32, threads: i32): void {
  binaryLoop(BinaryOp.add, thread, threads);
}
function subtract(thread: i32, threads: i32): void {
  binaryLoop(BinaryOp.sub, thread, threads);
}
function multiply(thread: i32, threads: i32): void {
  binaryLoop(BinaryOp.mul, thread, threads);
}
function divide(thread: i32, threads: i32): void {
  binaryLoop(BinaryOp.div, thread, threads);
}
function maximum(thread: i32, threads: i32): void {
  binaryLoop(BinaryOp.maximum, thread, threads);
}
function minimum(thread: i32, threads: i32): void {
  binaryLoop(BinaryOp.minimum, thread, threads);
}

export function binary(thread: i32, threads: i32): void {
  switch (argument(Binary.op)) {
    case BinaryOp.add:
      return add(thread, threads);
    case BinaryOp.sub:
      return subtract(thread, threads);
    case BinaryOp.mul:
      return multiply(thread, threads);
    case BinaryOp.div:
      return divide(thread, threads);
    case BinaryOp.maximum:
      return maximum(thread, threads);
    case BinaryOp.minimum:
      return minimum(thread, threads);
  }
  unreachable();
}

/** Four numbers of an operand from `index` on; those past the end are zero. */
@inline
function operand(at: usize, dense: bool, index: i32, left: i32): v128 {
  return dense ? loadPart(at + (<usize>index << 2), left) : v128.load32_splat(at);
}

/** Conditions are bytes; the chosen numbers are moved as the bits they are. */
export function select(thread: i32, threads: i32): void {
  const size = argument(Select.size);
  const end = rangeStart(size, thread + 1, threads);
  const conditions = address(Select.condition);
  const eachItsOwn = argument(Select.conditionStride) !== 0;
  for (let index = rangeStart(size, thread, threads); index < end; index += 4) {
    const left = end - index;
    let bytes: u32 = 0;
    if (!eachItsOwn) bytes = <u32>load<u8>(conditions) * 0x01010101;
    else if (left >= 4) bytes = load<u32>(conditions + <usize>index);
    else for (let i = 0; i < left; i++) bytes |= <u32>load<u8>(conditions + <usize>(index + i)) << (i << 3);
    const wide = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(i32x4.splat(bytes)));
    const mask = i32x4.ne(wide, i32x4.splat(0));
    const a = operand(address(Select.a), argument(Select.aStride) !== 0, index, left);
    const b = operand(address(Select.b), argument(Select.bStride) !== 0, index, left);
    storePart(address(Select.y) + (<usize>index << 2), v128.bitselect(a, b, mask), left);
  }
}
