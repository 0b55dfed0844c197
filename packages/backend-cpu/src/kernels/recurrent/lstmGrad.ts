/**
 * The gradient of the LSTM. Steps go backwards; each turns the cotangents of its outputs and cells into those of its gates, and one
 * product with [R | W] takes these to the step before and to x. Gate gradients are collected beside their [1 | x | h], and products of
 * a few hundred rows at a time add up the gradients of B, W and R. The readable form is core's `decomposeLstmGrad`.
 */
import type { Call } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { blockIndex, LEFT, laneOf, multiplyPanels, packedSize, RIGHT, sumsSize } from "../panels.ts";
import { supportsLstm } from "./lstm.ts";
import { clearEnds, lengthsAt, optionOf, orderAt, rowsBytes, sortRows } from "./lstmRows.ts";

/** Sizes of a call, and where everything lies in scratch (indexes in `f64`). */
interface Plan {
  readonly time: number;
  readonly batch: number;
  readonly inputSize: number;
  readonly hidden: number;
  /** 1 + inputSize + hidden: the columns of [1 | x | h]. */
  readonly width: number;
  /** Rows that are collected before a product takes them. A step's rows are never split. */
  readonly chunk: number;
  /** [R | W], packed for the product of a step. */
  readonly weights: number;
  /** A step's gate gradients, packed for that product, and its sums. */
  readonly gateRows: number;
  readonly sums: number;
  /** [batch, hidden] in the rows' order. */
  readonly dH: number;
  readonly dC: number;
  /** Collected gate gradients, the gates of a unit side by side, and their [1 | x | h]; the sums of their products. */
  readonly gateChunk: number;
  readonly inputChunk: number;
  readonly weightSums: number;
  readonly end: number;
}

