/**
 * The LSTM, forward. Each thread has rows of its own and takes them through all steps without waiting for anybody. A step is a product
 * [1 | x | h] · [B | W | R]ᵀ for eight units at a time, whose sums are activated while they are in the cache. What `gates` and `cells` hold
 * is the same as on the CPU backend but for the order of the gates: i, o, f, c, each over all units.
 */
import { aligned, madd, past, scatter, sigmoid, storePart, tanh } from "./lanes";
import { packRight } from "./packing";
import { blocksOf, COLUMNS, LEFT_STEP, multiplyTwo, panelsOf, RIGHT_STEP, ROWS } from "./panels";
import { address, argument, barrier } from "./team";

/** Bytes from one gate's block of sums to the next. */
const GATE_SUMS: usize = 192;

/** Rows of a batch that belong to a thread: every `threads`-th of them, so that long and short ones are spread evenly. */
@inline
export function ownRows(rows: i32, thread: i32, threads: i32): i32 {
  return rows <= thread ? 0 : (rows - thread + threads - 1) / threads;
}

/** Address of row `own` of a left panel set. */
@inline
export function leftRow(panels: usize, own: i32, depth: i32): usize {
  return panels + <usize>(own / ROWS) * <usize>depth * LEFT_STEP + (<usize>(own % ROWS) << 2);
}

/** Packs [B | W | R]: for each eight units four right panels, one a gate. */
function packWeights(thread: i32, threads: i32, hidden: i32, inputSize: i32, w: usize, r: usize, b: usize, to: usize): void {
  const depth = 1 + inputSize + hidden;
  const panel = <usize>depth * RIGHT_STEP;
  const groups = panelsOf(hidden);
  for (let group = thread; group < groups; group += threads) {
    const unit = group * COLUMNS;
    const units = min(COLUMNS, hidden - unit);
    for (let gate = 0; gate < 4; gate++) {
      const row = <usize>(gate * hidden + unit) << 2;
      const at = to + <usize>(group * 4 + gate) * panel;
      packRight(b + row, 4, 0, units, 1, at);
      packRight(w + row * <usize>inputSize, <usize>inputSize << 2, 4, units, inputSize, at + RIGHT_STEP);
      packRight(r + row * <usize>hidden, <usize>hidden << 2, 4, units, hidden, at + <usize>(1 + inputSize) * RIGHT_STEP);
    }
  }
}

/** Four units of one row: sums of the gates in; new cells, outputs and the next product's operand out. */
@inline
function activate(sums: usize, cellsNow: usize, next: usize, y: usize, gates: usize, cells: usize, hidden: i32, count: i32): void {
  const i = sigmoid(v128.load(sums));
  const o = sigmoid(v128.load(sums + GATE_SUMS));
  const f = sigmoid(v128.load(sums + 2 * GATE_SUMS));
  const g = tanh(v128.load(sums + 3 * GATE_SUMS));
  const c = madd(f, v128.load(cellsNow), f32x4.mul(i, g));
  const h = f32x4.mul(o, tanh(c));
  v128.store(cellsNow, c);
  scatter(next, h, LEFT_STEP, count);
  if (y !== 0) storePart(y, h, count);
  if (gates !== 0) {
    const stride = <usize>hidden << 2;
    storePart(gates, i, count);
    storePart(gates + stride, o, count);
    storePart(gates + 2 * stride, f, count);
    storePart(gates + 3 * stride, g, count);
  }
  if (cells !== 0) storePart(cells, c, count);
}

