/** The crossentropy of a softmax and labels, and its gradient. Each thread takes a range of the rows. */
import { exp, expInPlace, loadPart, log, normal, storePart, storeTwo } from "./lanes";
import { Crossentropy, CrossentropyGrad } from "./protocol";
import { largestOf, loadFilled, sumOfPowers, total } from "./softmax";
import { address, argument } from "./team";

@inline
function rowStart(rows: i32, thread: i32, threads: i32): i32 {
  return <i32>((<i64>rows * thread) / threads);
}

/** A result of the rows, where it is read: at address 0 it is not. */
@inline
function put(at: usize, row: i32, value: f32): void {
  if (at !== 0) store<f32>(at + (<usize>row << 2), value);
}

/** The sum of x - largest over a row. */
function sumOfDistances(x: usize, width: i32, highest: f32): f32 {
  const shift = f32x4.splat(highest);
  let sums = f32x4.splat(0);
  let others = sums;
  for (; width >= 8; width -= 8, x += 32) {
    sums = f32x4.add(sums, f32x4.sub(v128.load(x), shift));
    others = f32x4.add(others, f32x4.sub(v128.load(x, 16), shift));
  }
  sums = f32x4.add(sums, others);
  for (; width > 0; width -= 4, x += 16) sums = f32x4.add(sums, f32x4.sub(loadFilled(x, width, highest), shift));
  return total(sums);
}

export function crossentropy(thread: i32, threads: i32): void {
  const rows = argument(Crossentropy.rows);
  const width = argument(Crossentropy.width);
  const smoothing = reinterpret<f32>(argument(Crossentropy.smoothing));
  const end = rowStart(rows, thread + 1, threads);
  for (let row = rowStart(rows, thread, threads); row < end; row++) {
    const x = address(Crossentropy.logits) + <usize>row * (<usize>width << 2);
    const highest = largestOf(x, width);
    const logSum = f32x4.extract_lane(log(f32x4.splat(sumOfPowers(x, width, f32x4.splat(highest)))), 0);
    if (address(Crossentropy.losses) !== 0) {
      const label = load<i32>(address(Crossentropy.labels) + (<usize>row << 2));
      const picked: f32 = <u32>label < <u32>width ? load<f32>(x + (<usize>label << 2)) - highest : 0;
      let loss = logSum - (1 - smoothing) * picked;
      if (smoothing !== 0) loss -= (smoothing / <f32>width) * sumOfDistances(x, width, highest);
      put(address(Crossentropy.losses), row, loss);
    }
    put(address(Crossentropy.largest), row, highest);
    put(address(Crossentropy.logSums), row, logSum);
  }
}

export function crossentropyGrad(thread: i32, threads: i32): void {
  const rows = argument(CrossentropyGrad.rows);
  const width = argument(CrossentropyGrad.width);
  const smoothing = reinterpret<f32>(argument(CrossentropyGrad.smoothing));
  const everywhere = f32x4.splat(smoothing / <f32>width);
  const end = rowStart(rows, thread + 1, threads);
  for (let row = rowStart(rows, thread, threads); row < end; row++) {
    const at = <usize>row << 2;
    const x = address(CrossentropyGrad.logits) + <usize>row * (<usize>width << 2);
    const y = address(CrossentropyGrad.y) + <usize>row * (<usize>width << 2);
    const highest = f32x4.splat(load<f32>(address(CrossentropyGrad.largest) + at));
    const logSum = f32x4.splat(load<f32>(address(CrossentropyGrad.logSums) + at));
    const scale = v128.load32_splat(address(CrossentropyGrad.cotangents) + at);
    const label = load<i32>(address(CrossentropyGrad.labels) + at);
    // Before its place is written: y may lie over the logits.
    const atLabel: f32 = <u32>label < <u32>width ? load<f32>(x + (<usize>label << 2)) : 0;
    let i: usize = 0;
    for (; i < <usize>(width & ~7) << 2; i += 32) {
      const low = f32x4.sub(f32x4.sub(v128.load(x + i), highest), logSum);
      const high = f32x4.sub(f32x4.sub(v128.load(x + i, 16), highest), logSum);
      const first = normal(f32x4.mul(scale, f32x4.sub(expInPlace(low), everywhere)));
      storeTwo(y + i, first, normal(f32x4.mul(scale, f32x4.sub(expInPlace(high), everywhere))));
    }
    for (; i < <usize>width << 2; i += 16) {
      const left = width - <i32>(i >> 2);
      const z = f32x4.sub(f32x4.sub(loadPart(x + i, left), highest), logSum);
      storePart(y + i, normal(f32x4.mul(scale, f32x4.sub(exp(z), everywhere))), left);
    }
    if (<u32>label < <u32>width) {
      const z = f32x4.sub(f32x4.sub(f32x4.splat(atLabel), highest), logSum);
      const target = f32x4.splat(1 - smoothing + smoothing / <f32>width);
      v128.store32_lane(y + (<usize>label << 2), normal(f32x4.mul(scale, f32x4.sub(exp(z), target))), 0);
    }
  }
}
