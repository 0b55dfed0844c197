/**
 * The LSTM, forward. Each step is one product [1 | x | h] · [B | W | R]ᵀ over the rows that still run, and one pass that activates the
 * gates and makes the new cells and outputs. The readable form is the decomposition in core's `cells/lstm.ts`.
 *
 * For `lstmGrad` alone: `gates` holds the activated i, o, f, c of each unit side by side and `cells` the new cells, both for the rows in
 * the order of `rows.ts`, step after step without gaps.
 */
import type { RecurrenceAttrs } from "@ostinato/core";
import type { Call } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { logistics } from "../exponential.ts";
import { blockIndex, LEFT, multiplyPanels, packPanels, RIGHT, sumsSize } from "../panels.ts";
import { lasting, normal } from "../small.ts";
import {
  depthOf,
  givenAt,
  inputSizeOf,
  openOperand,
  operandSize,
  placeOf,
  readInputs,
  stateLane,
  writeFinal,
} from "./operand.ts";
import { isOrdinary, optionOf } from "./recurrence.ts";
import { clearEnds, expectGiven, lengthsAt, orderAt, rowsBytes, sortRows } from "./rows.ts";

/** Whether the native kernels compute an LSTM with these attributes; what they do not is decomposed. */
export function supportsLstm(attrs: RecurrenceAttrs<"lstm">): boolean {
  return !attrs.inputForget && isOrdinary("lstm", attrs, ["lengths", "initialH", "initialC"]);
}

function scratch(call: Call<"lstm">): number {
  const [time, batch] = call.inputs[0].dims;
  const hidden = call.attrs.hiddenSize;
  const weights = 4 * hidden * depthOf(call);
  return rowsBytes(time, batch) + 8 * (weights + operandSize(call) + sumsSize(4 * hidden, batch) + 2 * batch * hidden);
}

/** Packs [B | W | R] so that a panel holds the four gates of one unit; the candidate's twice as large, for its tanh is a logistic of 2x. */
function packWeights(memory: Memory, call: Call<"lstm">, to: number): void {
  const { f32, f64 } = memory;
  const inputSize = inputSizeOf(call.inputs[0]);
  const hidden = call.attrs.hiddenSize;
  const stride = (1 + inputSize + hidden) * LEFT;
  const gate = hidden * inputSize;
  for (let j = 0; j < hidden; j++) {
    const panel = to + j * stride;
    const input = panel + LEFT;
    const recurrent = input + inputSize * LEFT;
    packPanels(f32, call.inputs[3].offset + j, hidden, 1, 4, 1, f64, panel, LEFT, stride);
    packPanels(f32, call.inputs[1].offset + j * inputSize, gate, 1, 4, inputSize, f64, input, LEFT, stride);
    packPanels(f32, call.inputs[2].offset + j * hidden, hidden * hidden, 1, 4, hidden, f64, recurrent, LEFT, stride);
    for (let k = panel + 3; k < panel + stride; k += LEFT) f64[k] *= 2;
  }
}

