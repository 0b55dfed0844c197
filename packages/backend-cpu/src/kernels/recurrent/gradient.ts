/**
 * The way of every recurrence back. Steps go backwards; each turns the cotangents of its states into those of its gates, and products with R and
 * W take these to the step before and to x. Gate gradients are collected beside what the gates met, [h | 1 | x], and products of a few hundred rows
 * at a time add up the gradients of B, W and R. What is below 2⁻¹⁰⁰ in size is dropped wherever it arises (`small.ts`).
 */
import type { View } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { blockIndex, LEFT, laneOf, multiplyPanels, packedSize, packPanels, RIGHT, sumsSize } from "../panels.ts";
import { lasting } from "../small.ts";
import { collectInputs, readFinal, wantsWeights, writeInitial } from "./cotangents.ts";
import { placeOf } from "./operand.ts";
import { gradientOf, optionOf, type RecurrentGradCall } from "./recurrence.ts";
import { clearEnds, lengthsAt, rowsBytes, sortRows } from "./rows.ts";

/** What sets a recurrence apart. */
export interface Traits {
  /** Blocks of rows of W. */
  readonly gates: number;
  /** How many of them, from the first on, met all of [h | 1 | x]. */
  readonly whole: number;
  /** Gate gradients of a step: those of W's gates, and behind them one of what h alone gave to the last gate. */
  readonly gradients: number;
  /** How many of them go back to h through R in the product of a step, counted as they stand there: those behind W's gates come first. */
  readonly toState: number;
  /** Whether the last gate met another state in the place of h. It stands behind the rest: [h | 1 | x | state]. */
  readonly otherState: boolean;
  /** Whether gate gradients leave in `dH` what goes to the step before without a product. */
  readonly carries: boolean;
}

/** Gate gradients that met the same numbers, and the product of the two. */
interface Part {
  /** The first gradient, and how many rows there are: those of each gradient begin a panel. */
  readonly gradient: number;
  readonly rows: number;
  /** Where they are collected. */
  readonly chunk: number;
  /** The numbers that they met: the first one, which is even, and how many. */
  readonly first: number;
  readonly width: number;
  readonly sums: number;
}

/** Sizes of a call, and where everything lies in scratch (indexes in `f64`). */
export interface Plan {
  readonly traits: Traits;
  readonly batch: number;
  readonly inputSize: number;
  readonly hidden: number;
  /** Units in whole panels. */
  readonly padded: number;
  /** Rows that are collected before a product takes them. A step's rows are never split. */
  readonly chunk: number;
  /** R and W, packed for the products of a step, and its sums. */
  readonly stateWeights: number;
  readonly inputWeights: number;
  readonly stateSums: number;
  readonly inputSums: number;
  /** A step's gate gradients, packed for these products. */
  readonly gateRows: number;
  /** [batch, hidden] in the rows' order: the cotangents of h, and those of a second state. */
  readonly dH: number;
  readonly dC: number;
  /** What the gates of collected rows met. */
  readonly met: number;
  readonly parts: readonly Part[];
  readonly end: number;
}

export function planOf(call: RecurrentGradCall, traits: Traits, start: number): Plan {
  const { dims } = call.inputs[0];
  const batch = dims[1];
  const inputSize = dims[2];
  const hidden = call.attrs.hiddenSize;
  const { gates, whole, gradients, toState, otherState } = traits;
  const padded = Math.ceil(hidden / LEFT) * LEFT;
  const chunk = Math.max(256, batch);
  const all = hidden + 1 + inputSize;
  const features = all + (otherState ? hidden : 0);
  const stateWeights = start + rowsBytes(dims[0], batch) / 8;
  const inputWeights = stateWeights + packedSize(hidden, toState * hidden, LEFT);
  const stateSums = inputWeights + packedSize(inputSize, gates * hidden, LEFT);
  const inputSums = stateSums + sumsSize(hidden, batch);
  const gateRows = inputSums + sumsSize(inputSize, batch);
  const dH = gateRows + packedSize(batch, gradients * hidden, RIGHT);
  const dC = dH + batch * hidden;
  const met = dC + batch * hidden;
  let end = met + packedSize(features, chunk, RIGHT);
  const parts: Part[] = [];
  for (let gradient = 0; gradient < gradients; ) {
    const last = gradient < whole ? whole : gradient < gates ? gates : gradients;
    const first = gradient < whole || gradient >= gates ? 0 : hidden & ~1;
    const width = (gradient < whole ? all : gradient < gates ? features : hidden + 1) - first;
    const rows = (last - gradient) * padded;
    const sums = end + packedSize(rows, chunk, LEFT);
    parts.push({ gradient, rows, chunk: end, first, width, sums });
    end = sums + sumsSize(rows, width);
    gradient = last;
  }
  return {
    traits,
    batch,
    inputSize,
    hidden,
    padded,
    chunk,
    stateWeights,
    inputWeights,
    stateSums,
    inputSums,
    gateRows,
    dH,
    dC,
    met,
    parts,
    end,
  };
}