function planOf(call: Call<"lstmGrad">, start: number): Plan {
  const { dims } = call.inputs[0];
  const time = dims[0];
  const batch = dims[1];
  const inputSize = dims[2];
  const hidden = call.attrs.hiddenSize;
  const width = 1 + inputSize + hidden;
  const chunk = Math.max(256, batch);
  const weights = start + rowsBytes(time, batch) / 8;
  const gateRows = weights + packedSize(hidden + inputSize, 4 * hidden, LEFT);
  const sums = gateRows + packedSize(batch, 4 * hidden, RIGHT);
  const dH = sums + sumsSize(hidden + inputSize, batch);
  const dC = dH + batch * hidden;
  const gateChunk = dC + batch * hidden;
  const inputChunk = gateChunk + packedSize(4 * hidden, chunk, LEFT);
  const weightSums = inputChunk + packedSize(width, chunk, RIGHT);
  const end = weightSums + sumsSize(4 * hidden, width);
  return {
    time,
    batch,
    inputSize,
    hidden,
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

function lstmGrad(memory: Memory, call: Call<"lstmGrad">): void {
  const { f32, f64, i32 } = memory;
  const { inputs, outputs, attrs } = call;
  const plan = planOf(call, memory.scratch / 8);
  const { time, batch, inputSize, hidden, chunk } = plan;
  const reverse = attrs.direction === "reverse";
  const own = 4 + attrs.options.length;
  const x = inputs[0].offset;
  const y = inputs[own].offset;
  const gates = inputs[own + 1].offset;
  const cells = inputs[own + 2].offset;
  const yAt = attrs.cotangents.indexOf("y");
  const dY = yAt < 0 ? -1 : inputs[own + 3 + yAt].offset;
  const initialH = optionOf(call, "initialH")?.offset ?? -1;
  const initialC = optionOf(call, "initialC")?.offset ?? -1;
  const dX = outputs[0].offset;
  const wantsWeights = outputs[1].offset >= 0 || outputs[2].offset >= 0 || outputs[3].offset >= 0;
  const total = sortRows("lstmGrad", memory, optionOf(call, "lengths"), time, batch);
  const order = orderAt(memory);
  const lengths = lengthsAt(memory, batch);

  const columns = dX >= 0 ? hidden + inputSize : hidden;
  const gateStride = 4 * hidden * RIGHT;
  f64.fill(0, plan.weights, plan.sums);
  packStepWeights(memory, call, plan);

  f64.fill(0, plan.weightSums, plan.end);
  readFinal(memory, call, plan, "h", plan.dH);
  readFinal(memory, call, plan, "c", plan.dC);
  if (dX >= 0) clearEnds(memory, dX, time, batch, inputSize);

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
      const row = i32[order + p];
      const t = reverse ? i32[lengths + p] - 1 - step : step;
      const initial = initialC < 0 ? -1 : initialC + row * hidden;
      gateGradients(
        f32,
        f64,
        hidden,
        y + (t * batch + row) * hidden,
        gates + (start + p) * 4 * hidden,
        step > 0 ? cells + (start - before + p) * hidden : initial,
        dY < 0 ? -1 : dY + (t * batch + row) * hidden,
        plan.dH + p * hidden,
        plan.dC + p * hidden,
        plan.gateRows + laneOf(p, gateStride),
        plan.gateChunk + (collected + p) * LEFT,
        chunk * LEFT,
      );
      if (!wantsWeights) continue;
      const previous = (reverse ? t + 1 : t - 1) * batch + row;
      const h0 = initialH < 0 ? -1 : initialH + row * hidden;
      const lane = plan.inputChunk + (collected + p) * RIGHT;
      f64[lane] = 1;
      for (let d = 0; d < inputSize; d++) {
        f64[lane + laneOf(1 + d, chunk * RIGHT)] = f32[x + (t * batch + row) * inputSize + d];
      }
      const h = step > 0 ? y + previous * hidden : h0;
      for (let j = 0; j < hidden; j++) f64[lane + laneOf(1 + inputSize + j, chunk * RIGHT)] = h < 0 ? 0 : f32[h + j];
    }
    collected += active;
    f64.fill(0, plan.sums, plan.sums + sumsSize(columns, active));
    const depth = 4 * hidden;
    multiplyPanels(f64, plan.weights, depth * LEFT, columns, plan.gateRows, gateStride, active, depth, plan.sums);
    for (let p = 0; p < active; p++) {
      for (let j = 0; j < hidden; j++) f64[plan.dH + p * hidden + j] = f64[plan.sums + blockIndex(j, p, active)];
      if (dX < 0) continue;
      const t = reverse ? i32[lengths + p] - 1 - step : step;
      const to = dX + (t * batch + i32[order + p]) * inputSize;
      for (let d = 0; d < inputSize; d++) f32[to + d] = f64[plan.sums + blockIndex(hidden + d, p, active)];
    }
  }
  if (wantsWeights) {
    multiplyChunk(f64, plan, collected);
    writeWeightGradients(memory, call, plan);
  }
  writeInitialGradients(memory, call, plan);
}

/** Packs the columns of [R | W]. */
function packStepWeights({ f32, f64 }: Memory, call: Call<"lstmGrad">, plan: Plan): void {
  const { hidden, inputSize, weights } = plan;
  const depth = 4 * hidden;
  // Column by column: R and W may meet within a panel.
  for (let column = 0; column < hidden + inputSize; column++) {
    const inR = column < hidden;
    const from = inR ? call.inputs[2].offset + column : call.inputs[1].offset + column - hidden;
    const stride = inR ? hidden : inputSize;
    const lane = weights + (column >> 2) * depth * LEFT + (column & 3);
    for (let k = 0; k < depth; k++) f64[lane + k * LEFT] = f32[from + k * stride];
  }
}

/** The cotangent of a final state, or zeros, in the rows' order. */
function readFinal(
  { f32, f64, i32, scratch }: Memory,
  call: Call<"lstmGrad">,
  plan: Plan,
  name: "h" | "c",
  to: number,
) {
  const { batch, hidden } = plan;
  const index = call.attrs.cotangents.indexOf(name);
  const from = index < 0 ? -1 : call.inputs[4 + call.attrs.options.length + 3 + index].offset;
  const order = scratch / 4;
  for (let p = 0; p < batch; p++) {
    for (let j = 0; j < hidden; j++) f64[to + p * hidden + j] = from < 0 ? 0 : f32[from + i32[order + p] * hidden + j];
  }
}

