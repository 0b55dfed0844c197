/**
 * The gradient of the LSTM. Blocks of rows go backwards through some steps; a step turns the cotangents of outputs and cells into those of the
 * gates, and one product with [R | W] takes these to the step before and to x. Gate gradients are collected beside their [1 | x | h];
 * whenever enough rows are there, all threads meet and add up products of them to the gradients of B, W and R, by columns.
 */
import { aligned, loadPart, storeTwo } from "../lanes";
import { packRight, transpose } from "../packing";
import { LEFT_STEP, multiply, panelsOf, RIGHT_STEP } from "../panels";
import { COLUMNS, LstmGrad, ROWS } from "../protocol";
import { takeTask, taskAt } from "../shares";
import { address, argument, barrier, tick } from "../team";
import { activeAt, blockRoom, clearEnds, firstRow, lengthOf, rowOf, threadRoom } from "./blocks";
import { clearSums, collectedPitch, collectInputs, columnPanels, multiplyCollected, writeWeights } from "./lstmWeights";

/** tanh(c) of h = o · tanh(c); where o is 0, nothing that it is multiplied with is not. */
@inline
function tanhOfCell(h: v128, o: v128): v128 {
  return v128.andnot(f32x4.div(h, o), f32x4.eq(o, f32x4.splat(0)));
}

/** d · a · (1 - a): through the sigmoid that gave a. */
@inline
function throughSigmoid(d: v128, a: v128): v128 {
  return f32x4.mul(f32x4.mul(d, a), f32x4.sub(f32x4.splat(1), a));
}

/** d · (1 - a²): through the tanh that gave a. */
@inline
function throughTanh(d: v128, a: v128): v128 {
  return f32x4.mul(d, f32x4.sub(f32x4.splat(1), f32x4.mul(a, a)));
}

/**
 * One row's step, eight units: new cotangents of the cells, and the gate gradients, as a row of right panels. `gates` and `right` hold i, o, f
 * and c, `gate` and `rightGate` bytes apart.
 */
@inline
function gateGradients(
  y: usize,
  gates: usize,
  gate: usize,
  before: usize,
  dY: usize,
  dH: usize,
  dC: usize,
  right: usize,
  rightGate: usize,
): void {
  const i = v128.load(gates);
  const i2 = v128.load(gates, 16);
  const o = v128.load(gates + gate);
  const o2 = v128.load(gates + gate, 16);
  const f = v128.load(gates + 2 * gate);
  const f2 = v128.load(gates + 2 * gate, 16);
  const g = v128.load(gates + 3 * gate);
  const g2 = v128.load(gates + 3 * gate, 16);
  const a = tanhOfCell(v128.load(y), o);
  const a2 = tanhOfCell(v128.load(y, 16), o2);
  const dh = f32x4.add(v128.load(dH), v128.load(dY));
  const dh2 = f32x4.add(v128.load(dH, 16), v128.load(dY, 16));
  const dc = f32x4.add(v128.load(dC), throughTanh(f32x4.mul(dh, o), a));
  const dc2 = f32x4.add(v128.load(dC, 16), throughTanh(f32x4.mul(dh2, o2), a2));
  const df = throughSigmoid(f32x4.mul(dc, v128.load(before)), f);
  const df2 = throughSigmoid(f32x4.mul(dc2, v128.load(before, 16)), f2);
  storeTwo(dC, f32x4.mul(dc, f), f32x4.mul(dc2, f2));
  storeTwo(right, throughSigmoid(f32x4.mul(dc, g), i), throughSigmoid(f32x4.mul(dc2, g2), i2));
  storeTwo(right + rightGate, throughSigmoid(f32x4.mul(dh, a), o), throughSigmoid(f32x4.mul(dh2, a2), o2));
  storeTwo(right + 2 * rightGate, df, df2);
  storeTwo(right + 3 * rightGate, throughTanh(f32x4.mul(dc, i), g), throughTanh(f32x4.mul(dc2, i2), g2));
}