/** Where a gradient of a row's step goes for the products of the step; its units are `RIGHT` apart. Those behind W's gates come first. */
export function stepLane({ traits, gateRows, hidden }: Plan, gradient: number, p: number): number {
  const { gates, gradients } = traits;
  const place = (gradient + gradients - gates) % gradients;
  return gateRows + laneOf(p, gradients * hidden * RIGHT) + place * hidden * RIGHT;
}

/** Where a gradient of a collected row goes: unit `j` is `leftLane(j, chunk * LEFT)` from there. */
export function chunkLane({ parts, chunk, padded }: Plan, gradient: number, collected: number): number {
  let k = parts.length - 1;
  while (parts[k].gradient > gradient) k--;
  return parts[k].chunk + (gradient - parts[k].gradient) * padded * chunk + collected * LEFT;
}

/** A row's step as its gate gradients need it. */
export interface RowStep {
  step: number;
  /** Where the row stands in the order of `rows.ts`, and where its step in [time, batch]. */
  p: number;
  place: number;
  /** Where what is kept of the step stands: rows before it. The same of the step before. */
  word: number;
  wordBefore: number;
  /** Where the row stands among those that are collected. */
  collected: number;
}

/** Takes the cotangents of a row's step from `dH` and `dC`, leaves there what goes to the step before without a product, and writes gate gradients. */
export type RowGradients<C> = (memory: Memory, call: C, plan: Plan, at: RowStep) => void;

/** What a recurrence does before the products of a step, when all `active` rows have their gate gradients; `at` is of the first one. */
export type StepGradients<C> = (memory: Memory, call: C, plan: Plan, at: RowStep, active: number) => void;

/** Runs through all steps. */
export function goBack<C extends RecurrentGradCall>(
  op: string,
  memory: Memory,
  call: C,
  plan: Plan,
  ofRow: RowGradients<C>,
  ofStep?: StepGradients<C>,
): void {
  const { f32, f64, i32 } = memory;
  const { batch, inputSize, hidden, gateRows, stateSums, inputSums, dH } = plan;
  const { gates, gradients, toState, carries } = plan.traits;
  const time = call.inputs[0].dims[0];
  const dX = call.outputs[0].offset;
  const weighs = wantsWeights(call);
  const total = sortRows(op, memory, optionOf(call, "lengths"), time, batch);
  const lengths = lengthsAt(memory, batch);
  f64.fill(0, gateRows, dH);
  for (let k = 0; k < plan.parts.length; k++) {
    const { sums, rows, width } = plan.parts[k];
    f64.fill(0, sums, sums + sumsSize(rows, width));
  }
  packStepWeights(memory, call, plan);
  readFinal(memory, call, "h", dH);
  readFinal(memory, call, "c", plan.dC);
  if (dX >= 0) clearEnds(memory, dX, time, batch, inputSize);

  const at: RowStep = { step: 0, p: 0, place: 0, word: 0, wordBefore: 0, collected: 0 };
  const stride = gradients * hidden * RIGHT;
  const stateDepth = toState * hidden;
  const inputDepth = gates * hidden;
  const inputRows = gateRows + (gradients - gates) * hidden * RIGHT;
  let active = 0;
  let start = total;
  let collected = 0;
  for (let step = i32[lengths] - 1; step >= 0; step--) {
    while (active < batch && i32[lengths + active] > step) active += 1;
    let before = active;
    while (before < batch && i32[lengths + before] > step - 1) before += 1;
    start -= active;
    if (collected + active > plan.chunk) {
      multiplyChunk(f64, plan, collected);
      collected = 0;
    }
    for (let p = active - 1; p >= 0; p--) {
      at.step = step;
      at.p = p;
      at.place = placeOf(memory, call, step, p);
      at.word = start + p;
      at.wordBefore = start - before + p;
      at.collected = collected + p;
      ofRow(memory, call, plan, at);
      if (weighs) collectInputs(memory, call, step, p, plan.met + (collected + p) * RIGHT, plan.chunk * RIGHT);
    }
    ofStep?.(memory, call, plan, at, active);
    collected += active;
    f64.fill(0, stateSums, stateSums + sumsSize(hidden, active));
    multiplyPanels(f64, plan.stateWeights, stateDepth * LEFT, hidden, gateRows, stride, active, stateDepth, stateSums);
    for (let p = 0; p < active; p++) {
      for (let j = 0; j < hidden; j++) {
        const sum = f64[stateSums + blockIndex(j, p, active)];
        const to = dH + p * hidden + j;
        f64[to] = carries ? f64[to] + sum : sum;
      }
    }
    if (dX < 0) continue;
    f64.fill(0, inputSums, inputSums + sumsSize(inputSize, active));
    const { inputWeights } = plan;
    multiplyPanels(f64, inputWeights, inputDepth * LEFT, inputSize, inputRows, stride, active, inputDepth, inputSums);
    for (let p = 0; p < active; p++) {
      const to = dX + placeOf(memory, call, step, p) * inputSize;
      for (let d = 0; d < inputSize; d++) f32[to + d] = lasting(f64[inputSums + blockIndex(d, p, active)]);
    }
  }
  if (weighs) {
    multiplyChunk(f64, plan, collected);
    writeWeightGradients(memory, call, plan);
  }
  writeInitial(memory, call, gradientOf(call, "initialH"), dH);
  writeInitial(memory, call, gradientOf(call, "initialC"), plan.dC);
}

