/**
 * The gradient of the GRU, by the way of `backward.ts`. Let s be what the state gives to the candidate. With `resetAfter` the candidate has r ∘ s; ds goes
 * back through R beside dz and dr, and dc to x alone. Without it s = (r ∘ h) · Rᵀ, so that dc goes back through R in a product of its own before r has
 * its gradient, and r ∘ h is collected for the weights.
 */
import { lasting, loadPart, madd, storeTwo } from "../lanes";
import { LEFT_STEP, multiply, panelsOf, RIGHT_STEP } from "../panels";
import { GruGrad } from "../protocol";
import { address, argument, tick } from "../team";
import {
  inputPanels,
  otherRows,
  packColumnsOf,
  packGate,
  productPanels,
  rightGateBytes,
  rightOf,
  rightPlace,
  rightRows,
  sumsOf,
  throughSigmoid,
  unitBytes,
  wantsWeights,
  writeInputs,
} from "./backward";
import { blockRoom, firstRow, lengthOf, rowOf } from "./blocks";
import { collect, collectedRow, otherState } from "./weights";

/**
 * dc of dh: (1 - z) · (1 - candidate²). As h = (1 - z) · candidate + z · before, the candidate need not be kept: (1 - z) · candidate is h - z · before.
 * Where z is 1, nothing comes to the candidate.
 */
@inline
function toCandidate(dh: v128, z: v128, before: v128, h: v128): v128 {
  const rest = f32x4.sub(f32x4.splat(1), z);
  const share = madd(f32x4.neg(z), before, h);
  const slope = f32x4.sub(rest, f32x4.div(f32x4.mul(share, share), rest));
  return lasting(f32x4.mul(dh, v128.andnot(slope, f32x4.eq(rest, f32x4.splat(0)))));
}

/** dz of dh: (before - candidate) · (1 - z) · z, and the first two are before - h. */
@inline
function toUpdate(dh: v128, z: v128, before: v128, h: v128): v128 {
  return lasting(f32x4.mul(f32x4.mul(dh, z), f32x4.sub(before, h)));
}

/**
 * One row's step: dz, dc and, with `resetAfter`, dr and ds, as a row of the right panels of z, r, c and s. `dH` is replaced by what goes to the step
 * before without a product.
 */
function gradients(y: usize, gates: usize, before: usize, dY: usize, dH: usize, right: usize, rightPitch: i32): void {
  const hidden = argument(GruGrad.hidden);
  const resetAfter = argument(GruGrad.resetAfter) !== 0;
  const gate = <usize>hidden << 2;
  const rightGate = rightGateBytes(rightPitch);
  let unit = 0;
  for (; unit + 8 <= hidden; unit += 8, y += 32, gates += 32, before += 32, dY += 32, dH += 32) {
    const to = right + rightPlace(unit, rightPitch);
    const z = v128.load(gates);
    const z2 = v128.load(gates, 16);
    const h = v128.load(y);
    const h2 = v128.load(y, 16);
    const b = v128.load(before);
    const b2 = v128.load(before, 16);
    const dh = lasting(f32x4.add(v128.load(dH), v128.load(dY)));
    const dh2 = lasting(f32x4.add(v128.load(dH, 16), v128.load(dY, 16)));
    const dc = toCandidate(dh, z, b, h);
    const dc2 = toCandidate(dh2, z2, b2, h2);
    storeTwo(dH, f32x4.mul(dh, z), f32x4.mul(dh2, z2));
    storeTwo(to, toUpdate(dh, z, b, h), toUpdate(dh2, z2, b2, h2));
    storeTwo(to + 2 * rightGate, dc, dc2);
    if (!resetAfter) continue;
    const r = v128.load(gates + gate);
    const r2 = v128.load(gates + gate, 16);
    const s = v128.load(gates + 2 * gate);
    const s2 = v128.load(gates + 2 * gate, 16);
    storeTwo(to + rightGate, throughSigmoid(f32x4.mul(dc, s), r), throughSigmoid(f32x4.mul(dc2, s2), r2));
    storeTwo(to + 3 * rightGate, lasting(f32x4.mul(dc, r)), lasting(f32x4.mul(dc2, r2)));
  }
  for (; unit < hidden; unit += 4, y += 16, gates += 16, before += 16, dY += 16, dH += 16) {
    const to = right + rightPlace(unit, rightPitch);
    const count = min(4, hidden - unit);
    const z = loadPart(gates, count);
    const h = loadPart(y, count);
    const b = loadPart(before, count);
    const dh = lasting(f32x4.add(v128.load(dH), loadPart(dY, count)));
    const dc = toCandidate(dh, z, b, h);
    v128.store(dH, f32x4.mul(dh, z));
    v128.store(to, toUpdate(dh, z, b, h));
    v128.store(to + 2 * rightGate, dc);
    if (!resetAfter) continue;
    const r = loadPart(gates + gate, count);
    v128.store(to + rightGate, throughSigmoid(f32x4.mul(dc, loadPart(gates + 2 * gate, count)), r));
    v128.store(to + 3 * rightGate, lasting(f32x4.mul(dc, r)));
  }
}

