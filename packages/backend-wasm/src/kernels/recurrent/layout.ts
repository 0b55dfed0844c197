/** What the kernels of all recurrences are given alike: where everything lies in scratch, sizes, and the addresses of inputs and outputs. */
import {
  aligned,
  cotangentOf,
  expectGiven,
  gradientOf,
  inputSizeOf,
  keptOf,
  lengthsAt,
  optionOf,
  orderAt,
  type RecurrentCall,
  type RecurrentGradCall,
  rowsBytes,
  sortRows,
  type View,
} from "@ostinato/backend-cpu";
import type { WasmMemory } from "../../memory.ts";
import { bytes, counts, forwardFields, gradFields, recurrenceFields } from "../../protocol.ts";

const { rows: ROWS, columns: COLUMNS } = counts;
const { block: BLOCK_BYTES, target: TARGET_BYTES, state: STATE_BYTES } = bytes;
/** Multiplications from which on it pays to wake the other threads. */
const MANY = 2 ** 19;
/** Rows that are collected before a product takes them; a step's rows are never split. The order of the sums depends on it. */
const CHUNK = 256;

/** `size` in whole parts of `side`. */
export const upTo = (size: number, side: number): number => Math.ceil(size / side) * side;

/** Blocks of at most six rows, as many for each thread, as long as there are rows. */
const blocksOf = (batch: number, threads: number): number =>
  Math.max(1, Math.min(batch, upTo(Math.ceil(batch / ROWS), threads)));

/** Bytes at scratch: rows' order and lengths, packed weights, a room for each block and for each thread, and the states of the blocks. */
export interface Layout {
  readonly weights: number;
  readonly blocks: number;
  readonly block: number;
  readonly threads: number;
  readonly thread: number;
  readonly states: number;
}

/** What sets a recurrence apart, forward. */
export interface ForwardRoom {
  /** Floats of the packed weights. */
  readonly weights: number;
  /** Floats that a row keeps from step to step beside its operands. */
  readonly kept: number;
  /** Blocks of sums that are computed together. */
  readonly sums: number;
}

/** What sets a recurrence apart on the way back. */
export interface GradRoom {
  /** Floats of the packed weights. */
  readonly weights: number;
  /** Blocks of rows of W; how many of them share their sums with R's; gate gradients of a step. */
  readonly gateCount: number;
  readonly wholeGates: number;
  readonly gradientCount: number;
  /** Numbers that meet the gates: [h | 1 | x], and another state where there is one. */
  readonly features: number;
}

export function layoutBytes({ weights, blocks, block, threads, thread, states }: Layout): number {
  return weights + blocks * block + threads * thread + states;
}

export function forwardLayout(call: RecurrentCall, threads: number, { weights, kept, sums }: ForwardRoom): Layout {
  const [x] = call.inputs;
  const batch = x.dims[1];
  const depth = 1 + inputSizeOf(x) + upTo(call.attrs.hiddenSize, COLUMNS);
  const blocks = blocksOf(batch, threads);
  return {
    weights: call.packed ? 0 : aligned(4 * weights),
    blocks,
    // The operands of this step and of the next.
    block: aligned(2 * 4 * ROWS * depth) + aligned(4 * ROWS * kept),
    threads,
    // The sums, where they go, and room for one more such place.
    thread: aligned(sums * BLOCK_BYTES + TARGET_BYTES * (ROWS + 1)),
    states: aligned(STATE_BYTES * blocks),
  };
}

interface GradLayout extends Layout {
  readonly chunk: number;
  readonly left: number;
  readonly right: number;
  readonly sums: number;
}

export function gradLayout(call: RecurrentGradCall, threads: number, room: GradRoom): GradLayout {
  const { dims } = call.inputs[0];
  const batch = dims[1];
  const hidden = upTo(call.attrs.hiddenSize, COLUMNS);
  const panels = hidden + upTo(dims[2], COLUMNS);
  const gradients = room.gradientCount * hidden;
  const features = upTo(room.features, ROWS);
  const chunk = upTo(Math.max(batch, Math.min(CHUNK, dims[0] * batch)), COLUMNS);
  const blocks = blocksOf(batch, threads);
  return {
    weights: aligned(4 * room.weights),
    blocks,
    // The gate gradients of a step, the sums of their product, another row of units of each row.
    block: aligned(4 * ROWS * room.gradientCount * call.attrs.hiddenSize) + 4 * ROWS * (panels + hidden),
    threads,
    // A row of zeros, and the gate gradients of a block where nobody collects them.
    thread: 4 * (hidden + ROWS * gradients),
    states: aligned(STATE_BYTES * (blocks + gradients / COLUMNS)),
    chunk,
    // The module leaves a row free behind each panel.
    left: aligned(4 * features * (chunk + 1)),
    right: aligned(4 * gradients * (chunk + 1)),
    sums: aligned(4 * gradients * features),
  };
}

export function gradBytes(layout: GradLayout): number {
  return layoutBytes(layout) + layout.left + layout.right + layout.sums;
}

/** Bytes of scratch at capacity. Fewer rows than that may make more blocks alone than together, or the other way round. */
export function scratchOf(call: RecurrentCall, threads: number, bytesFor: (threads: number) => number): number {
  const { dims } = call.inputs[0];
  return rowsBytes(dims[0], dims[1]) + Math.max(bytesFor(1), bytesFor(threads));
}