/** The same of `count` units, at most four. */
function fewGateGradients(
  y: usize,
  gates: usize,
  gate: usize,
  before: usize,
  dY: usize,
  dH: usize,
  dC: usize,
  right: usize,
  rightGate: usize,
  count: i32,
): void {
  const i = loadPart(gates, count);
  const o = loadPart(gates + gate, count);
  const f = loadPart(gates + 2 * gate, count);
  const g = loadPart(gates + 3 * gate, count);
  const a = tanhOfCell(loadPart(y, count), o);
  const dh = f32x4.add(v128.load(dH), loadPart(dY, count));
  const dc = f32x4.add(v128.load(dC), throughTanh(f32x4.mul(dh, o), a));
  v128.store(dC, f32x4.mul(dc, f));
  v128.store(right, throughSigmoid(f32x4.mul(dc, g), i));
  v128.store(right + rightGate, throughSigmoid(f32x4.mul(dh, a), o));
  v128.store(right + 2 * rightGate, throughSigmoid(f32x4.mul(dc, loadPart(before, count)), f));
  v128.store(right + 3 * rightGate, throughTanh(f32x4.mul(dc, i), g));
}

/** Gate gradients of `rows` rows, side by side in right panels, as the left operand of a product. */
function packGateGradients(right: usize, rightPitch: i32, rows: i32, left: usize): void {
  const hidden = argument(LstmGrad.hidden);
  const whole = hidden & ~3;
  for (let gate = 0; gate < 4; gate++, right += rightGateBytes(rightPitch)) {
    let unit = 0;
    for (; unit < whole; unit += COLUMNS) {
      transpose(right + rightPlace(unit, rightPitch), RIGHT_STEP, rows, min(COLUMNS, whole - unit), left + <usize>unit * LEFT_STEP);
    }
    for (unit = whole; unit < hidden; unit++) {
      const from = right + rightPlace(unit, rightPitch);
      const to = left + <usize>unit * LEFT_STEP;
      for (let row: usize = 0; row < <usize>rows; row++) store<f32>(to + (row << 2), load<f32>(from + row * RIGHT_STEP));
    }
    left += <usize>hidden * LEFT_STEP;
  }
}

/** Packs [R | W] as right panels over the gates; the columns of W begin a panel. */
function packWeights(thread: i32, threads: i32, hidden: i32, inputSize: i32, w: usize, r: usize, to: usize): void {
  const depth = 4 * hidden;
  const panel = <usize>depth * RIGHT_STEP;
  const own = panelsOf(hidden);
  const all = own + (address(LstmGrad.dX) === 0 ? 0 : panelsOf(inputSize));
  for (let index = thread; index < all; index += threads) {
    const isInput = index >= own;
    const column = (isInput ? index - own : index) * COLUMNS;
    const width = isInput ? inputSize : hidden;
    const columns = min(COLUMNS, width - column);
    const from = (isInput ? w : r) + (<usize>column << 2);
    packRight(from, 4, <usize>width << 2, columns, depth, to + <usize>index * panel);
  }
}

/** Rows [hidden] of a block, `stride` bytes apart, from [batch, hidden]; zeros where there is nothing to read. */
function gatherRows(from: usize, to: usize, stride: usize, first: i32, end: i32): void {
  const bytes = <usize>argument(LstmGrad.hidden) << 2;
  for (let p = first; p < end; p++, to += stride) {
    memory.fill(to, 0, stride);
    if (from !== 0) memory.copy(to, from + <usize>rowOf(p) * bytes, bytes);
  }
}

function scatterRows(from: usize, to: usize, stride: usize, first: i32, end: i32): void {
  const bytes = <usize>argument(LstmGrad.hidden) << 2;
  if (to !== 0) for (let p = first; p < end; p++, from += stride) memory.copy(to + <usize>rowOf(p) * bytes, from, bytes);
}

/** Where a unit stands in the right panels of a gate. */
@inline
function rightPlace(unit: i32, pitch: i32): usize {
  return <usize>(unit / COLUMNS) * <usize>pitch * RIGHT_STEP + (<usize>(unit % COLUMNS) << 2);
}

/** Bytes from a gate's right panels to the next one's. */
@inline
function rightGateBytes(pitch: i32): usize {
  return <usize>(panelsOf(argument(LstmGrad.hidden)) * pitch) * RIGHT_STEP;
}

/** Bytes of a row of units, in whole panels. */
@inline
function unitBytes(): usize {
  return <usize>panelsOf(argument(LstmGrad.hidden)) * RIGHT_STEP;
}

