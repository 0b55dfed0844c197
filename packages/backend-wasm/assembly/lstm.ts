/**
 * The LSTM, forward. Each thread has rows of its own and takes them through all steps without waiting for anybody. A step is a product
 * [1 | x | h] · [B | W | R]ᵀ for eight units at a time, whose sums are activated while they are in the cache. What `gates` and `cells` hold
 * is the same as on the CPU backend but for the order of the gates: i, o, f, c, each over all units.
 */
import { aligned, madd, past, scatter, sigmoid, storePart, storeTwo, tanh } from "./lanes";
import { copyEight, packColumns } from "./packing";
import { blocksOf, LEFT_STEP, multiply, RIGHT_STEP, ROWS } from "./panels";
import { address, argument, barrier } from "./team";

/** Units whose four gates are two right panels: i and o, f and c. */
const UNITS: i32 = 8;
/** Bytes from one gate's sums to the next, and from one row's to the next. */
const GATE_SUMS: usize = 32;
const ROW_SUMS: usize = 128;
/** Bytes of a row's three addresses. */
const TARGET: usize = 12;

@inline
function groupsOf(hidden: i32): i32 {
  return (hidden + UNITS - 1) / UNITS;
}

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

/** Packs [B | W | R]: for each eight units two right panels, each of two gates. */
function packWeights(thread: i32, threads: i32, hidden: i32, inputSize: i32, w: usize, r: usize, b: usize, to: usize): void {
  const depth = 1 + inputSize + hidden;
  const panel = <usize>depth * RIGHT_STEP;
  const groups = groupsOf(hidden);
  for (let group = thread; group < groups; group += threads) {
    const unit = group * UNITS;
    const count = min(UNITS, hidden - unit);
    for (let gate = 0; gate < 4; gate++) {
      const row = <usize>(gate * hidden + unit) << 2;
      let at = to + <usize>(group * 2 + (gate >> 1)) * panel + <usize>(gate & 1) * GATE_SUMS;
      packColumns(b + row, 4, 0, count, UNITS, 1, at);
      at += RIGHT_STEP;
      packColumns(w + row * <usize>inputSize, <usize>inputSize << 2, 4, count, UNITS, inputSize, at);
      at += <usize>inputSize * RIGHT_STEP;
      packColumns(r + row * <usize>hidden, <usize>hidden << 2, 4, count, UNITS, hidden, at);
    }
  }
}

/** Eight units of one row: from the sums of the gates to the new cells. o stays where its sums were. */
@inline
function updateCells(sums: usize, cellsNow: usize, gates: usize, cells: usize, hidden: i32): void {
  const i = sigmoid(v128.load(sums));
  const i2 = sigmoid(v128.load(sums, 16));
  const o = sigmoid(v128.load(sums, GATE_SUMS));
  const o2 = sigmoid(v128.load(sums, GATE_SUMS + 16));
  const f = sigmoid(v128.load(sums, 2 * GATE_SUMS));
  const f2 = sigmoid(v128.load(sums, 2 * GATE_SUMS + 16));
  const g = tanh(v128.load(sums, 3 * GATE_SUMS));
  const g2 = tanh(v128.load(sums, 3 * GATE_SUMS + 16));
  const c = madd(f, v128.load(cellsNow), f32x4.mul(i, g));
  const c2 = madd(f2, v128.load(cellsNow, 16), f32x4.mul(i2, g2));
  storeTwo(cellsNow, c, c2);
  storeTwo(sums + GATE_SUMS, o, o2);
  if (gates !== 0) {
    const stride = <usize>hidden << 2;
    storeTwo(gates, i, i2);
    storeTwo(gates + stride, o, o2);
    storeTwo(gates + 2 * stride, f, f2);
    storeTwo(gates + 3 * stride, g, g2);
  }
  if (cells !== 0) storeTwo(cells, c, c2);
}

/** Then from the cells to h, which goes to y and to the next product's operand. */
@inline
function updateOutputs(sums: usize, cellsNow: usize, next: usize, y: usize): void {
  const h = f32x4.mul(v128.load(sums, GATE_SUMS), tanh(v128.load(cellsNow)));
  const h2 = f32x4.mul(v128.load(sums, GATE_SUMS + 16), tanh(v128.load(cellsNow, 16)));
  storeTwo(sums, h, h2);
  if (y !== 0) storeTwo(y, h, h2);
  copyEight(next, sums);
}