/** Packs the columns of R and W, in the order in which gate gradients stand in a row. */
function packStepWeights({ f32, f64 }: Memory, call: RecurrentGradCall, plan: Plan): void {
  const { hidden, inputSize, stateWeights, inputWeights } = plan;
  const { gates, gradients, toState } = plan.traits;
  for (let place = 0; place < toState; place++) {
    const gate = (place + 2 * gates - gradients) % gates;
    const from = call.inputs[2].offset + gate * hidden * hidden;
    const to = stateWeights + place * hidden * LEFT;
    packPanels(f32, from, 1, hidden, hidden, hidden, f64, to, LEFT, toState * hidden * LEFT);
  }
  const depth = gates * hidden;
  const W = call.inputs[1].offset;
  packPanels(f32, W, 1, inputSize, inputSize, depth, f64, inputWeights, LEFT, depth * LEFT);
}

/** Adds the products of the collected gate gradients with what their gates met to the sums of the weights. */
function multiplyChunk(f64: Float64Array, { parts, chunk, met }: Plan, collected: number): void {
  const stride = chunk * RIGHT;
  for (let k = 0; k < parts.length; k++) {
    const part = parts[k];
    const right = met + laneOf(part.first, stride);
    multiplyPanels(f64, part.chunk, chunk * LEFT, part.rows, right, stride, part.width, collected, part.sums);
  }
}

function writeWeightGradients(memory: Memory, call: RecurrentGradCall, plan: Plan): void {
  const { hidden, inputSize, padded } = plan;
  const { gates, whole, otherState } = plan.traits;
  const dRecurrentBias = gradientOf(call, "recurrentBias");
  for (let k = 0; k < plan.parts.length; k++) {
    const part = plan.parts[k];
    const fromInput = part.gradient < gates;
    const state = fromInput && part.gradient >= whole ? hidden + 1 + inputSize : 0;
    // Gradients behind those of W's gates are of the last gate.
    const gate = fromInput ? part.gradient : whole;
    if (fromInput) {
      writeSums(memory, call.outputs[3], gate * hidden, hidden, 1, part, hidden, padded);
      writeSums(memory, call.outputs[1], gate * hidden, hidden, inputSize, part, hidden + 1, padded);
    }
    if (part.gradient < whole || !fromInput || otherState) {
      writeSums(memory, dRecurrentBias, gate * hidden, hidden, 1, part, hidden, padded);
      writeSums(memory, call.outputs[2], gate * hidden, hidden, hidden, part, state, padded);
    }
  }
}

/** Writes `size` sums of each row of a part, from those of the number `feature` on, to the rows of a weight from `firstRow` on. */
function writeSums(
  { f32, f64 }: Memory,
  to: View | undefined,
  firstRow: number,
  hidden: number,
  size: number,
  { rows, first, width, sums }: Part,
  feature: number,
  padded: number,
): void {
  if (to === undefined || to.offset < 0) return;
  let at = to.offset + firstRow * size;
  for (let row = 0; row < rows; row++) {
    if (row % padded >= hidden) continue;
    for (let d = 0; d < size; d++) f32[at++] = lasting(f64[sums + blockIndex(row, feature - first + d, width)]);
  }
}
