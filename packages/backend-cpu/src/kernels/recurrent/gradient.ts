/**
 * The gradient of a recurrence whose gates all see [1 | x | h]. Steps go backwards; each turns the cotangents of its states into those of its
 * gates, and one product with [R | W] takes these to the step before and to x. Gate gradients are collected beside their [1 | x | h], and
 * products of a few hundred rows at a time add up the gradients of B, W and R.
 */
import type { Memory } from "../../memory.ts";
import { blockIndex, LEFT, laneOf, multiplyPanels, packedSize, RIGHT, sumsSize } from "../panels.ts";
import { collectInputs, readFinal, wantsWeights, writeInitial, writeSums } from "./cotangents.ts";
import { placeOf } from "./operand.ts";
import { gradientOf, offsetOf, optionOf, type RecurrentGradCall } from "./recurrence.ts";
import { clearEnds, lengthsAt, rowsBytes, sortRows } from "./rows.ts";

/** Sizes of a call, and where everything lies in scratch (indexes in `f64`). */
export interface Plan {
  readonly time: number;
  readonly batch: number;
  readonly inputSize: number;
  readonly hidden: number;
  readonly gates: number;
  /** 1 + inputSize + hidden: the columns of [1 | x | h]. */
  readonly width: number;
  /** Rows that are collected before a product takes them. A step's rows are never split. */
  readonly chunk: number;
  /** [R | W], packed for the product of a step. */
  readonly weights: number;
  /** A step's gate gradients, packed for that product, and its sums. */
  readonly gateRows: number;
  readonly sums: number;
  /** [batch, hidden] in the rows' order: the cotangents of h, and of another state. */
  readonly dH: number;
  readonly dC: number;
  /** Collected gate gradients, the gates of a unit side by side, and their [1 | x | h]; the sums of their products. */
  readonly gateChunk: number;
  readonly inputChunk: number;
  readonly weightSums: number;
  readonly end: number;
}

export function planOf(call: RecurrentGradCall, gates: number, start: number): Plan {
  const { dims } = call.inputs[0];
  const time = dims[0];
  const batch = dims[1];
  const inputSize = dims[2];
  const hidden = call.attrs.hiddenSize;
  const width = 1 + inputSize + hidden;
  const chunk = Math.max(256, batch);
  const weights = start + rowsBytes(time, batch) / 8;
  const gateRows = weights + packedSize(hidden + inputSize, gates * hidden, LEFT);
  const sums = gateRows + packedSize(batch, gates * hidden, RIGHT);
  const dH = sums + sumsSize(hidden + inputSize, batch);
  const dC = dH + batch * hidden;
  const gateChunk = dC + batch * hidden;
  const inputChunk = gateChunk + packedSize(gates * hidden, chunk, LEFT);
  const weightSums = inputChunk + packedSize(width, chunk, RIGHT);
  const end = weightSums + sumsSize(gates * hidden, width);
  return {
    time,
    batch,
    inputSize,
    hidden,
    gates,
    width,
    chunk,
    weights,
    gateRows,
    sums,
    dH,
    dC,
    gateChunk,
    inputChunk,
    weightSums,
    end,
  };
}

/** A row's step as its gate gradients need it. */
export interface RowStep {
  step: number;
  /** Where the row stands in the order of `rows.ts`, and where its step in [time, batch]. */
  p: number;
  place: number;
  /** Rows of all steps before this one, and of all before the step before. */
  start: number;
  startBefore: number;
  /** Where the gate gradients go: gate by gate, `RIGHT` apart; and unit by unit, `chunk * LEFT` between panels of four. */
  row: number;
  collected: number;
}

/** Replaces a row's cotangents in `dH` and `dC` by those for the step before, as far as no product takes them there, and writes its gate gradients. */
export type GateGradients<C> = (memory: Memory, call: C, plan: Plan, at: RowStep) => void;

