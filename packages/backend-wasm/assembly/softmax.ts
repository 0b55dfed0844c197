/** Softmax and its logarithm along the last axis, shifted by the maximum of each row. Each thread takes a range of the rows. */
import { exp, expOfNegative, loadPart, log, normal, storePart } from "./lanes";
import { Softmax } from "./protocol";
import { address, argument } from "./team";

@inline
export function largest(x: v128): f32 {
  const pairs = f32x4.max(x, i32x4.shuffle(x, x, 2, 3, 0, 1));
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

@inline
export function total(x: v128): f32 {
  const pairs = f32x4.add(x, i32x4.shuffle(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** The first `count` of four numbers, the others `filler`. */
export function loadFilled(from: usize, count: i32, filler: f32): v128 {
  if (count >= 4) return v128.load(from);
  let x = f32x4.splat(filler);
  x = v128.load32_lane(from, x, 0);
  if (count > 1) x = v128.load32_lane(from, x, 1, 4);
  if (count > 2) x = v128.load32_lane(from, x, 2, 8);
  return x;
}

/** The largest of a row; NaN counts as none. */
export function largestOf(x: usize, width: i32): f32 {
  let most = f32x4.splat(-Infinity);
  let others = most;
  for (; width >= 8; width -= 8, x += 32) {
    most = f32x4.pmax(most, v128.load(x));
    others = f32x4.pmax(others, v128.load(x, 16));
  }
  for (; width > 0; width -= 4, x += 16) most = f32x4.pmax(most, loadFilled(x, width, -Infinity));
  return largest(f32x4.max(most, others));
}

/** The sum of exp(x - largest) over a row, which is 1 or more; NaN where the row has NaN. */
export function sumOfPowers(x: usize, width: i32, shift: v128): f32 {
  let sums = f32x4.splat(0);
  let others = sums;
  for (; width >= 8; width -= 8, x += 32) {
    sums = f32x4.add(sums, expOfNegative(f32x4.sub(v128.load(x), shift)));
    others = f32x4.add(others, expOfNegative(f32x4.sub(v128.load(x, 16), shift)));
  }
  sums = f32x4.add(sums, others);
  for (; width > 0; width -= 4, x += 16)
    sums = f32x4.add(sums, exp(f32x4.sub(loadFilled(x, width, -Infinity), shift)));
  return total(sums);
}

/** NaN in a row makes the whole row NaN. */
export function softmax(thread: i32, threads: i32): void {
  const logarithm = argument(Softmax.logarithm) !== 0;
  const rows = argument(Softmax.rows);
  const width = argument(Softmax.width);
  const bytes = <usize>width << 2;
  const end = <i32>((<i64>rows * (thread + 1)) / threads);
  for (let row = <i32>((<i64>rows * thread) / threads); row < end; row++) {
    const x = address(Softmax.x) + <usize>row * bytes;
    const y = address(Softmax.y) + <usize>row * bytes;
    const shift = f32x4.splat(largestOf(x, width));
    if (logarithm) takeLogarithms(x, width, y, shift);
    else takeShares(x, width, y, shift);
  }
}

function takeLogarithms(x: usize, width: i32, y: usize, shift: v128): void {
  const logSum = log(f32x4.splat(sumOfPowers(x, width, shift)));
  for (; width > 0; width -= 4, x += 16, y += 16) {
    // The maximum first: beside it the logarithm may have no digits left.
    storePart(y, f32x4.sub(f32x4.sub(loadPart(x, width), shift), logSum), width);
  }
}

function takeShares(x: usize, width: i32, y: usize, shift: v128): void {
  let sums = f32x4.splat(0);
  for (let i: usize = 0, left = width; left > 0; left -= 4, i += 16) {
    const e = exp(f32x4.sub(loadFilled(x + i, left, -Infinity), shift));
    sums = f32x4.add(sums, e);
    storePart(y + i, e, left);
  }
  const sum = f32x4.splat(total(sums));
  for (; width > 0; width -= 4, y += 16) storePart(y, normal(f32x4.div(loadPart(y, width), sum)), width);
}
