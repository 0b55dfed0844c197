/**
 * The gradients of a recurrence's weights: gate gradients of many rows are collected beside the numbers that their gates met, [h | 1 | x], and products of
 * the two are added up, each sum in the order of the rows. Most gates met all of these. Where a gate has its product with R by itself, what came from
 * x and what came from the state may have gradients of their own, or the state is another one, which stands behind: [h | 1 | x | state].
 */
import { copyOneLasting } from "../lanes";
import { blocksOf, LEFT_STEP, multiply, panelsOf, RIGHT_STEP } from "../panels";
import { BLOCK_BYTES, COLUMNS, RecurrenceGrad, ROWS } from "../protocol";
import { address, argument } from "../team";
import { lengthOf, rowOf } from "./blocks";

/**
 * Rows of a panel of collected ones: one more than it needs, as a power of two would put the lines of all panels on the same few places of the
 * cache.
 */
@inline
export function collectedPitch(): i32 {
  return argument(RecurrenceGrad.chunk) + 1;
}

/** Panels of columns: those of all gate gradients. */
@inline
export function columnPanels(): i32 {
  return argument(RecurrenceGrad.gradientCount) * panelsOf(argument(RecurrenceGrad.hidden));
}

/** Where the 1 stands among what gates met. */
@inline
function one(): i32 {
  return argument(RecurrenceGrad.hidden);
}

/** Where another state begins. */
@inline
export function otherState(): i32 {
  return argument(RecurrenceGrad.hidden) + 1 + argument(RecurrenceGrad.inputSize);
}

/** The numbers that a gate gradient is multiplied with: the first of them, and the end. Gradients past those of W's gates are of what came from h alone. */
@inline
function firstMet(gradient: i32): i32 {
  return gradient < argument(RecurrenceGrad.wholeGates) || gradient >= argument(RecurrenceGrad.gateCount) ? 0 : one();
}

@inline
function endMet(gradient: i32): i32 {
  if (gradient < argument(RecurrenceGrad.wholeGates)) return otherState();
  return gradient < argument(RecurrenceGrad.gateCount) ? argument(RecurrenceGrad.features) : one() + 1;
}

/** Copies `size` numbers to the left panels of the collected rows, from column `column` on, by whole panels where it can. */
export function collect(from: usize, size: i32, panels: usize, column: i32): void {
  const panelBytes = <usize>collectedPitch() * LEFT_STEP;
  const end = from + (<usize>size << 2);
  let lane = <usize>(column % ROWS) << 2;
  let to = panels + <usize>(column / ROWS) * panelBytes;
  while (from < end) {
    if (lane === 0 && from + LEFT_STEP <= end) {
      v128.store(to, v128.load(from));
      store<i64>(to, load<i64>(from, 16), 16);
      from += LEFT_STEP;
      to += panelBytes;
      continue;
    }
    store<f32>(to + lane, load<f32>(from));
    from += 4;
    lane += 4;
    if (lane === LEFT_STEP) {
      lane = 0;
      to += panelBytes;
    }
  }
}

/** Where a collected row begins. */
@inline
export function collectedRow(row: i32): usize {
  return address(RecurrenceGrad.left) + <usize>row * LEFT_STEP;
}

/** Collects [h | 1 | x] of rows from `first` to `end`, of those of the steps from `step` down, at which `active` rows run. */
export function collectInputs(step: i32, active: i32, first: i32, end: i32, zeros: usize): void {
  const batch = argument(RecurrenceGrad.batch);
  const inputSize = argument(RecurrenceGrad.inputSize);
  const hidden = argument(RecurrenceGrad.hidden);
  const reverse = argument(RecurrenceGrad.reverse) !== 0;
  const given = address(RecurrenceGrad.initialH);
  const stride = <usize>hidden << 2;
  const toOne = <usize>(one() / ROWS) * <usize>collectedPitch() * LEFT_STEP + (<usize>(one() % ROWS) << 2);
  for (let start = 0; start < end; start += active, step--) {
    while (active < batch && lengthOf(active) > step) active++;
    for (let p = max(0, first - start); p < min(active, end - start); p++) {
      const t = reverse ? lengthOf(p) - 1 - step : step;
      const to = collectedRow(start + p);
      const initialH = given === 0 ? zeros : given + <usize>rowOf(p) * stride;
      const previous = address(RecurrenceGrad.y) + <usize>((reverse ? t + 1 : t - 1) * batch + rowOf(p)) * stride;
      collect(step > 0 ? previous : initialH, hidden, to, 0);
      store<f32>(to + toOne, 1);
      collect(address(RecurrenceGrad.X) + (<usize>((t * batch + rowOf(p)) * inputSize) << 2), inputSize, to, one() + 1);
    }
  }
}

