/**
 * The gradient of the LSTM. Steps go backwards, each thread with rows of its own; a step turns the cotangents of outputs and cells into those
 * of the gates, and one product with [R | W] takes these to the step before and to x. Gate gradients are collected beside their
 * [1 | x | h]; whenever enough rows are there, all threads meet and add up products of them to the gradients of B, W and R, by columns.
 */
import { aligned, loadPart, past, scatter, storeTwo } from "./lanes";
import { clearEnds, leftRow, ownRows } from "./lstm";
import { copyEight, packRight } from "./packing";
import { BLOCK, blocksOf, COLUMNS, LEFT_STEP, multiply, panelsOf, RIGHT_STEP, ROWS } from "./panels";
import { address, argument, barrier } from "./team";

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
 * One row's step, eight units: new cotangents of the cells, and the gate gradients for both products. `gates` and `right` hold i, o, f and c,
 * `gate` and `rightGate` bytes apart; `left` has every number LEFT_STEP from the one before.
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
  left: usize,
  leftGate: usize,
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
  copyEight(left, right);
  copyEight(left + leftGate, right + rightGate);
  copyEight(left + 2 * leftGate, right + 2 * rightGate);
  copyEight(left + 3 * leftGate, right + 3 * rightGate);
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
  left: usize,
  leftGate: usize,
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
  const di = throughSigmoid(f32x4.mul(dc, g), i);
  const dO = throughSigmoid(f32x4.mul(dh, a), o);
  const df = throughSigmoid(f32x4.mul(dc, loadPart(before, count)), f);
  const dg = throughTanh(f32x4.mul(dc, i), g);
  v128.store(dC, f32x4.mul(dc, f));
  scatter(left, di, LEFT_STEP, count);
  scatter(left + leftGate, dO, LEFT_STEP, count);
  scatter(left + 2 * leftGate, df, LEFT_STEP, count);
  scatter(left + 3 * leftGate, dg, LEFT_STEP, count);
  v128.store(right, di);
  v128.store(right + rightGate, dO);
  v128.store(right + 2 * rightGate, df);
  v128.store(right + 3 * rightGate, dg);
}

/** Packs [R | W] as right panels over the gates; the columns of W begin a panel. */
function packWeights(thread: i32, threads: i32, hidden: i32, inputSize: i32, w: usize, r: usize, to: usize): void {
  const depth = 4 * hidden;
  const panel = <usize>depth * RIGHT_STEP;
  const own = panelsOf(hidden);
  const all = own + (address(14) === 0 ? 0 : panelsOf(inputSize));
  for (let index = thread; index < all; index += threads) {
    const isInput = index >= own;
    const column = (isInput ? index - own : index) * COLUMNS;
    const width = isInput ? inputSize : hidden;
    const columns = min(COLUMNS, width - column);
    const from = (isInput ? w : r) + (<usize>column << 2);
    packRight(from, 4, <usize>width << 2, columns, depth, to + <usize>index * panel);
  }
}

/** Copies `size` numbers to a left panel of the collected rows, beginning with column `column`. */
@inline
function collect(from: usize, size: i32, panels: usize, column: i32, panelBytes: usize): void {
  let lane = column % ROWS;
  let to = panels + <usize>(column / ROWS) * panelBytes + (<usize>lane << 2);
  for (let d = 0; d < size; d++) {
    store<f32>(to, from === 0 ? 0 : load<f32>(from + (<usize>d << 2)));
    to += 4;
    if (++lane === ROWS) {
      lane = 0;
      to += panelBytes - LEFT_STEP;
    }
  }
}

/** Adds the products of the collected rows to the sums of this thread's columns. */
function multiplyCollected(thread: i32, threads: i32, rows: i32): void {
  const hidden = argument(3);
  const pitch = argument(23) + 1;
  const blocks = blocksOf(1 + argument(2) + hidden);
  const panels = 4 * panelsOf(hidden);
  if (rows === 0) return;
  const leftBytes = <usize>pitch * LEFT_STEP;
  const rightBytes = <usize>pitch * RIGHT_STEP;
  for (let panel = thread; panel < panels; panel += threads) {
    const right = address(25) + <usize>panel * rightBytes;
    let sums = address(26) + <usize>(panel * blocks) * BLOCK;
    for (let block = 0; block < blocks; block++, sums += BLOCK) {
      multiply(ROWS, address(24) + <usize>block * leftBytes, right, rows, sums, RIGHT_STEP, true);
    }
  }
}

