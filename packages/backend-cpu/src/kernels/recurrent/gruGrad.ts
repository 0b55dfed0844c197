/**
 * The gradient of the GRU, by the way of `gradient.ts`, with products of their own for the candidate. Let s be what the state gives to the candidate:
 * with `linearBeforeReset` the candidate has r ∘ s, and ds = r ∘ dc goes back through R. Without it s = (r ∘ h) · Rᵀ and ds = dc, which
 * goes back through R before r has its gradient. The readable form is the gradient of core's `recurrent/gru.ts`.
 */
import type { Call } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { blockIndex, LEFT, laneOf, multiplyPanels, packedSize, packPanels, RIGHT, sumsSize } from "../panels.ts";
import { collectInputs, readFinal, stateBefore, wantsWeights, writeInitial, writeSums } from "./cotangents.ts";
import { supportsGru } from "./gru.ts";
import { depthOf, placeOf } from "./operand.ts";
import { cotangentOf, gradientOf, keptOf, offsetOf, optionOf } from "./recurrence.ts";
import { clearEnds, lengthsAt, rowsBytes, sortRows } from "./rows.ts";
import { leftLane } from "./weights.ts";

/** Sizes of a call, and where everything lies in scratch (indexes in `f64`). */
interface Plan {
  readonly batch: number;
  readonly inputSize: number;
  readonly hidden: number;
  readonly resetAfter: boolean;
  /** 1 + inputSize + hidden: the columns of [1 | x | h]. */
  readonly width: number;
  /** Rows that are collected before a product takes them. A step's rows are never split. */
  readonly chunk: number;
  /** Gate gradients of a row side by side: ds where it is not dc, then dz, dr, dc. Where dz begins, and where dc. */
  readonly depth: number;
  readonly dz: number;
  readonly dc: number;
  /** How many of them, from the first on, go back to h through R in one product. */
  readonly stateDepth: number;
  /** The weights of the products of a step, packed: of R for these, of R for dc where it goes back first, of W. */
  readonly stateWeights: number;
  readonly resetWeights: number;
  readonly inputWeights: number;
  readonly gateRows: number;
  /** Sums of a step. */
  readonly stateSums: number;
  readonly resetSums: number;
  readonly inputSums: number;
  /** [batch, hidden] in the rows' order. */
  readonly dH: number;
  /** Collected dz, dr and, with `linearBeforeReset`, ds over all units, with their [1 | x | h]. */
  readonly gateChunk: number;
  readonly inputChunk: number;
  /** Collected dc; its inputs are [1 | x], or [1 | x | r ∘ h] in a chunk of their own. */
  readonly candidateChunk: number;
  readonly resetChunk: number;
  readonly candidateWidth: number;
  /** The sums of both products. */
  readonly gateWeightSums: number;
  readonly candidateWeightSums: number;
  readonly end: number;
}

function planOf(call: Call<"gruGrad">, start: number): Plan {
  const { dims } = call.inputs[0];
  const batch = dims[1];
  const inputSize = dims[2];
  const hidden = call.attrs.hiddenSize;
  const resetAfter = call.attrs.linearBeforeReset;
  const width = depthOf(call);
  const chunk = Math.max(256, batch);
  const dz = resetAfter ? hidden : 0;
  const depth = dz + 3 * hidden;
  const stateDepth = dz + 2 * hidden;
  const candidateWidth = resetAfter ? 1 + inputSize : width;
  const stateWeights = start + rowsBytes(dims[0], batch) / 8;
  const resetWeights = stateWeights + packedSize(hidden, stateDepth, LEFT);
  const inputWeights = resetWeights + (resetAfter ? 0 : packedSize(hidden, hidden, LEFT));
  const gateRows = inputWeights + packedSize(inputSize, 3 * hidden, LEFT);
  const stateSums = gateRows + packedSize(batch, depth, RIGHT);
  const resetSums = stateSums + sumsSize(hidden, batch);
  const inputSums = resetSums + sumsSize(hidden, batch);
  const dH = inputSums + sumsSize(inputSize, batch);
  const gateChunk = dH + batch * hidden;
  const inputChunk = gateChunk + packedSize(stateDepth, chunk, LEFT);
  const candidateChunk = inputChunk + packedSize(width, chunk, RIGHT);
  const collectedEnd = candidateChunk + packedSize(hidden, chunk, LEFT);
  const resetChunk = resetAfter ? inputChunk : collectedEnd;
  const gateWeightSums = collectedEnd + (resetAfter ? 0 : packedSize(width, chunk, RIGHT));
  const candidateWeightSums = gateWeightSums + sumsSize(stateDepth, width);
  const end = candidateWeightSums + sumsSize(hidden, candidateWidth);
  return {
    ...{ batch, inputSize, hidden, resetAfter, width, chunk, depth, dz, dc: dz + 2 * hidden, stateDepth },
    ...{ stateWeights, resetWeights, inputWeights, gateRows, stateSums, resetSums, inputSums, dH },
    ...{ gateChunk, inputChunk, candidateChunk, resetChunk, candidateWidth },
    ...{ gateWeightSums, candidateWeightSums, end },
  };
}

