/**
 * The way of every recurrence forward. A thread takes a block of rows through a stretch of steps, and then takes another one. In its room a block has
 * the operands of this step and of the next, [1 | x | h], and behind them what the recurrence keeps from step to step. States that fade are dropped below
 * 2⁻¹⁰⁰ in size (`lasting`), as gradients are on the way back.
 */
import { aligned, loadPart, past, storeTwo } from "../lanes";
import { packColumns } from "../packing";
import { LEFT_STEP, RIGHT_STEP } from "../panels";
import { COLUMNS, RecurrenceForward, TARGET_BYTES } from "../protocol";
import { address, argument } from "../team";
import { blockRoom, clearEnds, firstRow, lengthOf, rowOf, stretchesLeft } from "./blocks";

/** Steps of a stretch: some ten microseconds each, which is what threads may wait for each other at the end. */
const STRETCH: i32 = 8;
/** So many blocks are taken as a whole: to look for one among them takes long. */
const MANY_BLOCKS: i32 = 256;

@inline
function stepsOfStretch(): i32 {
  return argument(RecurrenceForward.blocks) < MANY_BLOCKS ? STRETCH : argument(RecurrenceForward.time);
}

/** Stretches of a block; one whose rows are all empty has one too, for its final state. */
@inline
export function stretchesOf(block: i32): i32 {
  const steps = stepsOfStretch();
  return max(1, (lengthOf(firstRow(block)) + steps - 1) / steps);
}

/** The first step of a block's next stretch, and the end of it. */
export function stretchStart(block: i32): i32 {
  return (stretchesOf(block) - stretchesLeft(block)) * stepsOfStretch();
}

export function stretchEnd(block: i32): i32 {
  return min(stretchStart(block) + stepsOfStretch(), lengthOf(firstRow(block)));
}

/** Bytes from a block's operand of one step to that of the next: units are written by whole panels. */
export function operandBytes(): usize {
  const hidden = argument(RecurrenceForward.hidden);
  return <usize>(1 + argument(RecurrenceForward.inputSize) + upToPanel(hidden)) * LEFT_STEP;
}

/** So many columns are whole panels. */
@inline
export function upToPanel(columns: i32): i32 {
  return ((columns + COLUMNS - 1) / COLUMNS) * COLUMNS;
}

/** A block's operand of a step. */
export function operandOf(block: i32, step: i32): usize {
  return blockRoom(block) + (step & 1 ? operandBytes() : 0);
}

/** What a block keeps from step to step. */
export function keptOf(block: i32): usize {
  return aligned(blockRoom(block) + 2 * operandBytes());
}

/** Where h begins in an operand. */
@inline
export function stateIn(operand: usize): usize {
  return operand + <usize>(1 + argument(RecurrenceForward.inputSize)) * LEFT_STEP;
}

/**
 * Packs [B | W | R] of up to sixteen units, which are the rows from `row` on, as a right panel. The recurrent bias is added to B where the two are only
 * summed.
 */
export function packUnits(row: i32, count: i32, withRecurrentBias: bool, to: usize): void {
  const hidden = argument(RecurrenceForward.hidden);
  const inputSize = argument(RecurrenceForward.inputSize);
  const recurrentBias = address(RecurrenceForward.recurrentBias);
  const inputRow = <usize>inputSize << 2;
  const stateRow = <usize>hidden << 2;
  const W = address(RecurrenceForward.W) + <usize>row * inputRow;
  const R = address(RecurrenceForward.R) + <usize>row * stateRow;
  packColumns(address(RecurrenceForward.B) + (<usize>row << 2), 4, 0, count, COLUMNS, 1, to);
  if (withRecurrentBias && recurrentBias !== 0) {
    for (let unit = 0; unit < count; unit++) {
      const at = to + (<usize>unit << 2);
      store<f32>(at, load<f32>(at) + load<f32>(recurrentBias + (<usize>(row + unit) << 2)));
    }
  }
  to += RIGHT_STEP;
  packColumns(W, inputRow, 4, count, COLUMNS, inputSize, to);
  packColumns(R, stateRow, 4, count, COLUMNS, hidden, to + <usize>inputSize * RIGHT_STEP);
}