export function lstm(thread: i32, threads: i32): void {
  const time = argument(0);
  const batch = argument(1);
  const inputSize = argument(2);
  const hidden = argument(3);
  const reverse = argument(4) !== 0;
  const x = address(5);
  const initialH = address(9);
  const initialC = address(10);
  const y = address(11);
  const gates = address(14);
  const cells = address(15);
  const order = address(16);
  const lengths = address(17);
  const weights = address(18);
  const own = ownRows(batch, thread, threads);
  const depth = 1 + inputSize + hidden;
  const groups = panelsOf(hidden);
  const panelBytes = <usize>blocksOf(own) * <usize>depth * LEFT_STEP;
  const cellBytes = <usize>(groups * COLUMNS) << 2;
  const weightPanel = <usize>depth * RIGHT_STEP;
  // This thread's room: the operand of this step and of the next, the cells, the sums of a block.
  const room = address(19) + <usize>thread * <usize>argument(20);
  const cellsNow = aligned(room + 2 * panelBytes);
  const sums = aligned(cellsNow + <usize>own * cellBytes);

  packWeights(thread, threads, hidden, inputSize, address(6), address(7), address(8), weights);
  for (let q = 0; q < own; q++) {
    const row = <usize>load<i32>(order + (<usize>(q * threads + thread) << 2));
    const at = leftRow(room, q, depth);
    store<f32>(at, 1);
    store<f32>(at + panelBytes, 1);
    for (let j = 0; j < hidden; j++) {
      const from = (row * <usize>hidden + <usize>j) << 2;
      store<f32>(at + <usize>(1 + inputSize + j) * LEFT_STEP, initialH !== 0 ? load<f32>(initialH + from) : 0);
      store<f32>(cellsNow + <usize>q * cellBytes + (<usize>j << 2), initialC !== 0 ? load<f32>(initialC + from) : 0);
    }
  }
  barrier(thread, threads);

  let active = own;
  let activeInAll = batch;
  let start = 0;
  for (let step = 0; step < time; step++, start += activeInAll) {
    while (activeInAll > 0 && load<i32>(lengths + (<usize>(activeInAll - 1) << 2)) <= step) activeInAll--;
    active = ownRows(activeInAll, thread, threads);
    if (active === 0) break;
    const now = room + (step & 1 ? panelBytes : 0);
    const next = room + (step & 1 ? 0 : panelBytes);
    for (let q = 0; q < active; q++) {
      const p = q * threads + thread;
      const t = reverse ? load<i32>(lengths + (<usize>p << 2)) - 1 - step : step;
      let from = x + (<usize>((t * batch + load<i32>(order + (<usize>p << 2))) * inputSize) << 2);
      let to = leftRow(now, q, depth);
      for (let d = 0; d < inputSize; d++) {
        to += LEFT_STEP;
        store<f32>(to, load<f32>(from));
        from += 4;
      }
    }
    for (let group = 0; group < groups; group++) {
      const unit = group * COLUMNS;
      const count = min(4, hidden - unit);
      const rest = min(4, hidden - unit - 4);
      const panel = weights + <usize>(group * 4) * weightPanel;
      for (let first = 0; first < active; first += ROWS) {
        const rows = min(ROWS, active - first);
        const left = leftRow(now, first, depth);
        for (let gate: usize = 0; gate < 4; gate += 2) {
          const right = panel + gate * weightPanel;
          const to = sums + gate * GATE_SUMS;
          multiplyTwo(rows, left, right, right + weightPanel, depth, to, to + GATE_SUMS, RIGHT_STEP);
        }
        for (let lane = 0; lane < rows; lane++) {
          const q = first + lane;
          const p = q * threads + thread;
          const t = reverse ? load<i32>(lengths + (<usize>p << 2)) - 1 - step : step;
          const row = load<i32>(order + (<usize>p << 2));
          const s = sums + <usize>lane * RIGHT_STEP;
          const c = cellsNow + <usize>q * cellBytes + (<usize>unit << 2);
          const h = leftRow(next, q, depth) + <usize>(1 + inputSize + unit) * LEFT_STEP;
          const toY = past(y, <usize>((t * batch + row) * hidden + unit) << 2);
          const toGates = past(gates, <usize>((start + p) * 4 * hidden + unit) << 2);
          const toCells = past(cells, <usize>((start + p) * hidden + unit) << 2);
          activate(s, c, h, toY, toGates, toCells, hidden, count);
          if (rest <= 0) continue;
          const second = h + 4 * LEFT_STEP;
          activate(s + 16, c + 16, second, past(toY, 16), past(toGates, 16), past(toCells, 16), hidden, rest);
        }
      }
    }
  }
  if (y !== 0) clearEnds(y, hidden, thread, threads);
  writeFinal(thread, threads, room, panelBytes, cellsNow, cellBytes, depth);
}

/** Writes zeros [time, batch, width] past the end of each own row. */
export function clearEnds(to: usize, width: i32, thread: i32, threads: i32): void {
  const time = argument(0);
  const batch = argument(1);
  const order = address(16);
  const lengths = address(17);
  for (let p = thread; p < batch; p += threads) {
    for (let t = load<i32>(lengths + (<usize>p << 2)); t < time; t++) {
      const row = t * batch + load<i32>(order + (<usize>p << 2));
      memory.fill(to + (<usize>(row * width) << 2), 0, <usize>width << 2);
    }
  }
}

function writeFinal(
  thread: i32,
  threads: i32,
  room: usize,
  panelBytes: usize,
  cellsNow: usize,
  cellBytes: usize,
  depth: i32,
): void {
  const inputSize = argument(2);
  const hidden = argument(3);
  const h = address(12);
  const c = address(13);
  const own = ownRows(argument(1), thread, threads);
  for (let q = 0; q < own; q++) {
    const at = <usize>(q * threads + thread) << 2;
    const to = <usize>(load<i32>(address(16) + at) * hidden) << 2;
    // The step at `length - 1` wrote to the operand of the next.
    const last = room + (load<i32>(address(17) + at) & 1 ? panelBytes : 0);
    const from = leftRow(last, q, depth) + <usize>(1 + inputSize) * LEFT_STEP;
    for (let j = 0; j < hidden; j++) {
      if (h !== 0) store<f32>(h + to + (<usize>j << 2), load<f32>(from + <usize>j * LEFT_STEP));
    }
    if (c !== 0) memory.copy(c + to, cellsNow + <usize>q * cellBytes, <usize>hidden << 2);
  }
}
