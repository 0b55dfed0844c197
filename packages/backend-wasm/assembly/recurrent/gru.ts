/**
 * The GRU, by the way of `forward.ts`. A step is a product [1 | x | h] · [B | W | R]ᵀ for sixteen units at a time. The candidate's has two parts, as
 * what comes from the state is reset in between: h · Rᵀ, which r multiplies (`resetAfter`), or (r ∘ h) · Rᵀ, for which r has to be there for all
 * units first. What `gates` holds is the same as on the CPU backend: z, r and, with `resetAfter`, what r multiplies, each over all units.
 */
import { lasting, madd, past, sigmoid, storeTwo, storeUnits, tanh } from "../lanes";
import { transpose } from "../packing";
import { LEFT_STEP, multiply, multiplyTwo, panelsOf, RIGHT_STEP } from "../panels";
import { BLOCK_BYTES, COLUMNS, Gru, ROWS, TARGET_BYTES } from "../protocol";
import { address, argument } from "../team";
import { activeAt, firstRow, gatherRows, lengthOf, wordsBefore } from "./blocks";
import { addGiven, closeOperands, keptOf, openOperands, openStep, operandOf, packUnits, stateIn, stretchEnd, stretchStart, upToPanel } from "./forward";

/** Where the sums of sixteen units lie in a thread's room: of z, of r, of the candidate from x and from the state. Behind them the targets. */
const RESETS: usize = BLOCK_BYTES;
const INPUTS: usize = 2 * BLOCK_BYTES;
const STATES: usize = 3 * BLOCK_BYTES;
const TARGETS: usize = 4 * BLOCK_BYTES;

/** Bytes of a row of units, in whole panels: in a block's room each row keeps its h so, and behind all of them lies r ∘ h as an operand. */
@inline
function unitBytes(): usize {
  return <usize>upToPanel(argument(Gru.hidden)) << 2;
}

/** Bytes of the three panels of sixteen units, z, r and the candidate. */
@inline
function groupBytes(): usize {
  return <usize>(3 * (1 + argument(Gru.inputSize) + argument(Gru.hidden))) * RIGHT_STEP;
}

/** With `resetAfter` the recurrent bias of the candidate stands behind the panels. */
@inline
function candidateBias(): usize {
  return address(Gru.weights) + <usize>panelsOf(argument(Gru.hidden)) * groupBytes();
}

function packWeights(thread: i32, threads: i32): void {
  const hidden = argument(Gru.hidden);
  const resetAfter = argument(Gru.resetAfter) !== 0;
  const recurrentBias = address(Gru.recurrentBias);
  const panelBytes = groupBytes() / 3;
  for (let group = thread; group < panelsOf(hidden); group += threads) {
    const unit = group * COLUMNS;
    const count = min(COLUMNS, hidden - unit);
    const to = address(Gru.weights) + <usize>group * groupBytes();
    packUnits(unit, count, true, to);
    packUnits(hidden + unit, count, true, to + panelBytes);
    packUnits(2 * hidden + unit, count, !resetAfter, to + 2 * panelBytes);
  }
  if (thread > 0 || !resetAfter) return;
  memory.fill(candidateBias(), 0, unitBytes());
  if (recurrentBias !== 0) memory.copy(candidateBias(), recurrentBias + (<usize>(2 * hidden) << 2), <usize>hidden << 2);
}

/**
 * What follows is done for up to sixteen units of a block's rows, eight at a time: `at` is where the units begin in a row, `count` how many there are from
 * there on. First a gate, whose sums are replaced by it; of `gates` it is number `gate`.
 */
function activate(rows: i32, sums: usize, targets: usize, gate: i32, at: usize, count: i32): void {
  const offset = at + (<usize>(gate * argument(Gru.hidden)) << 2);
  addGiven(rows, sums, targets, offset, count);
  for (; rows > 0; rows--, targets += TARGET_BYTES) {
    const gates = past(load<usize>(targets, 4), offset);
    for (let unit = 0; unit < COLUMNS; unit += 8, sums += 32) {
      const a = sigmoid(v128.load(sums));
      const a2 = sigmoid(v128.load(sums, 16));
      storeTwo(sums, a, a2);
      if (gates !== 0) storeUnits(gates + (<usize>unit << 2), a, a2, count - unit);
    }
  }
}