function gruGrad(memory: Memory, call: Call<"gruGrad">): void {
  const { f64, i32 } = memory;
  const plan = planOf(call, memory.scratch / 8);
  const { batch, inputSize, hidden, resetAfter, chunk, depth, stateDepth, gateRows } = plan;
  const time = call.inputs[0].dims[0];
  const dX = call.outputs[0].offset;
  const weighs = wantsWeights(call);
  const total = sortRows("gruGrad", memory, optionOf(call, "lengths"), time, batch);
  const lengths = lengthsAt(memory, batch);
  packStepWeights(memory, call, plan);
  f64.fill(0, gateRows, plan.stateSums);
  f64.fill(0, plan.gateWeightSums, plan.end);
  readFinal(memory, call, "h", plan.dH);
  if (dX >= 0) clearEnds(memory, dX, time, batch, inputSize);

  let active = 0;
  let start = total;
  let collected = 0;
  for (let step = i32[lengths] - 1; step >= 0; step--) {
    while (active < batch && i32[lengths + active] > step) active += 1;
    start -= active;
    if (collected + active > chunk) {
      multiplyChunks(f64, plan, collected);
      collected = 0;
    }
    for (let p = 0; p < active; p++) {
      gateGradients(memory, call, plan, step, p, start + p, collected + p);
      if (!weighs) continue;
      collectInputs(memory, call, step, p, plan.inputChunk + (collected + p) * RIGHT, chunk * RIGHT);
    }
    const stride = depth * RIGHT;
    if (!resetAfter) {
      const candidates = gateRows + plan.dc * RIGHT;
      f64.fill(0, plan.resetSums, plan.resetSums + sumsSize(hidden, active));
      multiplyPanels(f64, plan.resetWeights, hidden * LEFT, hidden, candidates, stride, active, hidden, plan.resetSums);
      for (let p = 0; p < active; p++) {
        resetGradients(memory, call, plan, step, p, active, start + p, collected + p);
        if (weighs) collectResets(memory, call, plan, step, p, start + p, collected + p);
      }
    }
    collected += active;
    f64.fill(0, plan.stateSums, plan.stateSums + sumsSize(hidden, active));
    const { stateWeights, stateSums } = plan;
    multiplyPanels(f64, stateWeights, stateDepth * LEFT, hidden, gateRows, stride, active, stateDepth, stateSums);
    for (let p = 0; p < active; p++) {
      for (let j = 0; j < hidden; j++) f64[plan.dH + p * hidden + j] += f64[plan.stateSums + blockIndex(j, p, active)];
    }
    if (dX >= 0) inputGradients(memory, call, plan, step, active);
  }
  if (weighs) {
    multiplyChunks(f64, plan, collected);
    writeWeightGradients(memory, call, plan);
  }
  writeInitial(memory, call, gradientOf(call, "initialH"), plan.dH);
}

