/** The gradient of the simple recurrent network, by the way of `backward.ts`: the product of a step is one with [R | W]. */
import { lasting, loadPart, storeTwo } from "../lanes";
import { multiply, RIGHT_STEP } from "../panels";
import { RnnGrad } from "../protocol";
import { address, argument, tick } from "../team";
import { packGate, packStepWeights, productPanels, rightOf, rightPlace, rightRows, sumsOf, throughTanh, writeInputs } from "./backward";
import { blockRoom, firstRow, lengthOf, rowOf } from "./blocks";

/** d where the relu that gave h was not 0. */
@inline
function throughRelu(d: v128, h: v128): v128 {
  return lasting(v128.and(d, f32x4.gt(h, f32x4.splat(0))));
}

/** One row's step, as a row of right panels. */
function gradients(y: usize, dY: usize, dH: usize, right: usize, rightPitch: i32): void {
  const hidden = argument(RnnGrad.hidden);
  const relu = argument(RnnGrad.relu) !== 0;
  let unit = 0;
  for (; unit + 8 <= hidden; unit += 8) {
    const at = <usize>unit << 2;
    const to = right + rightPlace(unit, rightPitch);
    const h = v128.load(y + at);
    const h2 = v128.load(y + at, 16);
    const dh = f32x4.add(v128.load(dH + at), v128.load(dY + at));
    const dh2 = f32x4.add(v128.load(dH + at, 16), v128.load(dY + at, 16));
    if (relu) storeTwo(to, throughRelu(dh, h), throughRelu(dh2, h2));
    else storeTwo(to, throughTanh(dh, h), throughTanh(dh2, h2));
  }
  for (; unit < hidden; unit += 4) {
    const at = <usize>unit << 2;
    const count = min(4, hidden - unit);
    const h = loadPart(y + at, count);
    const dh = f32x4.add(v128.load(dH + at), loadPart(dY + at, count));
    v128.store(right + rightPlace(unit, rightPitch), relu ? throughRelu(dh, h) : throughTanh(dh, h));
  }
}

/** Takes a block through the steps from `step` down to `last`. */
export function retreat(block: i32, step: i32, last: i32, activeInAll: i32, start: i32, zeros: usize): void {
  const batch = argument(RnnGrad.batch);
  const hidden = argument(RnnGrad.hidden);
  const reverse = argument(RnnGrad.reverse) !== 0;
  const dY = address(RnnGrad.dY);
  const first = firstRow(block);
  const end = firstRow(block + 1);
  const panels = productPanels();
  const sumBytes = <usize>panels * RIGHT_STEP;
  const rightPitch = rightRows();
  const left = blockRoom(block);
  const sums = sumsOf(block);

  let collected = 0;
  for (; step >= last; step--) {
    tick();
    while (activeInAll < batch && lengthOf(activeInAll) > step) activeInAll++;
    const active = min(end, activeInAll) - first;
    const rows = rightOf(collected + first, zeros);
    collected += activeInAll;
    if (active <= 0) continue;
    for (let lane = 0; lane < active; lane++) {
      const p = first + lane;
      const t = reverse ? lengthOf(p) - 1 - step : step;
      const at = <usize>((t * batch + rowOf(p)) * hidden) << 2;
      const cotangent = dY === 0 ? zeros : dY + at;
      const right = rows + <usize>lane * RIGHT_STEP;
      gradients(address(RnnGrad.y) + at, cotangent, sums + <usize>lane * sumBytes, right, rightPitch);
    }
    packGate(rows, rightPitch, active, left);
    for (let panel = 0; panel < panels; panel++) {
      const right = address(RnnGrad.weights) + <usize>(panel * hidden) * RIGHT_STEP;
      multiply(active, left, right, hidden, sums + <usize>panel * RIGHT_STEP, sumBytes, false);
    }
    writeInputs(step, first, active, sums);
  }
}

/** Packs the weights. */
export function packRnnGrad(thread: i32, threads: i32): void {
  packStepWeights(thread, threads, 1);
}
