/** Rows of the weights [B | W | R] as panels, for the products of a step. */
import type { Memory } from "../../memory.ts";
import { LEFT, packPanels } from "../panels.ts";
import { inputSizeOf } from "./operand.ts";
import { offsetOf, optionOf, type RecurrentCall } from "./recurrence.ts";

/** Packs [B | W] of `rows` rows from `first` on; `stride` apart are the panels. The recurrent bias is added to B where the two are only summed. */
export function packInputWeights(
  { f32, f64 }: Memory,
  call: RecurrentCall,
  first: number,
  rows: number,
  to: number,
  stride: number,
  withRecurrentBias: boolean,
): void {
  const inputSize = inputSizeOf(call.inputs[0]);
  const bias = withRecurrentBias ? offsetOf(optionOf(call, "recurrentBias")) : -1;
  packPanels(f32, call.inputs[3].offset + first, 1, 1, rows, 1, f64, to, LEFT, stride);
  for (let row = 0; bias >= 0 && row < rows; row++) f64[to + leftLane(row, stride)] += f32[bias + first + row];
  const W = call.inputs[1].offset + first * inputSize;
  packPanels(f32, W, inputSize, 1, rows, inputSize, f64, to + LEFT, LEFT, stride);
}

/** Packs R of these rows. */
export function packStateWeights(
  { f32, f64 }: Memory,
  call: RecurrentCall,
  first: number,
  rows: number,
  to: number,
  stride: number,
): void {
  const hidden = call.attrs.hiddenSize;
  packPanels(f32, call.inputs[2].offset + first * hidden, hidden, 1, rows, hidden, f64, to, LEFT, stride);
}

/** Where a row of a packed left operand begins, from the first panel on; its numbers are `LEFT` apart. */
export function leftLane(row: number, stride: number): number {
  return (row >> 2) * stride + (row & 3);
}
