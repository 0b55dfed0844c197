/**
 * The LSTM, by the way of `forward.ts`. A step is a product
 * [1 | x | h] · [B | W | R]ᵀ for eight units at a time, whose sums are activated while they are in the cache. What `gates` and `cells` hold
 * is the same as on the CPU backend but for the order of the gates: i, o, f, c, each over all units.
 */
import { lasting, loadPart, madd, past, sigmoid, storeTwo, storeUnits, tanh } from "../lanes";
import { packColumns, transpose } from "../packing";
import { LEFT_STEP, multiplyTwo, RIGHT_STEP } from "../panels";
import { Lstm, ROWS, TARGET_BYTES, UNITS } from "../protocol";
import { address, argument } from "../team";
import { activeAt, firstRow, gatherRows, lengthOf, scatterRows, wordsBefore } from "./blocks";
import { closeOperands, keptOf, openOperands, openStep, operandOf, stateIn, stretchEnd, stretchStart } from "./forward";

/** Bytes from one gate's sums to the next, and from one row's to the next. */
const GATE_SUMS: usize = 32;
const ROW_SUMS: usize = 128;

@inline
function groupsOf(hidden: i32): i32 {
  return (hidden + UNITS - 1) / UNITS;
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

/** Adds what an id gives to the gates of up to eight units of a row; `given` is where its first gate has them. */
@inline
function addGiven(sums: usize, given: usize, hidden: i32, count: i32): void {
  for (let gate = 0; gate < 4; gate++, sums += GATE_SUMS, given += <usize>hidden << 2) {
    const low = f32x4.add(v128.load(sums), loadPart(given, count));
    storeTwo(sums, low, f32x4.add(v128.load(sums, 16), loadPart(given + 16, count - 4)));
  }
}

/** Eight units of one row: from the sums of the gates to the new cells. o stays where its sums were. */
@inline
function updateCells(sums: usize, given: usize, cellsNow: usize, gates: usize, cells: usize, hidden: i32): void {
  if (given !== 0) addGiven(sums, given, hidden, UNITS);
  const i = sigmoid(v128.load(sums));
  const i2 = sigmoid(v128.load(sums, 16));
  const o = sigmoid(v128.load(sums, GATE_SUMS));
  const o2 = sigmoid(v128.load(sums, GATE_SUMS + 16));
  const f = sigmoid(v128.load(sums, 2 * GATE_SUMS));
  const f2 = sigmoid(v128.load(sums, 2 * GATE_SUMS + 16));
  const g = tanh(v128.load(sums, 3 * GATE_SUMS));
  const g2 = tanh(v128.load(sums, 3 * GATE_SUMS + 16));
  const c = lasting(madd(f, v128.load(cellsNow), f32x4.mul(i, g)));
  const c2 = lasting(madd(f2, v128.load(cellsNow, 16), f32x4.mul(i2, g2)));
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

/** Then from the cells to h, which goes to y and to where the sums were. */
@inline
function updateOutputs(sums: usize, cellsNow: usize, y: usize): void {
  const h = lasting(f32x4.mul(v128.load(sums, GATE_SUMS), tanh(v128.load(cellsNow))));
  const h2 = lasting(f32x4.mul(v128.load(sums, GATE_SUMS + 16), tanh(v128.load(cellsNow, 16))));
  storeTwo(sums, h, h2);
  if (y !== 0) storeTwo(y, h, h2);
}

/** Eight units of a block's rows; `cellBytes` from one row's cells to the next. */
function updateAllCells(rows: i32, sums: usize, cellsNow: usize, cellBytes: usize, target: usize, at: usize, hidden: i32): void {
  for (; rows > 0; rows--, sums += ROW_SUMS, cellsNow += cellBytes, target += TARGET_BYTES) {
    const given = past(load<usize>(target, 12), at);
    updateCells(sums, given, cellsNow, past(load<usize>(target, 4), at), past(load<usize>(target, 8), at), hidden);
  }
}

function updateAllOutputs(rows: i32, sums: usize, cellsNow: usize, cellBytes: usize, target: usize, at: usize): void {
  for (; rows > 0; rows--, sums += ROW_SUMS, cellsNow += cellBytes, target += TARGET_BYTES) {
    updateOutputs(sums, cellsNow, past(load<usize>(target), at));
  }
}

/** Copies the first `count` of eight units; nothing where there is nowhere to write. */
function copyUnits(from: usize, to: usize, count: i32): void {
  if (to !== 0) storeUnits(to, v128.load(from), v128.load(from, 16), count);
}

/** A block's last units, fewer than eight: gates and outputs stay where the sums were until they are copied. `own` is room for a target. */
function updateLast(rows: i32, count: i32, sums: usize, cellsNow: usize, cellBytes: usize, target: usize, at: usize, own: usize): void {
  const hidden = argument(Lstm.hidden);
  memory.fill(own, 0, TARGET_BYTES);
  for (; rows > 0; rows--, sums += ROW_SUMS, cellsNow += cellBytes, target += TARGET_BYTES) {
    const given = past(load<usize>(target, 12), at);
    if (given !== 0) addGiven(sums, given, hidden, count);
    store<usize>(own, sums, 4);
    updateAllCells(1, sums, cellsNow, cellBytes, own, 0, UNITS);
    let gates = past(load<usize>(target, 4), at);
    for (let gate: usize = 0; gate < 4; gate++, gates = past(gates, <usize>hidden << 2)) copyUnits(sums + gate * GATE_SUMS, gates, count);
    copyUnits(cellsNow, past(load<usize>(target, 8), at), count);
    updateAllOutputs(1, sums, cellsNow, cellBytes, own, 0);
    copyUnits(sums, past(load<usize>(target), at), count);
  }
}

/** Packs the weights. */
export function packLstm(thread: i32, threads: i32): void {
  packWeights(thread, threads, argument(Lstm.hidden), argument(Lstm.inputSize), address(Lstm.W), address(Lstm.R), address(Lstm.B), address(Lstm.weights));
}

/** Takes a block through its next stretch. */
export function advance(block: i32, sums: usize): void {
  const inputSize = argument(Lstm.inputSize);
  const hidden = argument(Lstm.hidden);
  const gates = address(Lstm.gates);
  const cells = address(Lstm.cells);
  const weights = address(Lstm.weights);
  const first = firstRow(block);
  const end = firstRow(block + 1);
  const depth = 1 + inputSize + hidden;
  const groups = groupsOf(hidden);
  const cellBytes = <usize>(groups * UNITS) << 2;
  const cellsNow = keptOf(block);
  // Of each row: where this step's y, gates and cells go. Behind them is room for one more.
  const targets = sums + <usize>ROWS * ROW_SUMS;

  const from = stretchStart(block);
  const to = stretchEnd(block);
  if (from === 0) {
    openOperands(block);
    gatherRows(address(Lstm.initialC), cellsNow, cellBytes, first, end);
  }
  let activeInAll = activeAt(from);
  let start = wordsBefore(from);
  let active = end - first;
  for (let step = from; step < to; step++, start += activeInAll) {
    while (lengthOf(activeInAll - 1) <= step) activeInAll--;
    active = min(active, activeInAll - first);
    const now = operandOf(block, step);
    const next = stateIn(operandOf(block, step + 1));
    openStep(block, step, active, targets);
    for (let lane = 0; lane < active; lane++) {
      const word = start + first + lane;
      const target = targets + <usize>lane * TARGET_BYTES;
      store<usize>(target, past(gates, <usize>(word * 4 * hidden) << 2), 4);
      store<usize>(target, past(cells, <usize>(word * hidden) << 2), 8);
    }
    for (let group = 0; group < groups; group++) {
      const unit = group * UNITS;
      const count = hidden - unit;
      const at = <usize>unit << 2;
      const right = weights + <usize>(group * 2 * depth) * RIGHT_STEP;
      const nextOperand = next + <usize>unit * LEFT_STEP;
      multiplyTwo(active, now, right, depth, sums, RIGHT_STEP, ROW_SUMS);
      if (count < UNITS) {
        updateLast(active, count, sums, cellsNow + at, cellBytes, targets, at, targets + <usize>ROWS * TARGET_BYTES);
      } else {
        // All cells before all outputs: what waits for the same long calculation stands far apart.
        updateAllCells(active, sums, cellsNow + at, cellBytes, targets, at, hidden);
        updateAllOutputs(active, sums, cellsNow + at, cellBytes, targets, at);
      }
      transpose(sums, ROW_SUMS, active, UNITS, nextOperand);
    }
  }
  if (to < lengthOf(first)) return;
  closeOperands(block);
  scatterRows(cellsNow, address(Lstm.c), cellBytes, first, end);
}