/**
 * One row's step. `dH` and `dC` hold the cotangents that come from the step after; `dC` is replaced by what goes to the step before.
 * The gate gradients go to `row` (gate by gate, `RIGHT` apart) and to `chunk` (unit by unit, `chunkStride` apart).
 */
function gateGradients(
  f32: Float32Array,
  f64: Float64Array,
  hidden: number,
  y: number,
  gates: number,
  cellsBefore: number,
  dY: number,
  dH: number,
  dC: number,
  row: number,
  chunk: number,
  chunkStride: number,
): void {
  const gateStride = hidden * RIGHT;
  for (let j = 0; j < hidden; j++) {
    const i = f32[gates + j * 4];
    const o = f32[gates + j * 4 + 1];
    const f = f32[gates + j * 4 + 2];
    const g = f32[gates + j * 4 + 3];
    const before = cellsBefore < 0 ? 0 : f32[cellsBefore + j];
    // h = o · tanh(c); where o is 0, nothing that tanh(c) is multiplied with is not.
    const tanhC = o === 0 ? 0 : f32[y + j] / o;
    const dh = f64[dH + j] + (dY < 0 ? 0 : f32[dY + j]);
    const dc = f64[dC + j] + dh * o * (1 - tanhC * tanhC);
    const di = dc * g * i * (1 - i);
    const dO = dh * tanhC * o * (1 - o);
    const df = dc * before * f * (1 - f);
    const dg = dc * i * (1 - g * g);
    f64[dC + j] = dc * f;
    const r = row + j * RIGHT;
    f64[r] = di;
    f64[r + gateStride] = dO;
    f64[r + 2 * gateStride] = df;
    f64[r + 3 * gateStride] = dg;
    const c = chunk + j * chunkStride;
    f64[c] = di;
    f64[c + 1] = dO;
    f64[c + 2] = df;
    f64[c + 3] = dg;
  }
}

/** Adds the products of the collected gate gradients with their [1 | x | h] to the sums of the weights. */
function multiplyChunk(f64: Float64Array, plan: Plan, collected: number): void {
  const { chunk, gateChunk, inputChunk, hidden, width, weightSums } = plan;
  const rows = 4 * hidden;
  multiplyPanels(f64, gateChunk, chunk * LEFT, rows, inputChunk, chunk * RIGHT, width, collected, weightSums);
}

function writeWeightGradients({ f32, f64 }: Memory, call: Call<"lstmGrad">, plan: Plan): void {
  const { hidden, inputSize, width, weightSums } = plan;
  const dW = call.outputs[1].offset;
  const dR = call.outputs[2].offset;
  const dB = call.outputs[3].offset;
  for (let j = 0; j < hidden; j++) {
    for (let gate = 0; gate < 4; gate++) {
      const row = gate * hidden + j;
      const from = 4 * j + gate;
      if (dB >= 0) f32[dB + row] = f64[weightSums + blockIndex(from, 0, width)];
      for (let d = 0; dW >= 0 && d < inputSize; d++) {
        f32[dW + row * inputSize + d] = f64[weightSums + blockIndex(from, 1 + d, width)];
      }
      for (let d = 0; dR >= 0 && d < hidden; d++) {
        f32[dR + row * hidden + d] = f64[weightSums + blockIndex(from, 1 + inputSize + d, width)];
      }
    }
  }
}

function writeInitialGradients(memory: Memory, call: Call<"lstmGrad">, plan: Plan): void {
  const { f32, f64, i32 } = memory;
  const { batch, hidden } = plan;
  const order = orderAt(memory);
  let output = 4;
  for (let k = 0; k < call.attrs.options.length; k++) {
    const option = call.attrs.options[k];
    if (option === "lengths") continue;
    const to = call.outputs[output++].offset;
    if (to < 0) continue;
    const from = option === "initialH" ? plan.dH : plan.dC;
    for (let p = 0; p < batch; p++) {
      const row = to + i32[order + p] * hidden;
      for (let j = 0; j < hidden; j++) f32[row + j] = f64[from + p * hidden + j];
    }
  }
}

export const lstmGradKernel = {
  run: lstmGrad,
  scratch: (call: Call<"lstmGrad">): number => planOf(call, 0).end * 8,
  supports: supportsLstm,
};