/** Without `resetAfter`, a row whose dc has gone back to r ∘ h: dr, what goes on to h, and r ∘ h where its cotangent was. */
function resetGradients(resets: usize, before: usize, cotangent: usize, dH: usize, right: usize, rightPitch: i32): void {
  const hidden = argument(GruGrad.hidden);
  let unit = 0;
  for (; unit + 8 <= hidden; unit += 8) {
    const at = <usize>unit << 2;
    const r = v128.load(resets + at);
    const r2 = v128.load(resets + at, 16);
    const h = v128.load(before + at);
    const h2 = v128.load(before + at, 16);
    const d = v128.load(cotangent + at);
    const d2 = v128.load(cotangent + at, 16);
    const dr = throughSigmoid(f32x4.mul(d, h), r);
    const dr2 = throughSigmoid(f32x4.mul(d2, h2), r2);
    storeTwo(right + rightPlace(unit, rightPitch), dr, dr2);
    storeTwo(dH + at, madd(d, r, v128.load(dH + at)), madd(d2, r2, v128.load(dH + at, 16)));
    storeTwo(cotangent + at, lasting(f32x4.mul(r, h)), lasting(f32x4.mul(r2, h2)));
  }
  for (; unit < hidden; unit += 4) {
    const at = <usize>unit << 2;
    const count = min(4, hidden - unit);
    const r = loadPart(resets + at, count);
    const h = loadPart(before + at, count);
    const d = v128.load(cotangent + at);
    v128.store(right + rightPlace(unit, rightPitch), throughSigmoid(f32x4.mul(d, h), r));
    v128.store(dH + at, madd(d, r, v128.load(dH + at)));
    v128.store(cotangent + at, lasting(f32x4.mul(r, h)));
  }
}

/** Rows of the weights that a step's gradients go back to h through in one product: those of ds, dz and dr, or of dz and dr. */
@inline
function stateDepth(): i32 {
  return (argument(GruGrad.resetAfter) !== 0 ? 3 : 2) * argument(GruGrad.hidden);
}

/** Bytes of a panel of these, of W's, and of those that dc goes back through by itself. */
@inline
function statePitch(): usize {
  return <usize>stateDepth() * RIGHT_STEP;
}

@inline
function inputPitch(): usize {
  return <usize>(3 * argument(GruGrad.hidden)) * RIGHT_STEP;
}

@inline
function resetPitch(): usize {
  return <usize>argument(GruGrad.hidden) * RIGHT_STEP;
}

/** Where the panels of each begin. */
@inline
function inputWeights(): usize {
  return address(GruGrad.weights) + <usize>panelsOf(argument(GruGrad.hidden)) * statePitch();
}

@inline
function resetWeights(): usize {
  return inputWeights() + <usize>inputPanels() * inputPitch();
}

/** Packs the columns of R and W, each over the gates in the order in which a block has their gradients: s, z, r, c. */
function packWeights(thread: i32, threads: i32): void {
  const hidden = argument(GruGrad.hidden);
  const R = address(GruGrad.R);
  const candidate = R + (<usize>(2 * hidden * hidden) << 2);
  const weights = address(GruGrad.weights);
  if (argument(GruGrad.resetAfter) !== 0) {
    packColumnsOf(thread, threads, candidate, hidden, hidden, weights, statePitch());
    packColumnsOf(thread, threads, R, hidden, 2 * hidden, weights + resetPitch(), statePitch());
  } else {
    packColumnsOf(thread, threads, R, hidden, 2 * hidden, weights, statePitch());
    packColumnsOf(thread, threads, candidate, hidden, hidden, resetWeights(), resetPitch());
  }
  if (inputPanels() === 0) return;
  packColumnsOf(thread, threads, address(GruGrad.W), argument(GruGrad.inputSize), 3 * hidden, inputWeights(), inputPitch());
}

/** The addresses of a row's step. */
@inline
function placeOf(p: i32, step: i32): usize {
  const t = argument(GruGrad.reverse) !== 0 ? lengthOf(p) - 1 - step : step;
  return <usize>((t * argument(GruGrad.batch) + rowOf(p)) * argument(GruGrad.hidden)) << 2;
}

@inline
function stateBefore(p: i32, step: i32, zeros: usize): usize {
  if (step > 0) return address(GruGrad.y) + placeOf(p, step - 1);
  const initialH = address(GruGrad.initialH);
  return initialH === 0 ? zeros : initialH + (<usize>(rowOf(p) * argument(GruGrad.hidden)) << 2);
}