/** With `resetAfter`: r ∘ s, added to what comes from x. */
function resetSums(rows: i32, sums: usize, bias: usize, targets: usize, at: usize, count: i32): void {
  const offset = at + (<usize>(2 * argument(Gru.hidden)) << 2);
  for (; rows > 0; rows--, targets += TARGET_BYTES) {
    const gates = past(load<usize>(targets, 4), offset);
    for (let unit = 0; unit < COLUMNS; unit += 8, sums += 32) {
      const from = bias + (<usize>unit << 2);
      const s = f32x4.add(v128.load(sums, STATES), v128.load(from));
      const s2 = f32x4.add(v128.load(sums, STATES + 16), v128.load(from, 16));
      const c = madd(v128.load(sums, RESETS), s, v128.load(sums, INPUTS));
      const c2 = madd(v128.load(sums, RESETS + 16), s2, v128.load(sums, INPUTS + 16));
      storeTwo(sums + INPUTS, c, c2);
      if (gates !== 0) storeUnits(gates + (<usize>unit << 2), s, s2, count - unit);
    }
  }
}

/** Without it: r ∘ h, in the place of r. */
function resetStates(rows: i32, sums: usize, state: usize): void {
  const stateBytes = unitBytes();
  for (; rows > 0; rows--, sums += RIGHT_STEP, state += stateBytes) {
    for (let at: usize = 0; at < RIGHT_STEP; at += 32) {
      const to = sums + RESETS + at;
      storeTwo(to, lasting(f32x4.mul(v128.load(to), v128.load(state + at))), lasting(f32x4.mul(v128.load(to, 16), v128.load(state + at, 16))));
    }
  }
}

/** At last h = candidate + z · (h - candidate), which goes to y and to where z was. */
function updateStates(rows: i32, sums: usize, state: usize, targets: usize, at: usize, count: i32): void {
  const rest = unitBytes() - RIGHT_STEP;
  for (; rows > 0; rows--, targets += TARGET_BYTES, state += rest) {
    const y = past(load<usize>(targets), at);
    for (let unit = 0; unit < COLUMNS; unit += 8, sums += 32, state += 32) {
      const c = tanh(v128.load(sums, INPUTS));
      const c2 = tanh(v128.load(sums, INPUTS + 16));
      const h = lasting(madd(v128.load(sums), f32x4.sub(v128.load(state), c), c));
      const h2 = lasting(madd(v128.load(sums, 16), f32x4.sub(v128.load(state, 16), c2), c2));
      storeTwo(state, h, h2);
      storeTwo(sums, h, h2);
      if (y !== 0) storeUnits(y + (<usize>unit << 2), h, h2, count - unit);
    }
  }
}

/** What ids give to the candidate. */
function addGivenCandidate(rows: i32, sums: usize, at: usize, count: i32): void {
  addGiven(rows, sums + INPUTS, sums + TARGETS, at + (<usize>(2 * argument(Gru.hidden)) << 2), count);
}

/** A step of the units from `unit` on, with `resetAfter`. */
function stepAfter(active: i32, unit: i32, now: usize, sums: usize): void {
  const hidden = argument(Gru.hidden);
  const inputDepth = 1 + argument(Gru.inputSize);
  const depth = inputDepth + hidden;
  const panelBytes = <usize>depth * RIGHT_STEP;
  const right = address(Gru.weights) + <usize>(unit / COLUMNS) * groupBytes();
  const candidate = right + 2 * panelBytes;
  const at = <usize>unit << 2;
  multiplyTwo(active, now, right, depth, sums, RESETS, RIGHT_STEP);
  multiply(active, now, candidate, inputDepth, sums + INPUTS, RIGHT_STEP, false);
  addGivenCandidate(active, sums, at, hidden - unit);
  multiply(active, stateIn(now), candidate + <usize>inputDepth * RIGHT_STEP, hidden, sums + STATES, RIGHT_STEP, false);
  activate(active, sums, sums + TARGETS, 0, at, hidden - unit);
  activate(active, sums + RESETS, sums + TARGETS, 1, at, hidden - unit);
  resetSums(active, sums, candidateBias() + at, sums + TARGETS, at, hidden - unit);
}