function lstm(memory: Memory, call: Call<"lstm">): void {
  const { f32, f64, i32 } = memory;
  const { inputs, outputs, attrs } = call;
  const time = inputs[0].dims[0];
  const batch = inputs[0].dims[1];
  const hidden = attrs.hiddenSize;
  const initialC = optionOf(call, "initialC");
  expectGiven("lstm", memory, call);
  sortRows("lstm", memory, optionOf(call, "lengths"), time, batch);
  const order = orderAt(memory);
  const lengths = lengthsAt(memory, batch);

  const depth = depthOf(call);
  const stride = depth * RIGHT;
  const weights = (memory.scratch + rowsBytes(time, batch)) / 8;
  const rows = weights + 4 * hidden * depth;
  const sums = rows + operandSize(call);
  const cellsNow = sums + sumsSize(4 * hidden, batch);
  const squashed = cellsNow + batch * hidden;
  packWeights(memory, call, weights);
  openOperand(memory, call, rows);
  for (let p = 0; p < batch; p++) {
    const row = i32[order + p];
    for (let j = 0; j < hidden; j++) {
      f64[cellsNow + p * hidden + j] = initialC ? f32[initialC.offset + row * hidden + j] : 0;
    }
  }
  const y = outputs[0].offset;
  const gates = outputs[3].offset;
  const cells = outputs[4].offset;
  if (y >= 0) clearEnds(memory, y, time, batch, hidden);

  let active = batch;
  for (let step = 0, start = 0; ; step++, start += active) {
    while (active > 0 && i32[lengths + active - 1] <= step) active -= 1;
    if (active === 0) break;
    readInputs(memory, call, rows, step, active);
    openSums(memory, call, step, active, sums);
    multiplyPanels(f64, weights, depth * LEFT, 4 * hidden, rows, stride, active, depth, sums);
    logistics(f64, sums, sumsSize(4 * hidden, active));
    for (let p = 0; p < active; p++) {
      updateCells(
        f32,
        f64,
        hidden,
        sums + blockIndex(0, p, active),
        blockIndex(LEFT, 0, active),
        cellsNow + p * hidden,
        squashed + p * hidden,
        gates < 0 ? -1 : gates + (start + p) * 4 * hidden,
        cells < 0 ? -1 : cells + (start + p) * hidden,
      );
    }
    logistics(f64, squashed, active * hidden);
    for (let p = 0; p < active; p++) {
      const from = sums + blockIndex(1, p, active);
      const to = y < 0 ? -1 : y + placeOf(memory, call, step, p) * hidden;
      const lane = stateLane(call, rows, p);
      updateOutputs(f32, f64, hidden, from, blockIndex(LEFT, 0, active), squashed + p * hidden, lane, to);
    }
  }

  writeFinal(memory, call, rows, outputs[1]);
  const c = outputs[2].offset;
  for (let p = 0; c >= 0 && p < batch; p++) {
    const to = c + i32[order + p] * hidden;
    for (let j = 0; j < hidden; j++) f32[to + j] = f64[cellsNow + p * hidden + j];
  }
}

/** Begins the sums with zeros, or with what ids give, in the order of `packWeights`. */
function openSums(memory: Memory, call: Call<"lstm">, step: number, active: number, sums: number): void {
  const { f32, f64 } = memory;
  const hidden = call.attrs.hiddenSize;
  f64.fill(0, sums, sums + sumsSize(4 * hidden, active));
  for (let p = 0; p < active; p++) {
    const from = givenAt(memory, call, step, p);
    for (let k = 0; from >= 0 && k < 4 * hidden; k++) {
      const gate = k & 3;
      f64[sums + blockIndex(k, p, active)] = (gate === 3 ? 2 : 1) * f32[from + gate * hidden + (k >> 2)];
    }
  }
}

/** One row's step: c = f · c + i · g, with tanh as 2 · logistic(2x) - 1. Keeps the gates and the cell, and leaves 2c to be squashed. */
function updateCells(
  f32: Float32Array,
  f64: Float64Array,
  hidden: number,
  sums: number,
  sumsStride: number,
  cellsNow: number,
  squashed: number,
  gates: number,
  cells: number,
): void {
  for (let j = 0, s = sums; j < hidden; j++, s += sumsStride) {
    const i = f64[s];
    const f = f64[s + 2 * RIGHT];
    const g = 2 * f64[s + 3 * RIGHT] - 1;
    const c = lasting(Math.fround(f * f64[cellsNow + j] + i * g));
    f64[cellsNow + j] = c;
    f64[squashed + j] = 2 * c;
    if (gates >= 0) {
      f32[gates + j * 4] = normal(i);
      f32[gates + j * 4 + 1] = normal(f64[s + RIGHT]);
      f32[gates + j * 4 + 2] = normal(f);
      f32[gates + j * 4 + 3] = normal(g);
    }
    if (cells >= 0) f32[cells + j] = c;
  }
}

/** One row's step: h = o · tanh(c), to y and to the next product's operand. */
function updateOutputs(
  f32: Float32Array,
  f64: Float64Array,
  hidden: number,
  outputGates: number,
  stride: number,
  squashed: number,
  lane: number,
  y: number,
): void {
  for (let j = 0; j < hidden; j++) {
    const h = lasting(Math.fround(f64[outputGates + j * stride] * (2 * f64[squashed + j] - 1)));
    f64[lane + j * RIGHT] = h;
    if (y >= 0) f32[y + j] = h;
  }
}

export const lstmKernel = { run: lstm, scratch, supports: supportsLstm };
