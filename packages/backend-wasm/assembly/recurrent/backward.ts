/**
 * The way of every recurrence back. Blocks of rows go backwards through some steps; a step turns the cotangents of its states into those of its
 * gates, and products with R and W take these to the step before and to x. Gate gradients are collected beside what the gates met; whenever enough
 * rows are there, all threads meet and add up products of the two to the gradients of the weights, by columns. Over
 * hundreds of steps gradients fade to subnormal numbers, which make products slow: those of gates, cotangents that go from step to step without a product,
 * and results are dropped below 2⁻¹⁰⁰ in size (`lasting`), where they add nothing. What a product gives is looked at a step later.
 */
import { aligned, copyLasting, lasting } from "../lanes";
import { packRight, transpose } from "../packing";
import { LEFT_STEP, panelsOf, RIGHT_STEP } from "../panels";
import { COLUMNS, RecurrenceGrad, ROWS } from "../protocol";
import { address, argument } from "../team";
import { blockRoom, lengthOf, rowOf } from "./blocks";
import { collectedPitch } from "./weights";

/** d · a · (1 - a): through the sigmoid that gave a. */
@inline
export function throughSigmoid(d: v128, a: v128): v128 {
  return lasting(f32x4.mul(f32x4.mul(d, a), f32x4.sub(f32x4.splat(1), a)));
}

/** 1 - a², the slope of the tanh that gave a. */
@inline
export function slopeOfTanh(a: v128): v128 {
  return f32x4.sub(f32x4.splat(1), f32x4.mul(a, a));
}

/** d · (1 - a²): through the tanh that gave a. */
@inline
export function throughTanh(d: v128, a: v128): v128 {
  return lasting(f32x4.mul(d, slopeOfTanh(a)));
}

/** One gate's gradients of `rows` rows, in right panels, as part of the left operand of a product. */
export function packGate(right: usize, rightPitch: i32, rows: i32, left: usize): void {
  const hidden = argument(RecurrenceGrad.hidden);
  const whole = hidden & ~3;
  let unit = 0;
  for (; unit < whole; unit += COLUMNS) {
    transpose(right + rightPlace(unit, rightPitch), RIGHT_STEP, rows, min(COLUMNS, whole - unit), left + <usize>unit * LEFT_STEP);
  }
  for (unit = whole; unit < hidden; unit++) {
    const from = right + rightPlace(unit, rightPitch);
    const to = left + <usize>unit * LEFT_STEP;
    for (let row: usize = 0; row < <usize>rows; row++) store<f32>(to + (row << 2), load<f32>(from + row * RIGHT_STEP));
  }
}

/** Packs `depth` rows [width] of weights as right panels over these rows, `pitch` bytes apart. */
export function packColumnsOf(thread: i32, threads: i32, from: usize, width: i32, depth: i32, to: usize, pitch: usize): void {
  for (let panel = thread; panel < panelsOf(width); panel += threads) {
    const column = panel * COLUMNS;
    const columns = min(COLUMNS, width - column);
    packRight(from + (<usize>column << 2), 4, <usize>width << 2, columns, depth, to + <usize>panel * pitch);
  }
}

/** Packs [R | W] as right panels over all gates; the columns of W begin a panel. */
export function packStepWeights(thread: i32, threads: i32, gates: i32): void {
  const hidden = argument(RecurrenceGrad.hidden);
  const depth = gates * hidden;
  const pitch = <usize>depth * RIGHT_STEP;
  const toInputs = address(RecurrenceGrad.weights) + <usize>panelsOf(hidden) * pitch;
  packColumnsOf(thread, threads, address(RecurrenceGrad.R), hidden, depth, address(RecurrenceGrad.weights), pitch);
  if (address(RecurrenceGrad.dX) === 0) return;
  packColumnsOf(thread, threads, address(RecurrenceGrad.W), argument(RecurrenceGrad.inputSize), depth, toInputs, pitch);
}

/** Where a unit stands in the right panels of a gate. */
@inline
export function rightPlace(unit: i32, pitch: i32): usize {
  return <usize>(unit / COLUMNS) * <usize>pitch * RIGHT_STEP + (<usize>(unit % COLUMNS) << 2);
}

/** Bytes from a gate's right panels to the next one's. */
@inline
export function rightGateBytes(pitch: i32): usize {
  return <usize>(panelsOf(argument(RecurrenceGrad.hidden)) * pitch) * RIGHT_STEP;
}

/** Bytes of a row of units, in whole panels. */
@inline
export function unitBytes(): usize {
  return <usize>panelsOf(argument(RecurrenceGrad.hidden)) * RIGHT_STEP;
}

/** Panels of x in the product of a step, where its gradient is wanted. */
@inline
export function inputPanels(): i32 {
  return address(RecurrenceGrad.dX) === 0 ? 0 : panelsOf(argument(RecurrenceGrad.inputSize));
}

/** Panels of the product of a step: those of h, then those of x. */
@inline
export function productPanels(): i32 {
  return panelsOf(argument(RecurrenceGrad.hidden)) + inputPanels();
}

/** In a block's room: gate gradients of the step; the sums of their product, those for h first; room for another row of units of each row. */
@inline
export function sumsOf(block: i32): usize {
  return aligned(blockRoom(block) + <usize>(argument(RecurrenceGrad.gradientCount) * argument(RecurrenceGrad.hidden)) * LEFT_STEP);
}

@inline
export function otherRows(block: i32): usize {
  return aligned(sumsOf(block) + <usize>(ROWS * productPanels()) * RIGHT_STEP);
}

/** In a thread's room: a row of zeros, and behind it room for the gate gradients of a block that nobody collects. */
@inline
export function uncollected(zeros: usize): usize {
  return aligned(zeros + unitBytes());
}

/** Whether the gradient of a weight is wanted. */
@inline
export function wantsWeights(): bool {
  return address(RecurrenceGrad.sums) !== 0;
}

/** Rows of a gate's right panels. */
@inline
export function rightRows(): i32 {
  return wantsWeights() ? collectedPitch() : ROWS;
}

/** Where the gate gradients of a block's step go. */
@inline
export function rightOf(row: i32, zeros: usize): usize {
  return wantsWeights() ? address(RecurrenceGrad.right) + <usize>row * RIGHT_STEP : uncollected(zeros);
}

/** Copies what the product of a step gave for x of `active` rows. */
export function writeInputs(step: i32, first: i32, active: i32, sums: usize): void {
  const dX = address(RecurrenceGrad.dX);
  if (dX === 0) return;
  const batch = argument(RecurrenceGrad.batch);
  const inputSize = argument(RecurrenceGrad.inputSize);
  const reverse = argument(RecurrenceGrad.reverse) !== 0;
  const sumBytes = <usize>productPanels() * RIGHT_STEP;
  sums += unitBytes();
  for (let lane = 0; lane < active; lane++) {
    const p = first + lane;
    const t = reverse ? lengthOf(p) - 1 - step : step;
    const to = dX + (<usize>((t * batch + rowOf(p)) * inputSize) << 2);
    copyLasting(to, sums + <usize>lane * sumBytes, inputSize);
  }
}