/** Writes the gradients of the weights from the sums of this thread's columns. */
function writeWeights(thread: i32, threads: i32): void {
  const inputSize = argument(2);
  const hidden = argument(3);
  const groups = panelsOf(hidden);
  const blocks = blocksOf(1 + inputSize + hidden);
  const dW = address(27);
  const dR = address(28);
  const dB = address(29);
  for (let panel = thread; panel < 4 * groups; panel += threads) {
    const unit = (panel % groups) * COLUMNS;
    const columns = min(COLUMNS, hidden - unit);
    const sums = address(26) + <usize>(panel * blocks) * BLOCK;
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

/** Rows [width], `stride` bytes apart, in the rows' order from [batch, width]; zeros where there is nothing to read. */
function gatherRows(from: usize, to: usize, stride: usize, thread: i32, threads: i32): void {
  const batch = argument(1);
  const bytes = <usize>argument(3) << 2;
  for (let p = thread; p < batch; p += threads, to += stride) {
    memory.fill(to, 0, stride);
    if (from !== 0) memory.copy(to, from + <usize>load<i32>(address(16) + (<usize>p << 2)) * bytes, bytes);
  }
}

function scatterRows(from: usize, to: usize, stride: usize, thread: i32, threads: i32): void {
  const batch = argument(1);
  const bytes = <usize>argument(3) << 2;
  if (to === 0) return;
  for (let p = thread; p < batch; p += threads, from += stride) {
    memory.copy(to + <usize>load<i32>(address(16) + (<usize>p << 2)) * bytes, from, bytes);
  }
}

/** Where a unit stands in the right panels of a gate. */
@inline
function rightPlace(unit: i32, pitch: i32): usize {
  return <usize>(unit / COLUMNS) * <usize>pitch * RIGHT_STEP + (<usize>(unit % COLUMNS) << 2);
}

export function lstmGrad(thread: i32, threads: i32): void {
  const batch = argument(1);
  const inputSize = argument(2);
  const hidden = argument(3);
  const reverse = argument(4) !== 0;
  const x = address(5);
  const initialH = address(8);
  const initialC = address(9);
  const y = address(10);
  const gates = address(11);
  const cells = address(12);
  const dY = address(13);
  const dX = address(14);
  const order = address(16);
  const lengths = address(17);
  const weights = address(18);
  const chunk = argument(23);
  // Collected panels are one row longer than they need be: a power of two would put the lines of all of them on the same few places of the cache.
  const pitch = chunk + 1;
  const wantsWeights = address(26) !== 0;
  const depth = 4 * hidden;
  const groups = panelsOf(hidden);
  const panels = groups + (dX === 0 ? 0 : panelsOf(inputSize));
  const weightPanel = <usize>depth * RIGHT_STEP;
  const own = ownRows(batch, thread, threads);
  const hiddenBytes = <usize>(groups * COLUMNS) << 2;
  const sumBytes = <usize>panels * RIGHT_STEP;
  const leftBytes = <usize>pitch * LEFT_STEP;
  const rightPitch = wantsWeights ? pitch : 1;
  const rightGate = <usize>(groups * rightPitch) * RIGHT_STEP;
  const gateStride = <usize>hidden << 2;
  const leftGate = <usize>hidden * LEFT_STEP;
  // This thread's room: gate gradients of the step, sums of their product (the cotangent of h first), cotangents of the cells.
  const left = address(19) + <usize>thread * <usize>argument(20);
  const sums = aligned(left + <usize>blocksOf(own) * <usize>depth * LEFT_STEP);
  const dC = aligned(sums + <usize>own * sumBytes);
  // What is read where there is nothing, and where gate gradients go that only one product reads.
  const zeros = aligned(dC + <usize>own * hiddenBytes);
  const unread = aligned(zeros + hiddenBytes);

  packWeights(thread, threads, hidden, inputSize, address(6), address(7), weights);
  gatherRows(address(21), sums, sumBytes, thread, threads);
  gatherRows(address(22), dC, hiddenBytes, thread, threads);
  if (wantsWeights) {
    const blocks = blocksOf(1 + inputSize + hidden);
    for (let panel = thread; panel < 4 * groups; panel += threads) {
      memory.fill(address(26) + <usize>(panel * blocks) * BLOCK, 0, <usize>blocks * BLOCK);
    }
  }
  memory.fill(zeros, 0, hiddenBytes);
  if (dX !== 0) clearEnds(dX, inputSize, thread, threads);
  barrier(thread, threads);

  let activeInAll = 0;
  let start = argument(15);
  let collected = 0;
  for (let step = load<i32>(lengths) - 1; step >= 0; step--) {
    while (activeInAll < batch && load<i32>(lengths + (<usize>activeInAll << 2)) > step) activeInAll++;
    let before = activeInAll;
    while (before < batch && load<i32>(lengths + (<usize>before << 2)) > step - 1) before++;
    start -= activeInAll;
    if (wantsWeights && collected + activeInAll > chunk) {
      barrier(thread, threads);
      multiplyCollected(thread, threads, collected);
      barrier(thread, threads);
      collected = 0;
    }
    const active = ownRows(activeInAll, thread, threads);
    for (let q = 0; q < active; q++) {
      const p = q * threads + thread;
      const row = load<i32>(order + (<usize>p << 2));
      const t = reverse ? load<i32>(lengths + (<usize>p << 2)) - 1 - step : step;
      const place = <usize>(t * batch + row);
      const toY = y + place * gateStride;
      const gate = gates + <usize>(start + p) * 4 * gateStride;
      const initial = initialC === 0 ? zeros : initialC + <usize>row * gateStride;
      const cell = step > 0 ? cells + <usize>(start - before + p) * gateStride : initial;
      const cotangent = dY === 0 ? zeros : dY + place * gateStride;
      const dh = sums + <usize>q * sumBytes;
      const dc = dC + <usize>q * hiddenBytes;
      const panel = leftRow(left, q, depth);
      const right = wantsWeights ? address(25) + <usize>(collected + p) * RIGHT_STEP : unread;
      let unit = 0;
      for (; unit + 8 <= hidden; unit += 8) {
        const at = <usize>unit << 2;
        const toLeft = panel + <usize>unit * LEFT_STEP;
        const toRight = right + rightPlace(unit, rightPitch);
        gateGradients(toY + at, gate + at, gateStride, cell + at, cotangent + at, dh + at, dc + at, toLeft, leftGate, toRight, rightGate);
      }
      for (; unit < hidden; unit += 4) {
        const at = <usize>unit << 2;
        const toLeft = panel + <usize>unit * LEFT_STEP;
        const toRight = right + rightPlace(unit, rightPitch);
        const count = min(4, hidden - unit);
        fewGateGradients(toY + at, gate + at, gateStride, cell + at, cotangent + at, dh + at, dc + at, toLeft, leftGate, toRight, rightGate, count);
      }
      if (!wantsWeights) continue;
      const inputs = address(24) + <usize>(collected + p) * LEFT_STEP;
      store<f32>(inputs, 1);
      collect(x + ((place * <usize>inputSize) << 2), inputSize, inputs, 1, leftBytes);
      const previous = y + <usize>((reverse ? t + 1 : t - 1) * batch + row) * gateStride;
      const h0 = past(initialH, <usize>row * gateStride);
      collect(step > 0 ? previous : h0, hidden, inputs, 1 + inputSize, leftBytes);
    }
    collected += activeInAll;
    for (let panel = 0; panel < panels; panel++) {
      const right = weights + <usize>panel * weightPanel;
      for (let first = 0; first < active; first += ROWS) {
        const to = sums + <usize>first * sumBytes + <usize>panel * RIGHT_STEP;
        const rows = min(ROWS, active - first);
        multiply(rows, leftRow(left, first, depth), right, depth, to, sumBytes, false);
      }
    }
    if (dX === 0) continue;
    for (let q = 0; q < active; q++) {
      const p = q * threads + thread;
      const t = reverse ? load<i32>(lengths + (<usize>p << 2)) - 1 - step : step;
      const to = dX + (<usize>((t * batch + load<i32>(order + (<usize>p << 2))) * inputSize) << 2);
      memory.copy(to, sums + <usize>q * sumBytes + hiddenBytes, <usize>inputSize << 2);
    }
  }
  if (wantsWeights) {
    barrier(thread, threads);
    multiplyCollected(thread, threads, collected);
    writeWeights(thread, threads);
  }
  scatterRows(sums, address(30), sumBytes, thread, threads);
  scatterRows(dC, address(31), hiddenBytes, thread, threads);
}
