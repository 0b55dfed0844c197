/** The gradient of the LSTM: that of `gradient.ts`, with two states. The readable form is the gradient of core's `recurrent/lstm.ts`. */
import type { Call } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { LEFT, RIGHT } from "../panels.ts";
import { goBack, type Plan, planOf, type RowStep } from "./gradient.ts";
import { supportsLstm } from "./lstm.ts";
import { cotangentOf, keptOf, offsetOf, optionOf } from "./recurrence.ts";
import { orderAt } from "./rows.ts";

const GATES = 4;

function lstmGrad(memory: Memory, call: Call<"lstmGrad">): void {
  goBack("lstmGrad", memory, call, planOf(call, GATES, memory.scratch / 8), gateGradientsOf);
}

function gateGradientsOf(memory: Memory, call: Call<"lstmGrad">, plan: Plan, at: RowStep): void {
  const { hidden, chunk } = plan;
  const dY = offsetOf(cotangentOf(call, "y"));
  const initialC = offsetOf(optionOf(call, "initialC"));
  const initial = initialC < 0 ? -1 : initialC + memory.i32[orderAt(memory) + at.p] * hidden;
  gateGradients(
    memory.f32,
    memory.f64,
    hidden,
    keptOf(call, 0).offset + at.place * hidden,
    keptOf(call, 1).offset + (at.start + at.p) * GATES * hidden,
    at.step > 0 ? keptOf(call, 2).offset + (at.startBefore + at.p) * hidden : initial,
    dY < 0 ? -1 : dY + at.place * hidden,
    plan.dH + at.p * hidden,
    plan.dC + at.p * hidden,
    at.row,
    plan.gateChunk + at.collected * LEFT,
    chunk * LEFT,
  );
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

export const lstmGradKernel = {
  run: lstmGrad,
  scratch: (call: Call<"lstmGrad">): number => planOf(call, GATES, 0).end * 8,
  supports: supportsLstm,
};
