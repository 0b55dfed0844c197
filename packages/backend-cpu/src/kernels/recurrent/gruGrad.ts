/**
 * The gradient of the GRU, by the way of `gradient.ts`. Let s be what the state gives to the candidate. With `linearBeforeReset` the candidate has r ∘ s;
 * ds goes back through R beside dz and dr, and dc to x alone. Without it s = (r ∘ h) · Rᵀ, so that dc goes back through R in a product of its own
 * before r has its gradient. The readable form is the gradient of its decomposition in core.
 */
import type { Call } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { blockIndex, LEFT, laneOf, multiplyPanels, packedSize, packPanels, RIGHT, sumsSize } from "../panels.ts";
import { lasting } from "../small.ts";
import { stateBefore } from "./cotangents.ts";
import { chunkLane, goBack, type Plan, planOf, type RowStep, stepLane } from "./gradient.ts";
import { supportsGru } from "./gru.ts";
import { cotangentOf, keptOf, offsetOf } from "./recurrence.ts";
import { leftLane } from "./weights.ts";

/** The gradients in their order. */
const Z = 0;
const R = 1;
const C = 2;
const S = 3;

const shared = { gates: 3, whole: 2, carries: true };
const after = { ...shared, gradients: 4, toState: 3, otherState: false };
const before = { ...shared, gradients: 3, toState: 2, otherState: true };

const gruPlan = (call: Call<"gruGrad">, start: number): Plan =>
  planOf(call, call.attrs.linearBeforeReset ? after : before, start);

/** One row's step, but for dr where dc goes back first. */
function rowGradients(memory: Memory, call: Call<"gruGrad">, plan: Plan, at: RowStep): void {
  const { f32, f64 } = memory;
  const { hidden, chunk } = plan;
  const resetAfter = call.attrs.linearBeforeReset;
  const y = keptOf(call, 0).offset + at.place * hidden;
  const gates = keptOf(call, 1).offset + at.word * 3 * hidden;
  const state = stateBefore(memory, call, at.step, at.p);
  const cotangent = offsetOf(cotangentOf(call, "y"));
  const dY = cotangent < 0 ? -1 : cotangent + at.place * hidden;
  const zLane = stepLane(plan, Z, at.p);
  const rLane = stepLane(plan, R, at.p);
  const cLane = stepLane(plan, C, at.p);
  const sLane = stepLane(plan, S, at.p);
  const zChunk = chunkLane(plan, Z, at.collected);
  const rChunk = chunkLane(plan, R, at.collected);
  const cChunk = chunkLane(plan, C, at.collected);
  const sChunk = chunkLane(plan, S, at.collected);
  for (let j = 0; j < hidden; j++) {
    const z = f32[gates + j];
    const h0 = state < 0 ? 0 : f32[state + j];
    const h = f32[y + j];
    const to = plan.dH + at.p * hidden + j;
    const dh = lasting(f64[to] + (dY < 0 ? 0 : f32[dY + j]));
    // h = (1 - z) · candidate + z · h0, so (1 - z) · (h0 - candidate) = h0 - h, and (1 - z) · candidate = h - z · h0.
    const rest = 1 - z;
    const share = h - z * h0;
    const dc = lasting(dh * (rest > 0 ? rest - (share * share) / rest : 0));
    f64[to] = dh * z;
    const dz = lasting(dh * z * (h0 - h));
    const lane = j * RIGHT;
    const unit = leftLane(j, chunk * LEFT);
    f64[zLane + lane] = dz;
    f64[cLane + lane] = dc;
    f64[zChunk + unit] = dz;
    f64[cChunk + unit] = dc;
    if (!resetAfter) continue;
    const r = f32[gates + hidden + j];
    const dr = lasting(dc * f32[gates + 2 * hidden + j] * r * (1 - r));
    const ds = lasting(dc * r);
    f64[rLane + lane] = dr;
    f64[sLane + lane] = ds;
    f64[rChunk + unit] = dr;
    f64[sChunk + unit] = ds;
  }
}

/** Without `linearBeforeReset`: takes dc of a step back to r ∘ h, and from there to r and h; collects r ∘ h. */
function resetGradients(memory: Memory, call: Call<"gruGrad">, plan: Plan, at: RowStep, active: number): void {
  const { f32, f64 } = memory;
  const { hidden, inputSize, chunk, end } = plan;
  const sums = end + packedSize(hidden, hidden, LEFT);
  f64.fill(0, sums, sums + sumsSize(hidden, active));
  const stride = plan.traits.gradients * hidden * RIGHT;
  multiplyPanels(f64, end, hidden * LEFT, hidden, stepLane(plan, C, 0), stride, active, hidden, sums);
  for (let p = 0; p < active; p++) {
    const reset = keptOf(call, 1).offset + ((at.word + p) * 3 + 1) * hidden;
    const state = stateBefore(memory, call, at.step, p);
    const lane = stepLane(plan, R, p);
    const collected = chunkLane(plan, R, at.collected + p);
    const met = plan.met + (at.collected + p) * RIGHT;
    for (let j = 0; j < hidden; j++) {
      const r = f32[reset + j];
      const h0 = state < 0 ? 0 : f32[state + j];
      const d = f64[sums + blockIndex(j, p, active)];
      const dr = lasting(d * h0 * r * (1 - r));
      f64[plan.dH + p * hidden + j] += d * r;
      f64[lane + j * RIGHT] = dr;
      f64[collected + leftLane(j, chunk * LEFT)] = dr;
      f64[met + laneOf(hidden + 1 + inputSize + j, chunk * RIGHT)] = lasting(r * h0);
    }
  }
}

function gruGrad(memory: Memory, call: Call<"gruGrad">): void {
  const { f32, f64 } = memory;
  const plan = gruPlan(call, memory.scratch / 8);
  const { hidden, end } = plan;
  const resetAfter = call.attrs.linearBeforeReset;
  const candidate = call.inputs[2].offset + 2 * hidden * hidden;
  if (!resetAfter) packPanels(f32, candidate, 1, hidden, hidden, hidden, f64, end, LEFT, hidden * LEFT);
  goBack("gruGrad", memory, call, plan, rowGradients, resetAfter ? undefined : resetGradients);
}

/** Behind the plan's: the weights that dc goes back through, and its sums. */
function scratch(call: Call<"gruGrad">): number {
  const { end, hidden, batch } = gruPlan(call, 0);
  return 8 * (end + packedSize(hidden, hidden, LEFT) + sumsSize(hidden, batch));
}

export const gruGradKernel = { run: gruGrad, scratch, supports: supportsGru };