/** Packs the columns of R and W, in the order in which gate gradients stand in a row. */
function packStepWeights({ f32, f64 }: Memory, call: Call<"gruGrad">, plan: Plan): void {
  const { hidden, inputSize, dz, stateDepth, stateWeights, resetWeights, inputWeights } = plan;
  const R = call.inputs[2].offset;
  const candidate = R + 2 * hidden * hidden;
  const toStates = stateDepth * LEFT;
  packPanels(f32, R, 1, hidden, hidden, 2 * hidden, f64, stateWeights + dz * LEFT, LEFT, toStates);
  if (plan.resetAfter) packPanels(f32, candidate, 1, hidden, hidden, hidden, f64, stateWeights, LEFT, toStates);
  else packPanels(f32, candidate, 1, hidden, hidden, hidden, f64, resetWeights, LEFT, hidden * LEFT);
  const W = call.inputs[1].offset;
  packPanels(f32, W, 1, inputSize, inputSize, 3 * hidden, f64, inputWeights, LEFT, 3 * hidden * LEFT);
}

/** One row's step, but for dr where dc goes back first. `dH` is replaced by what goes to the step before without a product. */
function gateGradients(
  memory: Memory,
  call: Call<"gruGrad">,
  plan: Plan,
  step: number,
  p: number,
  word: number,
  collected: number,
): void {
  const { f32, f64 } = memory;
  const { hidden, resetAfter, chunk, dz, dc } = plan;
  const place = placeOf(memory, call, step, p) * hidden;
  const y = keptOf(call, 0).offset + place;
  const gates = keptOf(call, 1).offset + word * 3 * hidden;
  const before = stateBefore(memory, call, step, p);
  const cotangent = offsetOf(cotangentOf(call, "y"));
  const row = plan.gateRows + laneOf(p, plan.depth * RIGHT);
  const gateChunk = plan.gateChunk + collected * LEFT;
  const candidateChunk = plan.candidateChunk + collected * LEFT;
  const stride = chunk * LEFT;
  for (let j = 0; j < hidden; j++) {
    const z = f32[gates + j];
    const h0 = before < 0 ? 0 : f32[before + j];
    const h = f32[y + j];
    const dh = f64[plan.dH + p * hidden + j] + (cotangent < 0 ? 0 : f32[cotangent + place + j]);
    // h = (1 - z) · candidate + z · h0, so (1 - z) · (h0 - candidate) = h0 - h, and (1 - z) · candidate = h - z · h0.
    const rest = 1 - z;
    const share = h - z * h0;
    const toCandidate = rest > 0 ? rest - (share * share) / rest : 0;
    const toZ = dh * z * (h0 - h);
    const toC = dh * toCandidate;
    f64[plan.dH + p * hidden + j] = dh * z;
    f64[row + (dz + j) * RIGHT] = toZ;
    f64[row + (dc + j) * RIGHT] = toC;
    f64[gateChunk + leftLane(j, stride)] = toZ;
    f64[candidateChunk + leftLane(j, stride)] = toC;
    if (!resetAfter) continue;
    const r = f32[gates + hidden + j];
    const toR = toC * f32[gates + 2 * hidden + j] * r * (1 - r);
    f64[row + j * RIGHT] = toC * r;
    f64[row + (dz + hidden + j) * RIGHT] = toR;
    f64[gateChunk + leftLane(hidden + j, stride)] = toR;
    f64[gateChunk + leftLane(2 * hidden + j, stride)] = toC * r;
  }
}

/** Then, where dc has gone back to r ∘ h: dr, and what goes on to h. */
function resetGradients(
  memory: Memory,
  call: Call<"gruGrad">,
  plan: Plan,
  step: number,
  p: number,
  active: number,
  word: number,
  collected: number,
): void {
  const { f32, f64 } = memory;
  const { hidden, chunk, dz } = plan;
  const reset = keptOf(call, 1).offset + (word * 3 + 1) * hidden;
  const before = stateBefore(memory, call, step, p);
  const row = plan.gateRows + laneOf(p, plan.depth * RIGHT) + (dz + hidden) * RIGHT;
  const gateChunk = plan.gateChunk + collected * LEFT;
  for (let j = 0; j < hidden; j++) {
    const r = f32[reset + j];
    const d = f64[plan.resetSums + blockIndex(j, p, active)];
    const toR = before < 0 ? 0 : d * f32[before + j] * r * (1 - r);
    f64[plan.dH + p * hidden + j] += d * r;
    f64[row + j * RIGHT] = toR;
    f64[gateChunk + leftLane(hidden + j, chunk * LEFT)] = toR;
  }
}

