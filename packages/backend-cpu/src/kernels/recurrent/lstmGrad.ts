/** The gradient of the LSTM, by the way of `gradient.ts`. The readable form is the gradient of its decomposition in core. */
import type { Call } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { LEFT, RIGHT } from "../panels.ts";
import { lasting } from "../small.ts";
import { chunkLane, goBack, type Plan, planOf, type RowStep, stepLane } from "./gradient.ts";
import { supportsLstm } from "./lstm.ts";
import { cotangentOf, keptOf, offsetOf, optionOf } from "./recurrence.ts";
import { orderAt } from "./rows.ts";
import { leftLane } from "./weights.ts";

const traits = { gates: 4, whole: 4, gradients: 4, toState: 4, otherState: false, carries: false };

function rowGradients(memory: Memory, call: Call<"lstmGrad">, plan: Plan, at: RowStep): void {
  const { hidden } = plan;
  const dY = offsetOf(cotangentOf(call, "y"));
  const initialC = offsetOf(optionOf(call, "initialC"));
  const initial = initialC < 0 ? -1 : initialC + memory.i32[orderAt(memory) + at.p] * hidden;
  gateGradients(
    memory.f32,
    memory.f64,
    plan,
    at,
    keptOf(call, 0).offset + at.place * hidden,
    keptOf(call, 1).offset + at.word * 4 * hidden,
    at.step > 0 ? keptOf(call, 2).offset + at.wordBefore * hidden : initial,
    dY < 0 ? -1 : dY + at.place * hidden,
    plan.dH + at.p * hidden,
    plan.dC + at.p * hidden,
  );
}

/**
 * One row's step. `dH` and `dC` hold the cotangents that come from the step after; `dC` is replaced by what goes to the step before.
 */
function gateGradients(
  f32: Float32Array,
  f64: Float64Array,
  plan: Plan,
  at: RowStep,
  y: number,
  gates: number,
  cellsBefore: number,
  dY: number,
  dH: number,
  dC: number,
): void {
  const { hidden } = plan;
  const gateStride = hidden * RIGHT;
  const row = stepLane(plan, 0, at.p);
  const chunk = chunkLane(plan, 0, at.collected);
  const chunkStride = plan.chunk * LEFT;
  const chunkGate = plan.chunk * plan.padded;
  for (let j = 0; j < hidden; j++) {
    const i = f32[gates + j * 4];
    const o = f32[gates + j * 4 + 1];
    const f = f32[gates + j * 4 + 2];
    const g = f32[gates + j * 4 + 3];
    const before = cellsBefore < 0 ? 0 : f32[cellsBefore + j];
    // h = o · tanh(c); where o is 0, nothing that tanh(c) is multiplied with is not.
    const tanhC = o === 0 ? 0 : f32[y + j] / o;
    const dh = f64[dH + j] + (dY < 0 ? 0 : f32[dY + j]);
    const dc = lasting(f64[dC + j] + dh * o * (1 - tanhC * tanhC));
    const di = lasting(dc * g * i * (1 - i));
    const dO = lasting(dh * tanhC * o * (1 - o));
    const df = lasting(dc * before * f * (1 - f));
    const dg = lasting(dc * i * (1 - g * g));
    f64[dC + j] = dc * f;
    const r = row + j * RIGHT;
    f64[r] = di;
    f64[r + gateStride] = dO;
    f64[r + 2 * gateStride] = df;
    f64[r + 3 * gateStride] = dg;
    const c = chunk + leftLane(j, chunkStride);
    f64[c] = di;
    f64[c + chunkGate] = dO;
    f64[c + 2 * chunkGate] = df;
    f64[c + 3 * chunkGate] = dg;
  }
}

export const lstmGradKernel = {
  run: (memory: Memory, call: Call<"lstmGrad">): void =>
    goBack("lstmGrad", memory, call, planOf(call, traits, memory.scratch / 8), rowGradients),
  scratch: (call: Call<"lstmGrad">): number => planOf(call, traits, 0).end * 8,
  supports: supportsLstm,
};
