/** The operand of a step's product: for each row of the batch, in the order of `rows.ts`, a packed row [1 | x | h]; without x where there are ids. */
import type { View } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { blockIndex, laneOf, packedSize, RIGHT, sumsSize } from "../panels.ts";
import { offsetOf, optionOf, type RecurrentCall } from "./recurrence.ts";
import { lengthsAt, orderAt } from "./rows.ts";

/** Numbers in a row of X; ids have none. */
export function inputSizeOf({ dtype, dims }: View): number {
  return dtype === "int32" ? 0 : dims[2];
}

/** Numbers in a row of it. */
export function depthOf({ attrs, inputs }: RecurrentCall): number {
  return 1 + inputSizeOf(inputs[0]) + attrs.hiddenSize;
}

/** Doubles that it takes. */
export function operandSize(call: RecurrentCall): number {
  return packedSize(call.inputs[0].dims[1], depthOf(call), RIGHT);
}

/** Where a row's h begins; its numbers are `RIGHT` apart. */
export function stateLane(call: RecurrentCall, operand: number, p: number): number {
  return operand + laneOf(p, depthOf(call) * RIGHT) + (1 + inputSizeOf(call.inputs[0])) * RIGHT;
}

/** Before the first step: 1, and the initial h or zeros. */
export function openOperand(memory: Memory, call: RecurrentCall, operand: number): void {
  const { f32, f64, i32 } = memory;
  const batch = call.inputs[0].dims[1];
  const hidden = call.attrs.hiddenSize;
  const stride = depthOf(call) * RIGHT;
  const initial = offsetOf(optionOf(call, "initialH"));
  const order = orderAt(memory);
  f64.fill(0, operand, operand + operandSize(call));
  for (let p = 0; p < batch; p++) {
    f64[operand + laneOf(p, stride)] = 1;
    if (initial < 0) continue;
    const from = initial + i32[order + p] * hidden;
    const lane = stateLane(call, operand, p);
    for (let j = 0; j < hidden; j++) f64[lane + j * RIGHT] = f32[from + j];
  }
}

/** The place of a row's step in [time, batch]. */
export function placeOf(memory: Memory, call: RecurrentCall, step: number, p: number): number {
  const batch = call.inputs[0].dims[1];
  const t = call.attrs.direction === "reverse" ? memory.i32[lengthsAt(memory, batch) + p] - 1 - step : step;
  return t * batch + memory.i32[orderAt(memory) + p];
}

/** Reads x of a step into the rows that run. */
export function readInputs(memory: Memory, call: RecurrentCall, operand: number, step: number, active: number): void {
  const { f32, f64 } = memory;
  const x = call.inputs[0].offset;
  const inputSize = inputSizeOf(call.inputs[0]);
  const stride = depthOf(call) * RIGHT;
  for (let p = 0; p < active; p++) {
    const from = x + placeOf(memory, call, step, p) * inputSize;
    const lane = operand + laneOf(p, stride) + RIGHT;
    for (let d = 0; d < inputSize; d++) f64[lane + d * RIGHT] = f32[from + d];
  }
}

/** Where W has what the id of a row's step gives to the gates; -1 where X are no ids. */
export function givenAt(memory: Memory, call: RecurrentCall, step: number, p: number): number {
  const [x, w] = call.inputs;
  return x.dtype === "int32" ? w.offset + memory.i32[x.offset + placeOf(memory, call, step, p)] * w.dims[1] : -1;
}

/** Begins the sums of the rows that run with zeros; where X are ids, with what they give to `count` gates' units from `first` on, packed row after row. */
export function openSums(
  memory: Memory,
  call: RecurrentCall,
  step: number,
  active: number,
  first: number,
  count: number,
  sums: number,
): void {
  const { f32, f64 } = memory;
  f64.fill(0, sums, sums + sumsSize(count, active));
  for (let p = 0; p < active; p++) {
    const from = givenAt(memory, call, step, p);
    for (let k = 0; from >= 0 && k < count; k++) f64[sums + blockIndex(k, p, active)] = f32[from + first + k];
  }
}

/** Writes h of all rows, [batch, hidden], after the last step. */
export function writeFinal(memory: Memory, call: RecurrentCall, operand: number, { offset }: View): void {
  const { f32, f64, i32 } = memory;
  if (offset < 0) return;
  const batch = call.inputs[0].dims[1];
  const hidden = call.attrs.hiddenSize;
  const order = orderAt(memory);
  for (let p = 0; p < batch; p++) {
    const lane = stateLane(call, operand, p);
    const to = offset + i32[order + p] * hidden;
    for (let j = 0; j < hidden; j++) f32[to + j] = f64[lane + j * RIGHT];
  }
}