/** Without it, the first half: r ∘ h of these units, as an operand. */
function reset(active: i32, unit: i32, now: usize, sums: usize, states: usize, resets: usize): void {
  const hidden = argument(Gru.hidden);
  const depth = 1 + argument(Gru.inputSize) + hidden;
  const right = address(Gru.weights) + <usize>(unit / COLUMNS) * groupBytes() + <usize>depth * RIGHT_STEP;
  const at = <usize>unit << 2;
  multiply(active, now, right, depth, sums + RESETS, RIGHT_STEP, false);
  activate(active, sums + RESETS, sums + TARGETS, 1, at, hidden - unit);
  resetStates(active, sums, states + at);
  transpose(sums + RESETS, RIGHT_STEP, active, COLUMNS, resets + <usize>unit * LEFT_STEP);
}

/** And the second. */
function stepBefore(active: i32, unit: i32, now: usize, sums: usize, resets: usize): void {
  const hidden = argument(Gru.hidden);
  const inputDepth = 1 + argument(Gru.inputSize);
  const depth = inputDepth + hidden;
  const right = address(Gru.weights) + <usize>(unit / COLUMNS) * groupBytes();
  const candidate = right + <usize>(2 * depth) * RIGHT_STEP;
  const at = <usize>unit << 2;
  multiply(active, now, right, depth, sums, RIGHT_STEP, false);
  multiply(active, now, candidate, inputDepth, sums + INPUTS, RIGHT_STEP, false);
  addGivenCandidate(active, sums, at, hidden - unit);
  multiply(active, resets, candidate + <usize>inputDepth * RIGHT_STEP, hidden, sums + INPUTS, RIGHT_STEP, true);
  activate(active, sums, sums + TARGETS, 0, at, hidden - unit);
}

/** Packs the weights. */
export function packGru(thread: i32, threads: i32): void {
  packWeights(thread, threads);
}

/** Takes a block through its next stretch. */
export function advance(block: i32, sums: usize): void {
  const hidden = argument(Gru.hidden);
  const resetAfter = argument(Gru.resetAfter) !== 0;
  const gates = address(Gru.gates);
  const first = firstRow(block);
  const end = firstRow(block + 1);
  const states = keptOf(block);
  const resets = states + <usize>ROWS * unitBytes();
  const targets = sums + TARGETS;

  const from = stretchStart(block);
  const to = stretchEnd(block);
  if (from === 0) {
    openOperands(block);
    gatherRows(address(Gru.initialH), states, unitBytes(), first, end);
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
      const place = <usize>((start + first + lane) * 3 * hidden) << 2;
      store<usize>(targets + <usize>lane * TARGET_BYTES, past(gates, place), 4);
    }
    if (!resetAfter) {
      for (let unit = 0; unit < hidden; unit += COLUMNS) reset(active, unit, now, sums, states, resets);
    }
    for (let unit = 0; unit < hidden; unit += COLUMNS) {
      if (resetAfter) stepAfter(active, unit, now, sums);
      else stepBefore(active, unit, now, sums, resets);
      // All gates before all states: what waits for the same long calculation stands far apart.
      const at = <usize>unit << 2;
      updateStates(active, sums, states + at, targets, at, hidden - unit);
      transpose(sums, RIGHT_STEP, active, COLUMNS, next + <usize>unit * LEFT_STEP);
    }
  }
  if (to === lengthOf(first)) closeOperands(block);
}
