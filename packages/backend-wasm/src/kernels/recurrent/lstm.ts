/** The LSTM and its gradient: rows are sorted here, everything else happens in the module. */
import { aligned, type Call, optionOf, rowsBytes, sortRows, supportsLstm, type View } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../../memory.ts";
import { bytes, counts, fields, recurrenceFields } from "../../protocol.ts";

const { rows: ROWS, columns: COLUMNS, units: UNITS } = counts;
const { block: BLOCK_BYTES, target: TARGET_BYTES, state: STATE_BYTES } = bytes;
/** Multiplications from which on it pays to wake the other threads. */
const MANY = 2 ** 17;
/** Rows that are collected before a product takes them; a step's rows are never split. The order of the sums hangs on it. */
const CHUNK = 256;

const upTo = (size: number, side: number): number => Math.ceil(size / side) * side;

/** Blocks of at most six rows, as many for each thread, as long as there are rows. */
const blocksOf = (batch: number, threads: number): number =>
  Math.max(1, Math.min(batch, upTo(Math.ceil(batch / ROWS), threads)));

/** Bytes at scratch: rows' order and lengths, packed weights, a room for each block and for each thread, and the states of the blocks. */
interface Layout {
  readonly weights: number;
  readonly blocks: number;
  readonly block: number;
  readonly threads: number;
  readonly thread: number;
  readonly states: number;
}

function forwardLayout(call: Call<"lstm">, threads: number): Layout {
  const [, batch, inputSize] = call.inputs[0].dims;
  const hidden = upTo(call.attrs.hiddenSize, UNITS);
  const depth = 1 + inputSize + call.attrs.hiddenSize;
  return {
    weights: aligned(4 * 4 * hidden * depth),
    blocks: blocksOf(batch, threads),
    // The operands of this step and of the next, the cells.
    block: aligned(2 * 4 * ROWS * depth) + aligned(4 * ROWS * hidden),
    threads,
    // The sums of eight units, and where they go.
    thread: aligned(2 * BLOCK_BYTES + TARGET_BYTES * ROWS),
    states: aligned(STATE_BYTES * blocksOf(batch, threads)),
  };
}

function layoutBytes({ weights, blocks, block, threads, thread, states }: Layout): number {
  return weights + blocks * block + threads * thread + states;
}

function addressOf(memory: WasmMemory, view: View | undefined): number {
  return view === undefined ? 0 : memory.address(view);
}

/** Whether the work is worth more than one thread. */
function isLarge({ inputs, attrs }: Call<"lstm"> | Call<"lstmGrad">): boolean {
  const { size, dims } = inputs[0];
  return dims[1] > 1 && (size / dims[2]) * attrs.hiddenSize * (attrs.hiddenSize + dims[2]) >= MANY;
}

/** The arguments that both have: sizes, direction, the rows' order, the packed weights and the rooms. Tells what comes behind them. */
function setCommon(memory: WasmMemory, call: Call<"lstm"> | Call<"lstmGrad">, layout: Layout): number {
  const to = memory.arguments;
  const at = recurrenceFields;
  const { dims } = call.inputs[0];
  const start = memory.scratch + rowsBytes(dims[0], dims[1]);
  const rooms = start + layout.weights;
  const own = rooms + layout.blocks * layout.block;
  to[at.time] = dims[0];
  to[at.batch] = dims[1];
  to[at.inputSize] = dims[2];
  to[at.hidden] = call.attrs.hiddenSize;
  to[at.reverse] = call.attrs.direction === "reverse" ? 1 : 0;
  to[at.X] = memory.address(call.inputs[0]);
  to[at.W] = memory.address(call.inputs[1]);
  to[at.R] = memory.address(call.inputs[2]);
  to[at.order] = memory.addressOf(memory.scratch);
  to[at.lengths] = memory.addressOf(memory.scratch + aligned(dims[1] * 4));
  to[at.weights] = memory.addressOf(start);
  to[at.blockRooms] = memory.addressOf(rooms);
  to[at.blockRoomBytes] = layout.block;
  to[at.blocks] = layout.blocks;
  to[at.threadRooms] = memory.addressOf(own);
  to[at.threadRoomBytes] = layout.thread;
  to[at.states] = memory.addressOf(own + layout.threads * layout.thread);
  return start + layoutBytes(layout);
}

function lstm(memory: WasmMemory, call: Call<"lstm">): void {
  const { inputs, outputs } = call;
  const { dims } = inputs[0];
  const together = isLarge(call);
  sortRows("lstm", memory, optionOf(call, "lengths"), dims[0], dims[1]);
  setCommon(memory, call, forwardLayout(call, together ? memory.threads : 1));
  const to = memory.arguments;
  const at = fields.lstm;
  to[at.B] = memory.address(inputs[3]);
  to[at.initialH] = addressOf(memory, optionOf(call, "initialH"));
  to[at.initialC] = addressOf(memory, optionOf(call, "initialC"));
  to[at.y] = memory.address(outputs[0]);
  to[at.h] = memory.address(outputs[1]);
  to[at.c] = memory.address(outputs[2]);
  to[at.gates] = memory.address(outputs[3]);
  to[at.cells] = memory.address(outputs[4]);
  memory.run("lstm", together);
}