/** Panels of the product of a step: those of h, then those of x where its gradient is wanted. */
@inline
function productPanels(): i32 {
  return panelsOf(argument(LstmGrad.hidden)) + (address(LstmGrad.dX) === 0 ? 0 : panelsOf(argument(LstmGrad.inputSize)));
}

/** In a block's room: gate gradients of the step; the sums of their product, those for h first; the cotangents of the cells. */
@inline
function sumsOf(block: i32): usize {
  return aligned(blockRoom(block) + <usize>(4 * argument(LstmGrad.hidden)) * LEFT_STEP);
}

@inline
function cellCotangents(block: i32): usize {
  return aligned(sumsOf(block) + <usize>(ROWS * productPanels()) * RIGHT_STEP);
}

/**
 * Takes a block through the steps from `step` down to `last`. At `step` so many rows run in all; `start`: words of all steps before it; `zeros`: a
 * row of them, and behind it room for gate gradients that nobody collects.
 */
function retreat(block: i32, step: i32, last: i32, activeInAll: i32, start: i32, zeros: usize): void {
  const batch = argument(LstmGrad.batch);
  const inputSize = argument(LstmGrad.inputSize);
  const hidden = argument(LstmGrad.hidden);
  const reverse = argument(LstmGrad.reverse) !== 0;
  const initialC = address(LstmGrad.initialC);
  const y = address(LstmGrad.y);
  const gates = address(LstmGrad.gates);
  const cells = address(LstmGrad.cells);
  const dY = address(LstmGrad.dY);
  const dX = address(LstmGrad.dX);
  const weights = address(LstmGrad.weights);
  const wantsWeights = address(LstmGrad.sums) !== 0;
  const first = firstRow(block);
  const end = firstRow(block + 1);
  const depth = 4 * hidden;
  const panels = productPanels();
  const weightPanel = <usize>depth * RIGHT_STEP;
  const hiddenBytes = unitBytes();
  const sumBytes = <usize>panels * RIGHT_STEP;
  const rightPitch = wantsWeights ? collectedPitch() : ROWS;
  const rightGate = rightGateBytes(rightPitch);
  const gateStride = <usize>hidden << 2;
  const left = blockRoom(block);
  const sums = sumsOf(block);
  const dC = cellCotangents(block);
  const unread = aligned(zeros + hiddenBytes);

  let collected = 0;
  for (; step >= last; step--) {
    tick();
    while (activeInAll < batch && lengthOf(activeInAll) > step) activeInAll++;
    let before = activeInAll;
    while (before < batch && lengthOf(before) > step - 1) before++;
    const active = min(end, activeInAll) - first;
    const rows = wantsWeights ? address(LstmGrad.right) + <usize>(collected + first) * RIGHT_STEP : unread;
    for (let lane = 0; lane < active; lane++) {
      const p = first + lane;
      const row = rowOf(p);
      const t = reverse ? lengthOf(p) - 1 - step : step;
      const place = <usize>(t * batch + row);
      const toY = y + place * gateStride;
      const gate = gates + <usize>(start + p) * 4 * gateStride;
      const initial = initialC === 0 ? zeros : initialC + <usize>row * gateStride;
      const cell = step > 0 ? cells + <usize>(start - before + p) * gateStride : initial;
      const cotangent = dY === 0 ? zeros : dY + place * gateStride;
      const dh = sums + <usize>lane * sumBytes;
      const dc = dC + <usize>lane * hiddenBytes;
      const right = rows + <usize>lane * RIGHT_STEP;
      let unit = 0;
      for (; unit + 8 <= hidden; unit += 8) {
        const at = <usize>unit << 2;
        const toRight = right + rightPlace(unit, rightPitch);
        gateGradients(toY + at, gate + at, gateStride, cell + at, cotangent + at, dh + at, dc + at, toRight, rightGate);
      }
      for (; unit < hidden; unit += 4) {
        const at = <usize>unit << 2;
        const toRight = right + rightPlace(unit, rightPitch);
        const count = min(4, hidden - unit);
        fewGateGradients(toY + at, gate + at, gateStride, cell + at, cotangent + at, dh + at, dc + at, toRight, rightGate, count);
      }
    }
    collected += activeInAll;
    start -= before;
    if (active <= 0) continue;
    packGateGradients(rows, rightPitch, active, left);
    for (let panel = 0; panel < panels; panel++) {
      const right = weights + <usize>panel * weightPanel;
      multiply(active, left, right, depth, sums + <usize>panel * RIGHT_STEP, sumBytes, false);
    }
    if (dX === 0) continue;
    for (let lane = 0; lane < active; lane++) {
      const p = first + lane;
      const t = reverse ? lengthOf(p) - 1 - step : step;
      const to = dX + (<usize>((t * batch + rowOf(p)) * inputSize) << 2);
      memory.copy(to, sums + <usize>lane * sumBytes + hiddenBytes, <usize>inputSize << 2);
    }
  }
}

