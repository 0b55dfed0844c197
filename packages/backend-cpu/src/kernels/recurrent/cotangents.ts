/** What gradient ops of all recurrences read and write alike: cotangents, what a step met, gradients of weights and initial states. */
import type { View } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { laneOf } from "../panels.ts";
import { lasting } from "../small.ts";
import { placeOf } from "./operand.ts";
import { cotangentOf, gradientOf, keptOf, offsetOf, optionOf, type RecurrentGradCall } from "./recurrence.ts";
import { orderAt } from "./rows.ts";

/** The cotangent of a final state [batch, hidden], or zeros, in the rows' order. */
export function readFinal(memory: Memory, call: RecurrentGradCall, state: string, to: number): void {
  const { f32, f64, i32 } = memory;
  const batch = call.inputs[0].dims[1];
  const hidden = call.attrs.hiddenSize;
  const from = offsetOf(cotangentOf(call, state));
  const order = orderAt(memory);
  for (let p = 0; p < batch; p++) {
    for (let j = 0; j < hidden; j++) f64[to + p * hidden + j] = from < 0 ? 0 : f32[from + i32[order + p] * hidden + j];
  }
}

/** Where h before a row's step lies in `f32`; -1: it is zero. */
export function stateBefore(memory: Memory, call: RecurrentGradCall, step: number, p: number): number {
  const hidden = call.attrs.hiddenSize;
  if (step > 0) return keptOf(call, 0).offset + placeOf(memory, call, step - 1, p) * hidden;
  const initial = offsetOf(optionOf(call, "initialH"));
  return initial < 0 ? -1 : initial + memory.i32[orderAt(memory) + p] * hidden;
}

/** Writes [h | 1 | x] that a row's step met to a lane of collected ones, whose panels are `stride` apart. */
export function collectInputs(
  memory: Memory,
  call: RecurrentGradCall,
  step: number,
  p: number,
  lane: number,
  stride: number,
): void {
  const { f32, f64 } = memory;
  const inputSize = call.inputs[0].dims[2];
  const hidden = call.attrs.hiddenSize;
  const x = call.inputs[0].offset + placeOf(memory, call, step, p) * inputSize;
  const h = stateBefore(memory, call, step, p);
  for (let j = 0; j < hidden; j++) f64[lane + laneOf(j, stride)] = h < 0 ? 0 : f32[h + j];
  f64[lane + laneOf(hidden, stride)] = 1;
  for (let d = 0; d < inputSize; d++) f64[lane + laneOf(hidden + 1 + d, stride)] = f32[x + d];
}

/** Whether anything reads the gradient of a weight or a bias. */
export function wantsWeights(call: RecurrentGradCall): boolean {
  const { outputs } = call;
  const recurrentBias = offsetOf(gradientOf(call, "recurrentBias"));
  return outputs[1].offset >= 0 || outputs[2].offset >= 0 || outputs[3].offset >= 0 || recurrentBias >= 0;
}

/** Writes what came back to the first step as the gradient of an initial state, [batch, hidden]. */
export function writeInitial(memory: Memory, call: RecurrentGradCall, to: View | undefined, from: number): void {
  const { f32, f64, i32 } = memory;
  if (to === undefined || to.offset < 0) return;
  const batch = call.inputs[0].dims[1];
  const hidden = call.attrs.hiddenSize;
  const order = orderAt(memory);
  for (let p = 0; p < batch; p++) {
    const row = to.offset + i32[order + p] * hidden;
    for (let j = 0; j < hidden; j++) f32[row + j] = lasting(f64[from + p * hidden + j]);
  }
}
