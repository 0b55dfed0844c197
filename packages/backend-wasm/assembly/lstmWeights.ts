/**
 * The gradients of the LSTM's weights: gate gradients of many rows are collected beside their [1 | x | h], and products of the two are added up,
 * each sum in the order of the rows.
 */
import { lengthOf, rowOf } from "./blocks";
import { BLOCK, blocksOf, COLUMNS, LEFT_STEP, multiply, panelsOf, RIGHT_STEP, ROWS } from "./panels";
import { address, argument } from "./team";

/**
 * Rows of a panel of collected ones: one more than it needs, as a power of two would put the lines of all panels on the same few places of the
 * cache.
 */
@inline
export function collectedPitch(): i32 {
  return argument(25) + 1;
}

/** Panels of columns: those of the four gates. */
@inline
export function columnPanels(): i32 {
  return 4 * panelsOf(argument(3));
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
  const batch = argument(1);
  const inputSize = argument(2);
  const hidden = argument(3);
  const reverse = argument(4) !== 0;
  const stride = <usize>hidden << 2;
  for (let start = 0; start < end; start += active, step--) {
    while (active < batch && lengthOf(active) > step) active++;
    for (let p = max(0, first - start); p < min(active, end - start); p++) {
      const t = reverse ? lengthOf(p) - 1 - step : step;
      const to = address(26) + <usize>(start + p) * LEFT_STEP;
      store<f32>(to, 1);
      collect(address(5) + (<usize>((t * batch + rowOf(p)) * inputSize) << 2), inputSize, to, 1);
      const initialH = address(8) === 0 ? zeros : address(8) + <usize>rowOf(p) * stride;
      const previous = address(10) + <usize>((reverse ? t + 1 : t - 1) * batch + rowOf(p)) * stride;
      collect(step > 0 ? previous : initialH, hidden, to, 1 + inputSize);
    }
  }
}

/** Adds the products of the collected rows to the sums of a panel of columns. */
export function multiplyCollected(panel: i32, rows: i32): void {
  const blocks = blocksOf(1 + argument(2) + argument(3));
  const leftBytes = <usize>collectedPitch() * LEFT_STEP;
  const right = address(27) + <usize>(panel * collectedPitch()) * RIGHT_STEP;
  let sums = address(28) + <usize>(panel * blocks) * BLOCK;
  for (let block = 0; block < blocks; block++, sums += BLOCK) {
    multiply(ROWS, address(26) + <usize>block * leftBytes, right, rows, sums, RIGHT_STEP, true);
  }
}

/** Sets the sums of this thread's panels of columns to zero. */
export function clearSums(thread: i32, threads: i32): void {
  const bytes = <usize>blocksOf(1 + argument(2) + argument(3)) * BLOCK;
  for (let panel = thread; panel < columnPanels(); panel += threads) {
    memory.fill(address(28) + <usize>panel * bytes, 0, bytes);
  }
}

/** Writes the gradients of the weights from the sums of this thread's columns. */
export function writeWeights(thread: i32, threads: i32): void {
  const inputSize = argument(2);
  const hidden = argument(3);
  const groups = panelsOf(hidden);
  const blocks = blocksOf(1 + inputSize + hidden);
  const dW = address(29);
  const dR = address(30);
  const dB = address(31);
  for (let panel = thread; panel < 4 * groups; panel += threads) {
    const unit = (panel % groups) * COLUMNS;
    const columns = min(COLUMNS, hidden - unit);
    const sums = address(28) + <usize>(panel * blocks) * BLOCK;
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
