/**
 * The gradients of the LSTM's weights: gate gradients of many rows are collected beside their [1 | x | h], and products of the two are added up,
 * each sum in the order of the rows.
 */
import { blocksOf, LEFT_STEP, multiply, panelsOf, RIGHT_STEP } from "../panels";
import { BLOCK_BYTES, COLUMNS, LstmGrad, ROWS } from "../protocol";
import { address, argument } from "../team";
import { lengthOf, rowOf } from "./blocks";

/**
 * Rows of a panel of collected ones: one more than it needs, as a power of two would put the lines of all panels on the same few places of the
 * cache.
 */
@inline
export function collectedPitch(): i32 {
  return argument(LstmGrad.chunk) + 1;
}

/** Panels of columns: those of the four gates. */
@inline
export function columnPanels(): i32 {
  return 4 * panelsOf(argument(LstmGrad.hidden));
}

/** Copies `size` numbers to the left panels of the collected rows, from column `column` on, by whole panels where it can. */
function collect(from: usize, size: i32, panels: usize, column: i32): void {
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

/** Collects [1 | x | h] of rows from `first` to `end`, of those of the steps from `step` down, at which `active` rows run. */
export function collectInputs(step: i32, active: i32, first: i32, end: i32, zeros: usize): void {
  const batch = argument(LstmGrad.batch);
  const inputSize = argument(LstmGrad.inputSize);
  const hidden = argument(LstmGrad.hidden);
  const reverse = argument(LstmGrad.reverse) !== 0;
  const stride = <usize>hidden << 2;
  for (let start = 0; start < end; start += active, step--) {
    while (active < batch && lengthOf(active) > step) active++;
    for (let p = max(0, first - start); p < min(active, end - start); p++) {
      const t = reverse ? lengthOf(p) - 1 - step : step;
      const to = address(LstmGrad.left) + <usize>(start + p) * LEFT_STEP;
      store<f32>(to, 1);
      collect(address(LstmGrad.X) + (<usize>((t * batch + rowOf(p)) * inputSize) << 2), inputSize, to, 1);
      const initialH = address(LstmGrad.initialH) === 0 ? zeros : address(LstmGrad.initialH) + <usize>rowOf(p) * stride;
      const previous = address(LstmGrad.y) + <usize>((reverse ? t + 1 : t - 1) * batch + rowOf(p)) * stride;
      collect(step > 0 ? previous : initialH, hidden, to, 1 + inputSize);
    }
  }
}

/** Adds the products of the collected rows to the sums of a panel of columns. */
export function multiplyCollected(panel: i32, rows: i32): void {
  const blocks = blocksOf(1 + argument(LstmGrad.inputSize) + argument(LstmGrad.hidden));
  const leftBytes = <usize>collectedPitch() * LEFT_STEP;
  const right = address(LstmGrad.right) + <usize>(panel * collectedPitch()) * RIGHT_STEP;
  let sums = address(LstmGrad.sums) + <usize>(panel * blocks) * BLOCK_BYTES;
  for (let block = 0; block < blocks; block++, sums += BLOCK_BYTES) {
    multiply(ROWS, address(LstmGrad.left) + <usize>block * leftBytes, right, rows, sums, RIGHT_STEP, true);
  }
}

/** Sets the sums of this thread's panels of columns to zero. */
export function clearSums(thread: i32, threads: i32): void {
  const bytes = <usize>blocksOf(1 + argument(LstmGrad.inputSize) + argument(LstmGrad.hidden)) * BLOCK_BYTES;
  for (let panel = thread; panel < columnPanels(); panel += threads) {
    memory.fill(address(LstmGrad.sums) + <usize>panel * bytes, 0, bytes);
  }
}

/** Writes the gradients of the weights from the sums of this thread's columns. */
export function writeWeights(thread: i32, threads: i32): void {
  const inputSize = argument(LstmGrad.inputSize);
  const hidden = argument(LstmGrad.hidden);
  const groups = panelsOf(hidden);
  const blocks = blocksOf(1 + inputSize + hidden);
  const dW = address(LstmGrad.dW);
  const dR = address(LstmGrad.dR);
  const dB = address(LstmGrad.dB);
  for (let panel = thread; panel < 4 * groups; panel += threads) {
    const unit = (panel % groups) * COLUMNS;
    const columns = min(COLUMNS, hidden - unit);
    const sums = address(LstmGrad.sums) + <usize>(panel * blocks) * BLOCK_BYTES;
    for (let column = 0; column < columns; column++) {
      const row = (panel / groups) * hidden + unit + column;
      let from = sums + (<usize>column << 2);
      if (dB !== 0) store<f32>(dB + (<usize>row << 2), load<f32>(from));
      from += RIGHT_STEP;
      let to = dW + (<usize>(row * inputSize) << 2);
      for (let d = 0; d < inputSize; d++, to += 4, from += RIGHT_STEP) if (dW !== 0) store<f32>(to, load<f32>(from));
      if (dR === 0) continue;
      to = dR + (<usize>(row * hidden) << 2);
      for (let d = 0; d < hidden; d++, to += 4, from += RIGHT_STEP) store<f32>(to, load<f32>(from));
    }
  }
}
