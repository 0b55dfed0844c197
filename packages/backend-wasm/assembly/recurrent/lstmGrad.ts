/** The gradient of the LSTM, by the way of `backward.ts`: the product of a step is one with [R | W], and the cells have cotangents of their own. */
import { lasting, storeTwo } from "../lanes";
import { LEFT_STEP, multiply, RIGHT_STEP } from "../panels";
import { LstmGrad, UNITS } from "../protocol";
import { address, argument, tick } from "../team";
import { blockRoom, firstRow, lengthOf, rowOf } from "./blocks";
import {
  otherRows,
  packGate,
  packStepWeights,
  productPanels,
  rightGateBytes,
  rightOf,
  rightPlace,
  rightRows,
  slopeOfTanh,
  sumsOf,
  throughSigmoid,
  throughTanh,
  unitBytes,
  writeInputs,
} from "./backward";

/** tanh(c) of h = o · tanh(c); where o is 0, nothing that it is multiplied with is not. */
@inline
function tanhOfCell(h: v128, o: v128): v128 {
  return v128.andnot(f32x4.div(h, o), f32x4.eq(o, f32x4.splat(0)));
}

/**
 * One row's step, eight units: new cotangents of the cells, and the gate gradients, as a row of right panels. `gates` and `right` hold i, o, f
 * and c, `gate` and `rightGate` bytes apart.
 */
@inline
function gateGradients(
  y: usize,
  gates: usize,
  gate: usize,
  before: usize,
  dY: usize,
  dH: usize,
  dC: usize,
  right: usize,
  rightGate: usize,
): void {
  const i = v128.load(gates);
  const i2 = v128.load(gates, 16);
  const o = v128.load(gates + gate);
  const o2 = v128.load(gates + gate, 16);
  const f = v128.load(gates + 2 * gate);
  const f2 = v128.load(gates + 2 * gate, 16);
  const g = v128.load(gates + 3 * gate);
  const g2 = v128.load(gates + 3 * gate, 16);
  const a = tanhOfCell(v128.load(y), o);
  const a2 = tanhOfCell(v128.load(y, 16), o2);
  const dh = f32x4.add(v128.load(dH), v128.load(dY));
  const dh2 = f32x4.add(v128.load(dH, 16), v128.load(dY, 16));
  const dc = lasting(f32x4.add(v128.load(dC), f32x4.mul(f32x4.mul(dh, o), slopeOfTanh(a))));
  const dc2 = lasting(f32x4.add(v128.load(dC, 16), f32x4.mul(f32x4.mul(dh2, o2), slopeOfTanh(a2))));
  const df = throughSigmoid(f32x4.mul(dc, v128.load(before)), f);
  const df2 = throughSigmoid(f32x4.mul(dc2, v128.load(before, 16)), f2);
  storeTwo(dC, f32x4.mul(dc, f), f32x4.mul(dc2, f2));
  storeTwo(right, throughSigmoid(f32x4.mul(dc, g), i), throughSigmoid(f32x4.mul(dc2, g2), i2));
  storeTwo(right + rightGate, throughSigmoid(f32x4.mul(dh, a), o), throughSigmoid(f32x4.mul(dh2, a2), o2));
  storeTwo(right + 2 * rightGate, df, df2);
  storeTwo(right + 3 * rightGate, throughTanh(f32x4.mul(dc, i), g), throughTanh(f32x4.mul(dc2, i2), g2));
}

/** Takes a block through the steps from `step` down to `last`. */
export function retreat(block: i32, step: i32, last: i32, activeInAll: i32, start: i32, zeros: usize): void {
  const batch = argument(LstmGrad.batch);
  const hidden = argument(LstmGrad.hidden);
  const reverse = argument(LstmGrad.reverse) !== 0;
  const initialC = address(LstmGrad.initialC);
  const y = address(LstmGrad.y);
  const gates = address(LstmGrad.gates);
  const cells = address(LstmGrad.cells);
  const dY = address(LstmGrad.dY);
  const weights = address(LstmGrad.weights);
  const first = firstRow(block);
  const end = firstRow(block + 1);
  const depth = 4 * hidden;
  const panels = productPanels();
  const weightPanel = <usize>depth * RIGHT_STEP;
  const hiddenBytes = unitBytes();
  const sumBytes = <usize>panels * RIGHT_STEP;
  const rightPitch = rightRows();
  const rightGate = rightGateBytes(rightPitch);
  const gateStride = <usize>hidden << 2;
  const left = blockRoom(block);
  const sums = sumsOf(block);
  const dC = otherRows(block);

  let collected = 0;
  for (; step >= last; step--) {
    tick();
    while (activeInAll < batch && lengthOf(activeInAll) > step) activeInAll++;
    let before = activeInAll;
    while (before < batch && lengthOf(before) > step - 1) before++;
    const active = min(end, activeInAll) - first;
    const rows = rightOf(collected + first, zeros);
    for (let lane = 0; lane < active; lane++) {
      const p = first + lane;
      const row = rowOf(p);
      const t = reverse ? lengthOf(p) - 1 - step : step;
      const place = <usize>(t * batch + row);
      const toY = y + place * gateStride;
      const gate = gates + <usize>(start + p) * 4 * gateStride;
      const initial = initialC === 0 ? zeros : initialC + <usize>row * gateStride;
      const cell = step > 0 ? cells + <usize>(start - before + p) * gateStride : initial;
      const cotangent = dY === 0 ? zeros : dY + place * gateStride;
      const dh = sums + <usize>lane * sumBytes;
      const dc = dC + <usize>lane * hiddenBytes;
      const right = rows + <usize>lane * RIGHT_STEP;
      // Past the last unit everything read is whatever stands there, and everything written is padding.
      for (let unit = 0; unit < hidden; unit += UNITS) {
        const at = <usize>unit << 2;
        const toRight = right + rightPlace(unit, rightPitch);
        gateGradients(toY + at, gate + at, gateStride, cell + at, cotangent + at, dh + at, dc + at, toRight, rightGate);
      }
    }
    collected += activeInAll;
    start -= before;
    if (active <= 0) continue;
    for (let gate = 0; gate < 4; gate++) {
      packGate(rows + <usize>gate * rightGate, rightPitch, active, left + <usize>(gate * hidden) * LEFT_STEP);
    }
    for (let panel = 0; panel < panels; panel++) {
      const right = weights + <usize>panel * weightPanel;
      multiply(active, left, right, depth, sums + <usize>panel * RIGHT_STEP, sumBytes, false);
    }
    writeInputs(step, first, active, sums);
  }
}

/** Packs the weights. */
export function packLstmGrad(thread: i32, threads: i32): void {
  packStepWeights(thread, threads, 4);
}
