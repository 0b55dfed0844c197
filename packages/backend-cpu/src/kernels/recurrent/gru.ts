/**
 * The gated recurrent unit, forward. A step is the product [1 | x | h] · [B | W | R]ᵀ for z and r over the rows that still run. The candidate
 * has [1 | x] · [B | W]ᵀ by itself: what comes from the state is reset in between. That is h · Rᵀ, which r multiplies (`linearBeforeReset`), or
 * (r ∘ h) · Rᵀ, a product of its own. The readable form is its decomposition in core.
 *
 * For `gruGrad` alone: `gates` holds z, r and, with `linearBeforeReset`, what r multiplies, each over all units, for the rows in the order of
 * `rows.ts`, step after step without gaps. The candidate is found in y again.
 */
import type { RecurrenceAttrs } from "@ostinato/core";
import type { Call } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { hyperbolicTangent, logistics } from "../exponential.ts";
import { blockIndex, LEFT, laneOf, multiplyPanels, packedSize, RIGHT, sumsSize } from "../panels.ts";
import { lasting, normal } from "../small.ts";
import {
  depthOf,
  inputSizeOf,
  openOperand,
  openSums,
  operandSize,
  placeOf,
  readInputs,
  stateLane,
  writeFinal,
} from "./operand.ts";
import { isOrdinary, offsetOf, optionOf } from "./recurrence.ts";
import { clearEnds, expectGiven, lengthsAt, rowsBytes, sortRows } from "./rows.ts";
import { packInputWeights, packStateWeights } from "./weights.ts";

/** Whether the native kernels compute a GRU with these attributes; what they do not is decomposed. */
export function supportsGru(attrs: RecurrenceAttrs<"gru">): boolean {
  return isOrdinary("gru", attrs, ["lengths", "initialH", "recurrentBias"]);
}

/** Where everything lies in scratch (indexes in `f64`). */
interface Plan {
  /** Packed weights: of z and r together; of the candidate those that x meets, and those that the state meets. */
  readonly gateWeights: number;
  readonly inputWeights: number;
  readonly stateWeights: number;
  readonly operand: number;
  /** r ∘ h, packed, where the reset comes before the product. */
  readonly resets: number;
  /** Sums of z and r, and of the candidate from x and from the state. */
  readonly gateSums: number;
  readonly inputSums: number;
  readonly stateSums: number;
  readonly end: number;
}

function planOf(call: Call<"gru">, start: number): Plan {
  const { dims } = call.inputs[0];
  const batch = dims[1];
  const inputSize = inputSizeOf(call.inputs[0]);
  const hidden = call.attrs.hiddenSize;
  const gateWeights = start + rowsBytes(dims[0], batch) / 8;
  const inputWeights = gateWeights + packedSize(2 * hidden, depthOf(call), LEFT);
  const stateWeights = inputWeights + packedSize(hidden, 1 + inputSize, LEFT);
  const operand = stateWeights + packedSize(hidden, hidden, LEFT);
  const resets = operand + operandSize(call);
  const gateSums = resets + packedSize(batch, hidden, RIGHT);
  const inputSums = gateSums + sumsSize(2 * hidden, batch);
  const stateSums = inputSums + sumsSize(hidden, batch);
  const end = stateSums + sumsSize(hidden, batch);
  return { gateWeights, inputWeights, stateWeights, operand, resets, gateSums, inputSums, stateSums, end };
}

