/**
 * The simple recurrent network, by the way of `forward.ts`. A step is a product [1 | x | h] · [B | W | R]ᵀ for sixteen units at a time, whose sums are
 * activated while they are in the cache.
 */
import { lasting, past, storeTwo, storeUnits, tanh } from "../lanes";
import { transpose } from "../packing";
import { LEFT_STEP, multiply, panelsOf, RIGHT_STEP } from "../panels";
import { BLOCK_BYTES, COLUMNS, Rnn, TARGET_BYTES } from "../protocol";
import { address, argument } from "../team";
import { activeAt, firstRow, lengthOf } from "./blocks";
import { addGiven, closeOperands, openOperands, openStep, operandOf, packUnits, stateIn, stretchEnd, stretchStart } from "./forward";

/** Up to sixteen units of a block's rows: from their sums to h, which goes to y and to where the sums were. `at` is where the units begin in a row. */
function activate(rows: i32, sums: usize, targets: usize, at: usize, count: i32): void {
  const relu = argument(Rnn.relu) !== 0;
  for (; rows > 0; rows--, targets += TARGET_BYTES) {
    const y = past(load<usize>(targets), at);
    for (let unit = 0; unit < COLUMNS; unit += 8, sums += 32) {
      const h = v128.load(sums);
      const h2 = v128.load(sums, 16);
      if (relu) storeTwo(sums, lasting(f32x4.max(h, f32x4.splat(0))), lasting(f32x4.max(h2, f32x4.splat(0))));
      else storeTwo(sums, lasting(tanh(h)), lasting(tanh(h2)));
      if (y !== 0) storeUnits(y + (<usize>unit << 2), v128.load(sums), v128.load(sums, 16), count - unit);
    }
  }
}

/** Packs the weights, a panel for sixteen units. */
export function packRnn(thread: i32, threads: i32): void {
  const hidden = argument(Rnn.hidden);
  const panelBytes = <usize>(1 + argument(Rnn.inputSize) + hidden) * RIGHT_STEP;
  for (let panel = thread; panel < panelsOf(hidden); panel += threads) {
    const unit = panel * COLUMNS;
    packUnits(unit, min(COLUMNS, hidden - unit), true, address(Rnn.weights) + <usize>panel * panelBytes);
  }
}

/** Takes a block through its next stretch. */
export function advance(block: i32, sums: usize): void {
  const hidden = argument(Rnn.hidden);
  const first = firstRow(block);
  const depth = 1 + argument(Rnn.inputSize) + hidden;
  const panels = panelsOf(hidden);
  // Of each row: where this step's y goes.
  const targets = sums + BLOCK_BYTES;

  const from = stretchStart(block);
  const to = stretchEnd(block);
  if (from === 0) openOperands(block);
  let activeInAll = activeAt(from);
  let active = firstRow(block + 1) - first;
  for (let step = from; step < to; step++) {
    while (lengthOf(activeInAll - 1) <= step) activeInAll--;
    active = min(active, activeInAll - first);
    const now = operandOf(block, step);
    const next = stateIn(operandOf(block, step + 1));
    openStep(block, step, active, targets);
    for (let panel = 0; panel < panels; panel++) {
      const unit = panel * COLUMNS;
      const at = <usize>unit << 2;
      multiply(active, now, address(Rnn.weights) + <usize>(panel * depth) * RIGHT_STEP, depth, sums, RIGHT_STEP, false);
      addGiven(active, sums, targets, at, hidden - unit);
      activate(active, sums, targets, at, hidden - unit);
      transpose(sums, RIGHT_STEP, active, COLUMNS, next + <usize>unit * LEFT_STEP);
    }
  }
  if (to === lengthOf(first)) closeOperands(block);
}
