/** The LSTM and its gradient: rows are sorted here, everything else happens in the module. */
import { aligned, type Call, optionOf, rowsBytes, sortRows, supportsLstm, type View } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";

/** Sides of a block of sums, as `assembly/panels.ts` has them, and bytes of its sums. */
const ROWS = 6;
const COLUMNS = 16;
const BLOCK_BYTES = 384;
/** Bytes of the addresses that the forward kernel keeps of a row. */
const TARGET_BYTES = 12;
/** Units whose gates the forward kernel computes together. */
const UNITS = 8;
/** Bytes of what the kernels keep of a block or a panel of columns: who is at it, and what is left. */
const STATE_BYTES = 8;
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
  const { dims } = call.inputs[0];
  const start = memory.scratch + rowsBytes(dims[0], dims[1]);
  const rooms = start + layout.weights;
  const own = rooms + layout.blocks * layout.block;
  to[0] = dims[0];
  to[1] = dims[1];
  to[2] = dims[2];
  to[3] = call.attrs.hiddenSize;
  to[4] = call.attrs.direction === "reverse" ? 1 : 0;
  to[5] = memory.address(call.inputs[0]);
  to[6] = memory.address(call.inputs[1]);
  to[7] = memory.address(call.inputs[2]);
  to[16] = memory.addressOf(memory.scratch);
  to[17] = memory.addressOf(memory.scratch + aligned(dims[1] * 4));
  to[18] = memory.addressOf(start);
  to[19] = memory.addressOf(rooms);
  to[20] = layout.block;
  to[21] = layout.blocks;
  to[22] = memory.addressOf(own);
  to[23] = layout.thread;
  to[24] = memory.addressOf(own + layout.threads * layout.thread);
  return start + layoutBytes(layout);
}

function lstm(memory: WasmMemory, call: Call<"lstm">): void {
  const { inputs, outputs } = call;
  const { dims } = inputs[0];
  const together = isLarge(call);
  sortRows("lstm", memory, optionOf(call, "lengths"), dims[0], dims[1]);
  setCommon(memory, call, forwardLayout(call, together ? memory.threads : 1));
  const to = memory.arguments;
  to[8] = memory.address(inputs[3]);
  to[9] = addressOf(memory, optionOf(call, "initialH"));
  to[10] = addressOf(memory, optionOf(call, "initialC"));
  for (let output = 0; output < 5; output++) to[11 + output] = memory.address(outputs[output]);
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
  to[8] = addressOf(memory, optionOf(call, "initialH"));
  to[9] = addressOf(memory, optionOf(call, "initialC"));
  for (let input = 0; input < 3; input++) to[10 + input] = memory.address(inputs[own + input]);
  to[13] = addressOf(memory, cotangentOf(call, "y"));
  to[14] = memory.address(outputs[0]);
  to[15] = total;
  to[25] = layout.chunk;
  to[26] = memory.addressOf(collected);
  to[27] = memory.addressOf(collected + layout.left);
  to[28] = wantsWeights ? memory.addressOf(collected + layout.left + layout.right) : 0;
  for (let output = 1; output < 4; output++) to[28 + output] = memory.address(outputs[output]);
  to[32] = addressOf(memory, cotangentOf(call, "h"));
  to[33] = addressOf(memory, cotangentOf(call, "c"));
  to[34] = 0;
  to[35] = 0;
  let output = 4;
  for (let k = 0; k < attrs.options.length; k++) {
    if (attrs.options[k] === "lengths") continue;
    to[attrs.options[k] === "initialH" ? 34 : 35] = memory.address(outputs[output++]);
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