function gru(memory: Memory, call: Call<"gru">): void {
  const { f64, i32 } = memory;
  const { inputs, outputs, attrs } = call;
  const { dims } = inputs[0];
  const time = dims[0];
  const batch = dims[1];
  const hidden = attrs.hiddenSize;
  const resetAfter = attrs.linearBeforeReset;
  const plan = planOf(call, memory.scratch / 8);
  expectGiven("gru", memory, call);
  sortRows("gru", memory, optionOf(call, "lengths"), time, batch);
  const lengths = lengthsAt(memory, batch);
  packWeights(memory, call, plan);
  openOperand(memory, call, plan.operand);
  const y = outputs[0].offset;
  const gates = outputs[2].offset;
  if (y >= 0) clearEnds(memory, y, time, batch, hidden);

  const depth = depthOf(call);
  const inputDepth = depth - hidden;
  const { gateWeights, inputWeights, stateWeights, operand, resets, gateSums, inputSums, stateSums } = plan;
  const stride = depth * RIGHT;
  let active = batch;
  for (let step = 0, start = 0; ; step++, start += active) {
    while (active > 0 && i32[lengths + active - 1] <= step) active -= 1;
    if (active === 0) break;
    readInputs(memory, call, operand, step, active);
    openSums(memory, call, step, active, 0, 2 * hidden, gateSums);
    openSums(memory, call, step, active, 2 * hidden, hidden, inputSums);
    f64.fill(0, stateSums, stateSums + sumsSize(hidden, active));
    multiplyPanels(f64, gateWeights, depth * LEFT, 2 * hidden, operand, stride, active, depth, gateSums);
    logistics(f64, gateSums, sumsSize(2 * hidden, active));
    multiplyPanels(f64, inputWeights, inputDepth * LEFT, hidden, operand, stride, active, inputDepth, inputSums);
    if (!resetAfter) resetStates(f64, call, plan, active);
    const states = resetAfter ? operand + inputDepth * RIGHT : resets;
    const statesStride = resetAfter ? stride : hidden * RIGHT;
    multiplyPanels(f64, stateWeights, hidden * LEFT, hidden, states, statesStride, active, hidden, stateSums);
    for (let p = 0; p < active; p++) {
      const to = y < 0 ? -1 : y + placeOf(memory, call, step, p) * hidden;
      updateState(memory, call, plan, p, active, to, gates < 0 ? -1 : gates + (start + p) * 3 * hidden);
    }
  }
  writeFinal(memory, call, operand, outputs[1]);
}

function packWeights(memory: Memory, call: Call<"gru">, plan: Plan): void {
  const hidden = call.attrs.hiddenSize;
  const depth = depthOf(call);
  const inputDepth = depth - hidden;
  const gateStates = plan.gateWeights + inputDepth * LEFT;
  packInputWeights(memory, call, 0, 2 * hidden, plan.gateWeights, depth * LEFT, true);
  packStateWeights(memory, call, 0, 2 * hidden, gateStates, depth * LEFT);
  const candidate = 2 * hidden;
  const withBias = !call.attrs.linearBeforeReset;
  packInputWeights(memory, call, candidate, hidden, plan.inputWeights, inputDepth * LEFT, withBias);
  packStateWeights(memory, call, candidate, hidden, plan.stateWeights, hidden * LEFT);
}

/** r ∘ h of the rows that run, as an operand. */
function resetStates(f64: Float64Array, call: Call<"gru">, plan: Plan, active: number): void {
  const hidden = call.attrs.hiddenSize;
  for (let p = 0; p < active; p++) {
    const state = stateLane(call, plan.operand, p);
    const lane = plan.resets + laneOf(p, hidden * RIGHT);
    for (let j = 0; j < hidden; j++) {
      f64[lane + j * RIGHT] = lasting(f64[plan.gateSums + blockIndex(hidden + j, p, active)] * f64[state + j * RIGHT]);
    }
  }
}

/** One row's step: h = candidate + z · (h - candidate), to y and to the next product's operand. */
function updateState(
  { f32, f64 }: Memory,
  call: Call<"gru">,
  plan: Plan,
  p: number,
  active: number,
  y: number,
  gates: number,
): void {
  const hidden = call.attrs.hiddenSize;
  const resetAfter = call.attrs.linearBeforeReset;
  const bias = resetAfter ? offsetOf(optionOf(call, "recurrentBias")) : -1;
  const lane = stateLane(call, plan.operand, p);
  for (let j = 0; j < hidden; j++) {
    const z = f64[plan.gateSums + blockIndex(j, p, active)];
    const r = f64[plan.gateSums + blockIndex(hidden + j, p, active)];
    const at = blockIndex(j, p, active);
    const fromState = f64[plan.stateSums + at] + (bias < 0 ? 0 : f32[bias + 2 * hidden + j]);
    const candidate = hyperbolicTangent(f64[plan.inputSums + at] + (resetAfter ? r * fromState : fromState));
    const h = lasting(Math.fround(candidate + z * (f64[lane + j * RIGHT] - candidate)));
    f64[lane + j * RIGHT] = h;
    if (y >= 0) f32[y + j] = h;
    if (gates < 0) continue;
    f32[gates + j] = normal(z);
    f32[gates + hidden + j] = normal(r);
    if (resetAfter) f32[gates + 2 * hidden + j] = normal(fromState);
  }
}

export const gruKernel = {
  run: gru,
  scratch: (call: Call<"gru">): number => planOf(call, 0).end * 8,
  supports: supportsGru,
};
