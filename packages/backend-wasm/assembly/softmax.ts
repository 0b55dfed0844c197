/** Softmax and its logarithm along the last axis, shifted by the maximum of each row. Each thread takes a range of the rows. */
import { exp, loadPart, log, normal, storePart } from "./lanes";
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
  let x = f32x4.splat(filler);
  x = v128.load32_lane(from, x, 0);
  if (count > 1) x = v128.load32_lane(from, x, 1, 4);
  if (count > 2) x = v128.load32_lane(from, x, 2, 8);
  return x;
}

/** NaN in a row makes the whole row NaN. */
export function softmax(thread: i32, threads: i32): void {
  const logarithm = argument(Softmax.logarithm) !== 0;
  const rows = argument(Softmax.rows);
  const width = argument(Softmax.width);
  const end = <i32>((<i64>rows * (thread + 1)) / threads);
  const whole = width & ~3;
  for (let row = <i32>((<i64>rows * thread) / threads); row < end; row++) {
    const x = address(Softmax.x) + (<usize>(row * width) << 2);
    const y = address(Softmax.y) + (<usize>(row * width) << 2);
    let most = f32x4.splat(-Infinity);
    for (let i = 0; i < whole; i += 4) most = f32x4.max(most, v128.load(x + (<usize>i << 2)));
    const tail = x + (<usize>whole << 2);
    const few = width - whole;
    if (few > 0) most = f32x4.max(most, loadFilled(tail, few, -Infinity));
    const shift = f32x4.splat(largest(most));
    let sums = f32x4.splat(0);
    for (let i: usize = 0; i < <usize>whole << 2; i += 16) {
      const e = exp(f32x4.sub(v128.load(x + i), shift));
      sums = f32x4.add(sums, e);
      if (!logarithm) v128.store(y + i, e);
    }
    if (few > 0) {
      const e = exp(f32x4.sub(loadFilled(tail, few, -Infinity), shift));
      sums = f32x4.add(sums, e);
      if (!logarithm) storePart(y + (<usize>whole << 2), e, few);
    }
    const sum = f32x4.splat(total(sums));
    const logSum = logarithm ? log(sum) : sum;
    for (let i: usize = 0; i < <usize>width << 2; i += 16) {
      const count = width - <i32>(i >> 2);
      // The maximum first: beside it the logarithm may have no digits left.
      if (logarithm) storePart(y + i, f32x4.sub(f32x4.sub(loadPart(x + i, count), shift), logSum), count);
      else storePart(y + i, normal(f32x4.div(loadPart(y + i, count), sum)), count);
    }
  }
}