export function addressOf(memory: WasmMemory, view: View | undefined): number {
  return view === undefined ? 0 : memory.address(view);
}

/** Whether the work is worth more than one thread; `gates`: blocks of rows of W. */
export function isLarge({ inputs, attrs }: RecurrentCall, gates: number): boolean {
  const [x] = inputs;
  const [time, batch] = x.dims;
  return batch > 1 && time * batch * gates * attrs.hiddenSize * (attrs.hiddenSize + inputSizeOf(x)) >= MANY;
}

/** Sizes, direction, the rows' order, the packed weights and the rooms. Tells what comes behind them. */
function setCommon(memory: WasmMemory, call: RecurrentCall, layout: Layout): number {
  const to = memory.arguments;
  const at = recurrenceFields;
  const { dims } = call.inputs[0];
  const start = memory.scratch + rowsBytes(dims[0], dims[1]);
  const rooms = start + layout.weights;
  const own = rooms + layout.blocks * layout.block;
  to[at.time] = dims[0];
  to[at.batch] = dims[1];
  to[at.inputSize] = inputSizeOf(call.inputs[0]);
  to[at.hidden] = call.attrs.hiddenSize;
  to[at.reverse] = call.attrs.direction === "reverse" ? 1 : 0;
  to[at.X] = memory.address(call.inputs[0]);
  to[at.W] = memory.address(call.inputs[1]);
  to[at.R] = memory.address(call.inputs[2]);
  to[at.order] = memory.addressOf(4 * orderAt(memory));
  to[at.lengths] = memory.addressOf(4 * lengthsAt(memory, dims[1]));
  to[at.weights] = call.packed ? memory.address(call.packed) : memory.addressOf(start);
  to[at.blockRooms] = memory.addressOf(rooms);
  to[at.blockRoomBytes] = layout.block;
  to[at.blocks] = layout.blocks;
  to[at.threadRooms] = memory.addressOf(own);
  to[at.threadRoomBytes] = layout.thread;
  to[at.states] = memory.addressOf(own + layout.threads * layout.thread);
  return start + layoutBytes(layout);
}

/** Sets the arguments to pack the weights, and no more. */
export function setPacking(memory: WasmMemory, call: RecurrentCall, layout: Layout): void {
  setCommon(memory, call, layout);
  const to = memory.arguments;
  const at = forwardFields;
  to[at.packs] = 1;
  to[at.blocks] = 0;
  to[at.B] = memory.address(call.inputs[3]);
  to[at.recurrentBias] = addressOf(memory, optionOf(call, "recurrentBias"));
}

/** Sorts the rows, and sets the arguments for the way through the steps as well. */
export function setForward(op: string, memory: WasmMemory, call: RecurrentCall, layout: Layout): void {
  const [x, w] = call.inputs;
  const { outputs } = call;
  expectGiven(op, memory, call);
  sortRows(op, memory, optionOf(call, "lengths"), x.dims[0], x.dims[1]);
  setPacking(memory, call, layout);
  const to = memory.arguments;
  const at = forwardFields;
  to[at.packs] = call.packed ? 0 : 1;
  to[at.blocks] = layout.blocks;
  to[at.idBytes] = x.dtype === "int32" ? 4 * w.dims[1] : 0;
  to[at.initialH] = addressOf(memory, optionOf(call, "initialH"));
  to[at.y] = memory.address(outputs[0]);
  to[at.h] = memory.address(outputs[1]);
}

/** The same of all gradients. */
export function setGrad(
  op: string,
  memory: WasmMemory,
  call: RecurrentGradCall,
  layout: GradLayout,
  room: GradRoom,
): void {
  const { inputs, outputs } = call;
  const { dims } = inputs[0];
  const total = sortRows(op, memory, optionOf(call, "lengths"), dims[0], dims[1]);
  const collected = setCommon(memory, call, layout);
  const dRecurrentBias = addressOf(memory, gradientOf(call, "recurrentBias"));
  const to = memory.arguments;
  const at = gradFields;
  to[at.gateCount] = room.gateCount;
  to[at.wholeGates] = room.wholeGates;
  to[at.gradientCount] = room.gradientCount;
  to[at.features] = room.features;
  to[at.initialH] = addressOf(memory, optionOf(call, "initialH"));
  to[at.y] = memory.address(keptOf(call, 0));
  to[at.dY] = addressOf(memory, cotangentOf(call, "y"));
  to[at.dX] = memory.address(outputs[0]);
  to[at.steps] = total;
  to[at.chunk] = layout.chunk;
  to[at.left] = memory.addressOf(collected);
  to[at.right] = memory.addressOf(collected + layout.left);
  to[at.dW] = memory.address(outputs[1]);
  to[at.dR] = memory.address(outputs[2]);
  to[at.dB] = memory.address(outputs[3]);
  to[at.dRecurrentBias] = dRecurrentBias;
  const wantsWeights = to[at.dW] !== 0 || to[at.dR] !== 0 || to[at.dB] !== 0 || dRecurrentBias !== 0;
  to[at.sums] = wantsWeights ? memory.addressOf(collected + layout.left + layout.right) : 0;
  to[at.dH] = addressOf(memory, cotangentOf(call, "h"));
  to[at.dC] = addressOf(memory, cotangentOf(call, "c"));
  to[at.dInitialH] = addressOf(memory, gradientOf(call, "initialH"));
  to[at.dInitialC] = addressOf(memory, gradientOf(call, "initialC"));
}