/** Both for `count` units, at most four. */
function updateFew(sums: usize, cellsNow: usize, next: usize, y: usize, gates: usize, cells: usize, hidden: i32, count: i32): void {
  const i = sigmoid(v128.load(sums));
  const o = sigmoid(v128.load(sums, GATE_SUMS));
  const f = sigmoid(v128.load(sums, 2 * GATE_SUMS));
  const g = tanh(v128.load(sums, 3 * GATE_SUMS));
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

/** A block's last units, fewer than eight. */
function updateLast(rows: i32, count: i32, sums: usize, cellsNow: usize, next: usize, target: usize, at: usize): void {
  const hidden = argument(3);
  const cellBytes = <usize>(groupsOf(hidden) * UNITS) << 2;
  for (let lane = 0; lane < rows; lane++) {
    for (let unit = 0; unit < count; unit += 4) {
      const offset = <usize>unit << 2;
      updateFew(
        sums + offset,
        cellsNow + offset,
        next + <usize>unit * LEFT_STEP,
        past(load<usize>(target), at + offset),
        past(load<usize>(target, 4), at + offset),
        past(load<usize>(target, 8), at + offset),
        hidden,
        min(4, count - unit),
      );
    }
    sums += ROW_SUMS;
    cellsNow += cellBytes;
    next += 4;
    target += TARGET;
  }
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
  const groups = groupsOf(hidden);
  const panelBytes = <usize>blocksOf(own) * <usize>depth * LEFT_STEP;
  const cellBytes = <usize>(groups * UNITS) << 2;
  const weightPanel = <usize>depth * RIGHT_STEP;
  // This thread's room: the operand of this step and of the next, the cells, the sums of a block.
  const room = address(19) + <usize>thread * <usize>argument(20);
  const cellsNow = aligned(room + 2 * panelBytes);
  const sums = aligned(cellsNow + <usize>own * cellBytes);
  // Of each own row: where this step's y, gates and cells go.
  const targets = sums + <usize>ROWS * ROW_SUMS;

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
      const place = t * batch + load<i32>(order + (<usize>p << 2));
      const target = targets + <usize>q * TARGET;
      store<usize>(target, past(y, <usize>(place * hidden) << 2));
      store<usize>(target, past(gates, <usize>((start + p) * 4 * hidden) << 2), 4);
      store<usize>(target, past(cells, <usize>((start + p) * hidden) << 2), 8);
      let from = x + (<usize>(place * inputSize) << 2);
      let to = leftRow(now, q, depth);
      for (let d = 0; d < inputSize; d++) {
        to += LEFT_STEP;
        store<f32>(to, load<f32>(from));
        from += 4;
      }
    }
    for (let group = 0; group < groups; group++) {
      const unit = group * UNITS;
      const count = hidden - unit;
      const at = <usize>unit << 2;
      const right = weights + <usize>(group * 2) * weightPanel;
      for (let first = 0; first < active; first += ROWS) {
        const rows = min(ROWS, active - first);
        const left = leftRow(now, first, depth);
        const nextOperand = leftRow(next, first, depth) + <usize>(1 + inputSize + unit) * LEFT_STEP;
        const target = targets + <usize>first * TARGET;
        multiply(rows, left, right, depth, sums, ROW_SUMS, false);
        multiply(rows, left, right + weightPanel, depth, sums + RIGHT_STEP, ROW_SUMS, false);
        if (count < UNITS) {
          updateLast(rows, count, sums, cellsNow + <usize>first * cellBytes + at, nextOperand, target, at);
          continue;
        }
        // All cells before all outputs: what waits for the same long calculation stands far apart.
        for (let lane = 0; lane < rows; lane++) {
          const to = target + <usize>lane * TARGET;
          const c = cellsNow + <usize>(first + lane) * cellBytes + at;
          const toGates = past(load<usize>(to, 4), at);
          updateCells(sums + <usize>lane * ROW_SUMS, c, toGates, past(load<usize>(to, 8), at), hidden);
        }
        for (let lane = 0; lane < rows; lane++) {
          const toY = past(load<usize>(target + <usize>lane * TARGET), at);
          const c = cellsNow + <usize>(first + lane) * cellBytes + at;
          updateOutputs(sums + <usize>lane * ROW_SUMS, c, nextOperand + (<usize>lane << 2), toY);
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