/** In turns: threads take blocks back through as many steps as there is room to collect, meet, and add up products of what was collected. */
export function lstmGrad(thread: i32, threads: i32): void {
  const batch = argument(LstmGrad.batch);
  const inputSize = argument(LstmGrad.inputSize);
  const hidden = argument(LstmGrad.hidden);
  const blocks = argument(LstmGrad.blocks);
  const dX = address(LstmGrad.dX);
  const chunk = argument(LstmGrad.chunk);
  const wantsWeights = address(LstmGrad.sums) !== 0;
  const columns = columnPanels();
  const sumBytes = <usize>productPanels() * RIGHT_STEP;
  const hiddenBytes = unitBytes();
  const zeros = threadRoom(thread);

  packWeights(thread, threads, hidden, inputSize, address(LstmGrad.W), address(LstmGrad.R), address(LstmGrad.weights));
  memory.fill(zeros, 0, hiddenBytes);
  // Of each block and each panel of columns: how often it was taken.
  const blocksTaken = address(LstmGrad.states);
  const columnsTaken = blocksTaken + (<usize>blocks << 2);
  if (thread === 0) memory.fill(blocksTaken, 0, <usize>(blocks + columns) << 2);
  for (let block = thread; block < blocks; block += threads) {
    const first = firstRow(block);
    const end = firstRow(block + 1);
    gatherRows(address(LstmGrad.dH), sumsOf(block), sumBytes, first, end);
    gatherRows(address(LstmGrad.dC), cellCotangents(block), hiddenBytes, first, end);
    if (dX !== 0) clearEnds(dX, inputSize, first, end);
  }
  if (wantsWeights) clearSums(thread, threads);
  if (!barrier(thread, threads)) return;

  let turn = 0;
  let start = argument(LstmGrad.steps);
  for (let step = lengthOf(0) - 1; step >= 0; ) {
    // As many steps as the collected rows have room for.
    let last = step;
    const first = activeAt(step);
    let collected = first;
    start -= first;
    const begin = start;
    for (let active = first; last > 0; last--) {
      while (active < batch && lengthOf(active) > last - 1) active++;
      if (wantsWeights && collected + active > chunk) break;
      collected += active;
      start -= active;
    }
    let place = takeTask(blocksTaken, blocks, turn, thread, threads, 0);
    for (; place >= 0; place = takeTask(blocksTaken, blocks, turn, thread, threads, place + 1)) {
      retreat(taskAt(place, blocks, thread, threads), step, last, first, begin, zeros);
    }
    if (wantsWeights) {
      const from = <i32>((<i64>collected * thread) / threads);
      collectInputs(step, first, from, <i32>((<i64>collected * (thread + 1)) / threads), zeros);
      if (!barrier(thread, threads)) return;
      place = takeTask(columnsTaken, columns, turn, thread, threads, 0);
      for (; place >= 0; place = takeTask(columnsTaken, columns, turn, thread, threads, place + 1)) {
        multiplyCollected(taskAt(place, columns, thread, threads), collected);
      }
    }
    if (!barrier(thread, threads)) return;
    turn++;
    step = last - 1;
  }
  if (wantsWeights) writeWeights(thread, threads);
  for (let block = thread; block < blocks; block += threads) {
    const first = firstRow(block);
    const end = firstRow(block + 1);
    scatterRows(sumsOf(block), address(LstmGrad.dInitialH), sumBytes, first, end);
    scatterRows(cellCotangents(block), address(LstmGrad.dInitialC), hiddenBytes, first, end);
  }
}