/** Copies x of a step to the lanes of `active` rows, and notes where y of each goes; and where W has what its id gives, 0 where X are no ids. */
export function openStep(block: i32, step: i32, active: i32, targets: usize): void {
  const batch = argument(RecurrenceForward.batch);
  const inputSize = argument(RecurrenceForward.inputSize);
  const hidden = argument(RecurrenceForward.hidden);
  const reverse = argument(RecurrenceForward.reverse) !== 0;
  const y = address(RecurrenceForward.y);
  const idBytes = address(RecurrenceForward.idBytes);
  const first = firstRow(block);
  let operand = operandOf(block, step);
  for (let p = first; p < first + active; p++, operand += 4, targets += TARGET_BYTES) {
    const place = (reverse ? lengthOf(p) - 1 - step : step) * batch + rowOf(p);
    store<usize>(targets, past(y, <usize>(place * hidden) << 2));
    let given: usize = 0;
    if (idBytes !== 0) {
      const id = load<u32>(address(RecurrenceForward.X) + (<usize>place << 2));
      given = address(RecurrenceForward.W) + <usize>id * idBytes;
    }
    store<usize>(targets, given, 12);
    let input = address(RecurrenceForward.X) + (<usize>(place * inputSize) << 2);
    let lane = operand;
    for (let d = 0; d < inputSize; d++) {
      lane += LEFT_STEP;
      store<f32>(lane, load<f32>(input));
      input += 4;
    }
  }
}

/** Adds what ids give to up to sixteen sums of each row; `at` is where these begin in a row of W, `count` how many there are from there on. */
export function addGiven(rows: i32, sums: usize, targets: usize, at: usize, count: i32): void {
  if (argument(RecurrenceForward.idBytes) === 0) return;
  for (; rows > 0; rows--, sums += RIGHT_STEP, targets += TARGET_BYTES) {
    const given = load<usize>(targets, 12) + at;
    for (let unit: usize = 0; <i32>unit < min(COLUMNS, count); unit += 8) {
      const to = sums + (unit << 2);
      const low = f32x4.add(v128.load(to), loadPart(given + (unit << 2), count - <i32>unit));
      storeTwo(to, low, f32x4.add(v128.load(to, 16), loadPart(given + (unit << 2) + 16, count - <i32>unit - 4)));
    }
  }
}

/** The block's operands before the first step: 1 and the initial h. */
export function openOperands(block: i32): void {
  const hidden = argument(RecurrenceForward.hidden);
  const initialH = address(RecurrenceForward.initialH);
  let now = operandOf(block, 0);
  let next = operandOf(block, 1);
  for (let p = firstRow(block); p < firstRow(block + 1); p++, now += 4, next += 4) {
    store<f32>(now, 1);
    store<f32>(next, 1);
    let from = initialH + (<usize>(rowOf(p) * hidden) << 2);
    let to = stateIn(now);
    for (let j = 0; j < hidden; j++, to += LEFT_STEP, from += 4) store<f32>(to, initialH !== 0 ? load<f32>(from) : 0);
  }
}

/** Writes the final h of the block's rows, and zeros past their ends in y. */
export function closeOperands(block: i32): void {
  const hidden = argument(RecurrenceForward.hidden);
  const h = address(RecurrenceForward.h);
  const y = address(RecurrenceForward.y);
  const first = firstRow(block);
  const end = firstRow(block + 1);
  if (y !== 0) clearEnds(y, hidden, first, end);
  if (h === 0) return;
  for (let p = first; p < end; p++) {
    // The step at `length - 1` wrote to the operand of the next.
    let from = stateIn(operandOf(block, lengthOf(p)) + (<usize>(p - first) << 2));
    let to = h + (<usize>(rowOf(p) * hidden) << 2);
    for (let j = 0; j < hidden; j++, from += LEFT_STEP, to += 4) store<f32>(to, load<f32>(from));
  }
}