@inline
function gatesOf(word: i32): usize {
  return address(GruGrad.gates) + (<usize>(word * 3 * argument(GruGrad.hidden)) << 2);
}

/** Takes dc of a block's step back through R, and then r. `rows`: the step's gate gradients; `row`: the first one collected; `word`: the first one's place in `gates`. */
function goThroughReset(block: i32, step: i32, active: i32, left: usize, rows: usize, row: i32, word: i32, zeros: usize): void {
  const hidden = argument(GruGrad.hidden);
  const first = firstRow(block);
  const rightPitch = rightRows();
  const rightGate = rightGateBytes(rightPitch);
  const sumBytes = <usize>productPanels() * RIGHT_STEP;
  const resetBytes = unitBytes();
  const resets = otherRows(block);
  const candidates = left + <usize>(2 * hidden) * LEFT_STEP;
  packGate(rows + 2 * rightGate, rightPitch, active, candidates);
  for (let panel = 0; panel < panelsOf(hidden); panel++) {
    const right = resetWeights() + <usize>panel * resetPitch();
    multiply(active, candidates, right, hidden, resets + <usize>panel * RIGHT_STEP, resetBytes, false);
  }
  for (let lane = 0; lane < active; lane++) {
    const cotangent = resets + <usize>lane * resetBytes;
    const dH = sumsOf(block) + <usize>lane * sumBytes;
    const gate = gatesOf(word + lane) + (<usize>hidden << 2);
    const right = rows + rightGate + <usize>lane * RIGHT_STEP;
    resetGradients(gate, stateBefore(first + lane, step, zeros), cotangent, dH, right, rightPitch);
    if (wantsWeights()) collect(cotangent, hidden, collectedRow(row + lane), otherState());
  }
}

/** Takes a block through the steps from `step` down to `last`. */
export function retreat(block: i32, step: i32, last: i32, activeInAll: i32, start: i32, zeros: usize): void {
  const batch = argument(GruGrad.batch);
  const hidden = argument(GruGrad.hidden);
  const resetAfter = argument(GruGrad.resetAfter) !== 0;
  const dY = address(GruGrad.dY);
  const first = firstRow(block);
  const end = firstRow(block + 1);
  const statePanels = panelsOf(hidden);
  const sumBytes = <usize>productPanels() * RIGHT_STEP;
  const rightPitch = rightRows();
  const rightGate = rightGateBytes(rightPitch);
  const gateBytes = <usize>hidden * LEFT_STEP;
  const left = blockRoom(block);
  // Of a row's gate gradients W sees the last three, R the first ones.
  const update = left + (resetAfter ? gateBytes : 0);
  const sums = sumsOf(block);

  let collected = 0;
  for (; step >= last; step--) {
    tick();
    while (activeInAll < batch && lengthOf(activeInAll) > step) activeInAll++;
    let before = activeInAll;
    while (before < batch && lengthOf(before) > step - 1) before++;
    const active = min(end, activeInAll) - first;
    const row = collected + first;
    const word = start + first;
    collected += activeInAll;
    start -= before;
    if (active <= 0) continue;
    const rows = rightOf(row, zeros);
    for (let lane = 0; lane < active; lane++) {
      const p = first + lane;
      const at = placeOf(p, step);
      const y = address(GruGrad.y) + at;
      const cotangent = dY === 0 ? zeros : dY + at;
      const dH = sums + <usize>lane * sumBytes;
      const right = rows + <usize>lane * RIGHT_STEP;
      const state = stateBefore(p, step, zeros);
      gradients(y, gatesOf(word + lane), state, cotangent, dH, right, rightPitch);
    }
    if (resetAfter) {
      packGate(rows + 3 * rightGate, rightPitch, active, left);
      packGate(rows + 2 * rightGate, rightPitch, active, update + 2 * gateBytes);
    } else {
      goThroughReset(block, step, active, left, rows, row, word, zeros);
    }
    packGate(rows, rightPitch, active, update);
    packGate(rows + rightGate, rightPitch, active, update + gateBytes);
    for (let panel = 0; panel < statePanels; panel++) {
      const right = address(GruGrad.weights) + <usize>panel * statePitch();
      multiply(active, left, right, stateDepth(), sums + <usize>panel * RIGHT_STEP, sumBytes, true);
    }
    for (let panel = 0; panel < inputPanels(); panel++) {
      const right = inputWeights() + <usize>panel * inputPitch();
      multiply(active, update, right, 3 * hidden, sums + <usize>(statePanels + panel) * RIGHT_STEP, sumBytes, false);
    }
    writeInputs(step, first, active, sums);
  }
}

/** Packs the weights. */
export function packGruGrad(thread: i32, threads: i32): void {
  packWeights(thread, threads);
}