/** Adds the products of the collected rows to the sums of a panel of columns. */
export function multiplyCollected(panel: i32, rows: i32): void {
  const blocks = blocksOf(argument(RecurrenceGrad.features));
  const leftBytes = <usize>collectedPitch() * LEFT_STEP;
  const right = address(RecurrenceGrad.right) + <usize>(panel * collectedPitch()) * RIGHT_STEP;
  const gradient = panel / panelsOf(argument(RecurrenceGrad.hidden));
  const end = blocksOf(endMet(gradient));
  let block = firstMet(gradient) / ROWS;
  let sums = address(RecurrenceGrad.sums) + <usize>(panel * blocks + block) * BLOCK_BYTES;
  for (; block < end; block++, sums += BLOCK_BYTES) {
    multiply(ROWS, address(RecurrenceGrad.left) + <usize>block * leftBytes, right, rows, sums, RIGHT_STEP, true);
  }
}

/** Sets the sums of this thread's panels of columns to zero. */
export function clearSums(thread: i32, threads: i32): void {
  const bytes = <usize>blocksOf(argument(RecurrenceGrad.features)) * BLOCK_BYTES;
  for (let panel = thread; panel < columnPanels(); panel += threads) {
    memory.fill(address(RecurrenceGrad.sums) + <usize>panel * bytes, 0, bytes);
  }
}

/** Writes `count` sums of a column, without what is too small; nothing where `to` is 0. */
function write(from: usize, count: i32, to: usize): void {
  if (to !== 0) for (; count > 0; count--, to += 4, from += RIGHT_STEP) copyOneLasting(to, from);
}

/** The address of row `row` of a gradient whose rows have `width` numbers; 0 where it is not wanted. */
@inline
function rowAt(gradient: usize, row: i32, width: i32): usize {
  return gradient === 0 ? gradient : gradient + (<usize>(row * width) << 2);
}

/** Writes the gradients of the weights from the sums of this thread's columns. */
export function writeWeights(thread: i32, threads: i32): void {
  const inputSize = argument(RecurrenceGrad.inputSize);
  const hidden = argument(RecurrenceGrad.hidden);
  const gateCount = argument(RecurrenceGrad.gateCount);
  const wholeGates = argument(RecurrenceGrad.wholeGates);
  const features = argument(RecurrenceGrad.features);
  const groups = panelsOf(hidden);
  const bytes = <usize>blocksOf(features) * BLOCK_BYTES;
  for (let panel = thread; panel < columnPanels(); panel += threads) {
    const gradient = panel / groups;
    const fromInput = gradient < gateCount;
    const otherMet = features > otherState();
    const fromState = gradient < wholeGates || !fromInput || otherMet;
    // The last gradients are those of the last gates, once more.
    const gate = fromInput ? gradient : gradient - (gateCount - wholeGates);
    const unit = (panel % groups) * COLUMNS;
    const columns = min(COLUMNS, hidden - unit);
    for (let column = 0; column < columns; column++) {
      const row = gate * hidden + unit + column;
      const from = address(RecurrenceGrad.sums) + <usize>panel * bytes + (<usize>column << 2);
      const bias = from + <usize>one() * RIGHT_STEP;
      if (fromInput) {
        write(bias, 1, rowAt(address(RecurrenceGrad.dB), row, 1));
        write(bias + RIGHT_STEP, inputSize, rowAt(address(RecurrenceGrad.dW), row, inputSize));
      }
      if (fromState) {
        const state = fromInput && gradient >= wholeGates ? otherState() : 0;
        write(bias, 1, rowAt(address(RecurrenceGrad.dRecurrentBias), row, 1));
        write(from + <usize>state * RIGHT_STEP, hidden, rowAt(address(RecurrenceGrad.dR), row, hidden));
      }
    }
  }
}