interface GradLayout extends Layout {
  readonly chunk: number;
  readonly left: number;
  readonly right: number;
  readonly sums: number;
}

function gradLayout(call: Call<"lstmGrad">, threads: number): GradLayout {
  const [time, batch, inputSize] = call.inputs[0].dims;
  const hidden = upTo(call.attrs.hiddenSize, COLUMNS);
  const columns = hidden + upTo(inputSize, COLUMNS);
  const depth = 4 * call.attrs.hiddenSize;
  const features = upTo(1 + inputSize + call.attrs.hiddenSize, ROWS);
  const chunk = upTo(Math.max(batch, Math.min(CHUNK, time * batch)), COLUMNS);
  return {
    weights: aligned(4 * columns * depth),
    blocks: blocksOf(batch, threads),
    // The gate gradients of a step, the sums of their product, the cells' cotangents.
    block: aligned(4 * ROWS * depth) + 4 * ROWS * (columns + hidden),
    threads,
    // A row of zeros, and the gate gradients of a block where nobody collects them.
    thread: 4 * hidden * (1 + 4 * ROWS),
    states: aligned(STATE_BYTES * (blocksOf(batch, threads) + (4 * hidden) / COLUMNS)),
    chunk,
    // The module leaves a row free behind each panel.
    left: aligned(4 * features * (chunk + 1)),
    right: aligned(4 * 4 * hidden * (chunk + 1)),
    sums: aligned(4 * 4 * hidden * features),
  };
}

function gradBytes(layout: GradLayout): number {
  return layoutBytes(layout) + layout.left + layout.right + layout.sums;
}

/** The cotangent of that output of `lstm`. */
function cotangentOf({ attrs, inputs }: Call<"lstmGrad">, name: "y" | "h" | "c"): View | undefined {
  const index = attrs.cotangents.indexOf(name);
  return index < 0 ? undefined : inputs[4 + attrs.options.length + 3 + index];
}

function lstmGrad(memory: WasmMemory, call: Call<"lstmGrad">): void {
  const { inputs, outputs, attrs } = call;
  const { dims } = inputs[0];
  const together = isLarge(call);
  const layout = gradLayout(call, together ? memory.threads : 1);
  const total = sortRows("lstmGrad", memory, optionOf(call, "lengths"), dims[0], dims[1]);
  const collected = setCommon(memory, call, layout);
  const wantsWeights = outputs[1].offset >= 0 || outputs[2].offset >= 0 || outputs[3].offset >= 0;
  const own = 4 + attrs.options.length;
  const to = memory.arguments;
  const at = fields.lstmGrad;
  to[at.initialH] = addressOf(memory, optionOf(call, "initialH"));
  to[at.initialC] = addressOf(memory, optionOf(call, "initialC"));
  to[at.y] = memory.address(inputs[own]);
  to[at.gates] = memory.address(inputs[own + 1]);
  to[at.cells] = memory.address(inputs[own + 2]);
  to[at.dY] = addressOf(memory, cotangentOf(call, "y"));
  to[at.dX] = memory.address(outputs[0]);
  to[at.steps] = total;
  to[at.chunk] = layout.chunk;
  to[at.left] = memory.addressOf(collected);
  to[at.right] = memory.addressOf(collected + layout.left);
  to[at.sums] = wantsWeights ? memory.addressOf(collected + layout.left + layout.right) : 0;
  to[at.dW] = memory.address(outputs[1]);
  to[at.dR] = memory.address(outputs[2]);
  to[at.dB] = memory.address(outputs[3]);
  to[at.dH] = addressOf(memory, cotangentOf(call, "h"));
  to[at.dC] = addressOf(memory, cotangentOf(call, "c"));
  to[at.dInitialH] = 0;
  to[at.dInitialC] = 0;
  let output = 4;
  for (let k = 0; k < attrs.options.length; k++) {
    if (attrs.options[k] === "lengths") continue;
    to[attrs.options[k] === "initialH" ? at.dInitialH : at.dInitialC] = memory.address(outputs[output++]);
  }
  memory.run("lstmGrad", together);
}

/** Scratch at capacity. Fewer rows than that may make more blocks alone than together, or the other way round. */
export const lstmKernels = (threads: number) => ({
  lstm: {
    run: lstm,
    supports: supportsLstm,
    scratch(call: Call<"lstm">): number {
      const [time, batch] = call.inputs[0].dims;
      const most = Math.max(layoutBytes(forwardLayout(call, 1)), layoutBytes(forwardLayout(call, threads)));
      return rowsBytes(time, batch) + most;
    },
  },
  lstmGrad: {
    run: lstmGrad,
    supports: supportsLstm,
    scratch(call: Call<"lstmGrad">): number {
      const [time, batch] = call.inputs[0].dims;
      return rowsBytes(time, batch) + Math.max(gradBytes(gradLayout(call, 1)), gradBytes(gradLayout(call, threads)));
    },
  },
});