/** Runs through all steps; `dC` holds what has to be known of another state. */
export function goBack<C extends RecurrentGradCall>(
  op: string,
  memory: Memory,
  call: C,
  plan: Plan,
  gateGradients: GateGradients<C>,
): void {
  const { f32, f64, i32 } = memory;
  const { time, batch, inputSize, hidden, chunk } = plan;
  const dX = call.outputs[0].offset;
  const weighs = wantsWeights(call);
  const total = sortRows(op, memory, optionOf(call, "lengths"), time, batch);
  const lengths = lengthsAt(memory, batch);

  const depth = plan.gates * hidden;
  const columns = dX >= 0 ? hidden + inputSize : hidden;
  f64.fill(0, plan.weights, plan.sums);
  packStepWeights(memory, call, plan);
  f64.fill(0, plan.weightSums, plan.end);
  readFinal(memory, call, "h", plan.dH);
  readFinal(memory, call, "c", plan.dC);
  if (dX >= 0) clearEnds(memory, dX, time, batch, inputSize);

  const at: RowStep = { step: 0, p: 0, place: 0, start: 0, startBefore: 0, row: 0, collected: 0 };
  let active = 0;
  let start = total;
  let collected = 0;
  for (let step = i32[lengths] - 1; step >= 0; step--) {
    while (active < batch && i32[lengths + active] > step) active += 1;
    let before = active;
    while (before < batch && i32[lengths + before] > step - 1) before += 1;
    start -= active;
    if (collected + active > chunk) {
      multiplyChunk(f64, plan, collected);
      collected = 0;
    }
    for (let p = 0; p < active; p++) {
      at.step = step;
      at.p = p;
      at.place = placeOf(memory, call, step, p);
      at.start = start;
      at.startBefore = start - before;
      at.row = plan.gateRows + laneOf(p, depth * RIGHT);
      at.collected = collected + p;
      gateGradients(memory, call, plan, at);
      if (weighs) collectInputs(memory, call, step, p, plan.inputChunk + (collected + p) * RIGHT, chunk * RIGHT);
    }
    collected += active;
    f64.fill(0, plan.sums, plan.sums + sumsSize(columns, active));
    multiplyPanels(f64, plan.weights, depth * LEFT, columns, plan.gateRows, depth * RIGHT, active, depth, plan.sums);
    for (let p = 0; p < active; p++) {
      for (let j = 0; j < hidden; j++) f64[plan.dH + p * hidden + j] = f64[plan.sums + blockIndex(j, p, active)];
      if (dX < 0) continue;
      const to = dX + placeOf(memory, call, step, p) * inputSize;
      for (let d = 0; d < inputSize; d++) f32[to + d] = f64[plan.sums + blockIndex(hidden + d, p, active)];
    }
  }
  if (weighs) {
    multiplyChunk(f64, plan, collected);
    writeWeightGradients(memory, call, plan);
  }
  writeInitial(memory, call, gradientOf(call, "initialH"), plan.dH);
  writeInitial(memory, call, gradientOf(call, "initialC"), plan.dC);
}

/** Packs the columns of [R | W]. */
function packStepWeights({ f32, f64 }: Memory, call: RecurrentGradCall, plan: Plan): void {
  const { hidden, inputSize, weights } = plan;
  const depth = plan.gates * hidden;
  // Column by column: R and W may meet within a panel.
  for (let column = 0; column < hidden + inputSize; column++) {
    const inR = column < hidden;
    const from = inR ? call.inputs[2].offset + column : call.inputs[1].offset + column - hidden;
    const stride = inR ? hidden : inputSize;
    const lane = weights + (column >> 2) * depth * LEFT + (column & 3);
    for (let k = 0; k < depth; k++) f64[lane + k * LEFT] = f32[from + k * stride];
  }
}

/** Adds the products of the collected gate gradients with their [1 | x | h] to the sums of the weights. */
function multiplyChunk(f64: Float64Array, plan: Plan, collected: number): void {
  const { chunk, gateChunk, inputChunk, width, weightSums } = plan;
  const rows = plan.gates * plan.hidden;
  multiplyPanels(f64, gateChunk, chunk * LEFT, rows, inputChunk, chunk * RIGHT, width, collected, weightSums);
}

function writeWeightGradients(memory: Memory, call: RecurrentGradCall, plan: Plan): void {
  const { gates, hidden, inputSize, width, weightSums } = plan;
  const dW = call.outputs[1].offset;
  const dR = call.outputs[2].offset;
  const dB = call.outputs[3].offset;
  const dRecurrentBias = offsetOf(gradientOf(call, "recurrentBias"));
  for (let j = 0; j < hidden; j++) {
    for (let gate = 0; gate < gates; gate++) {
      const row = gate * hidden + j;
      const from = gates * j + gate;
      writeSums(memory, weightSums, from, 0, 1, width, dB < 0 ? -1 : dB + row);
      writeSums(memory, weightSums, from, 0, 1, width, dRecurrentBias < 0 ? -1 : dRecurrentBias + row);
      writeSums(memory, weightSums, from, 1, inputSize, width, dW < 0 ? -1 : dW + row * inputSize);
      writeSums(memory, weightSums, from, 1 + inputSize, hidden, width, dR < 0 ? -1 : dR + row * hidden);
    }
  }
}