/** Collects [1 | x | r ∘ h]. */
function collectResets(
  memory: Memory,
  call: Call<"gruGrad">,
  plan: Plan,
  step: number,
  p: number,
  word: number,
  collected: number,
): void {
  const { f32, f64 } = memory;
  const { hidden, inputSize, chunk } = plan;
  const lane = plan.resetChunk + collected * RIGHT;
  const reset = keptOf(call, 1).offset + (word * 3 + 1) * hidden;
  collectInputs(memory, call, step, p, lane, chunk * RIGHT);
  for (let j = 0; j < hidden; j++) f64[lane + laneOf(1 + inputSize + j, chunk * RIGHT)] *= f32[reset + j];
}

/** dX of a step. */
function inputGradients(memory: Memory, call: Call<"gruGrad">, plan: Plan, step: number, active: number): void {
  const { f32, f64 } = memory;
  const { inputSize, inputSums } = plan;
  const depth = 3 * plan.hidden;
  const rows = plan.gateRows + plan.dz * RIGHT;
  f64.fill(0, inputSums, inputSums + sumsSize(inputSize, active));
  multiplyPanels(f64, plan.inputWeights, depth * LEFT, inputSize, rows, plan.depth * RIGHT, active, depth, inputSums);
  for (let p = 0; p < active; p++) {
    const to = call.outputs[0].offset + placeOf(memory, call, step, p) * inputSize;
    for (let d = 0; d < inputSize; d++) f32[to + d] = f64[inputSums + blockIndex(d, p, active)];
  }
}

/** Adds the products of the collected gate gradients with their inputs to the sums of the weights. */
function multiplyChunks(f64: Float64Array, plan: Plan, collected: number): void {
  const { hidden, chunk, width, stateDepth, gateChunk, inputChunk, gateWeightSums } = plan;
  const { candidateChunk, resetChunk, candidateWidth, candidateWeightSums } = plan;
  const [left, right] = [chunk * LEFT, chunk * RIGHT];
  multiplyPanels(f64, gateChunk, left, stateDepth, inputChunk, right, width, collected, gateWeightSums);
  multiplyPanels(f64, candidateChunk, left, hidden, resetChunk, right, candidateWidth, collected, candidateWeightSums);
}

function writeWeightGradients(memory: Memory, call: Call<"gruGrad">, plan: Plan): void {
  const { hidden, inputSize, resetAfter, width, candidateWidth, gateWeightSums, candidateWeightSums } = plan;
  const dW = call.outputs[1].offset;
  const dR = call.outputs[2].offset;
  const dB = call.outputs[3].offset;
  const dRecurrentBias = offsetOf(gradientOf(call, "recurrentBias"));
  for (let row = 0; row < 3 * hidden; row++) {
    const toB = dB < 0 ? -1 : dB + row;
    const toRecurrentBias = dRecurrentBias < 0 ? -1 : dRecurrentBias + row;
    const toW = dW < 0 ? -1 : dW + row * inputSize;
    const toR = dR < 0 ? -1 : dR + row * hidden;
    const ofCandidate = row >= 2 * hidden;
    const from = ofCandidate ? row - 2 * hidden : row;
    const sums = ofCandidate ? candidateWeightSums : gateWeightSums;
    const columns = ofCandidate ? candidateWidth : width;
    writeSums(memory, sums, from, 0, 1, columns, toB);
    writeSums(memory, sums, from, 1, inputSize, columns, toW);
    // With the reset after the product, the state has a part of its own in the candidate: the rows of ds follow those of dz and dr.
    const apart = ofCandidate && resetAfter;
    const state = apart ? gateWeightSums : sums;
    const stateRow = apart ? row : from;
    const stateColumns = apart ? width : columns;
    writeSums(memory, state, stateRow, 0, 1, stateColumns, toRecurrentBias);
    writeSums(memory, state, stateRow, 1 + inputSize, hidden, stateColumns, toR);
  }
}

export const gruGradKernel = {
  run: gruGrad,
  scratch: (call: Call<"gruGrad">): number => planOf(call, 0).end * 8,
  supports: supportsGru,
};
