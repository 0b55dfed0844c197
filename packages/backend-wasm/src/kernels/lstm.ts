/** The LSTM and its gradient: rows are sorted here, everything else happens in the module. */
import { aligned, type Call, optionOf, rowsBytes, sortRows, supportsLstm, type View } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";

/** Sides of a block of sums, as `assembly/panels.ts` has them, and bytes of a block. */
const ROWS = 6;
const COLUMNS = 16;
const BLOCK_BYTES = 384;
/** Bytes of the addresses that the forward kernel keeps of a row. */
const TARGET_BYTES = 12;
/** Units whose gates the forward kernel computes together. */
const UNITS = 8;
/** Multiplications from which on it pays to wake the other threads. */
const MANY = 2 ** 17;
/** Rows that are collected before a product takes them; a step's rows are never split. The order of the sums hangs on it. */
const CHUNK = 256;

const upTo = (size: number, side: number): number => Math.ceil(size / side) * side;

/** Bytes at scratch: rows' order and lengths, packed weights, and a room for each thread. */
interface Layout {
  readonly weights: number;
  readonly room: number;
}

function forwardLayout(call: Call<"lstm">, threads: number): Layout {
  const [, batch, inputSize] = call.inputs[0].dims;
  const hidden = upTo(call.attrs.hiddenSize, UNITS);
  const depth = 1 + inputSize + call.attrs.hiddenSize;
  const own = Math.ceil(batch / threads);
  const operands = 2 * upTo(own, ROWS) * depth;
  return {
    weights: aligned(4 * 4 * hidden * depth),
    room: aligned(4 * operands) + aligned(4 * own * hidden) + 2 * BLOCK_BYTES + aligned(TARGET_BYTES * own),
  };
}

function addressOf(memory: WasmMemory, view: View | undefined): number {
  return view === undefined ? 0 : memory.address(view);
}

/** Whether the work is worth more than one thread. */
function isLarge({ inputs, attrs }: Call<"lstm"> | Call<"lstmGrad">): boolean {
  const { size, dims } = inputs[0];
  return dims[1] > 1 && (size / dims[2]) * attrs.hiddenSize * (attrs.hiddenSize + dims[2]) >= MANY;
}

/** The arguments that both begin with: sizes, direction, and where the rows' order and the packed weights lie. */
function setCommon(memory: WasmMemory, call: Call<"lstm"> | Call<"lstmGrad">, layout: Layout): number {
  const to = memory.arguments;
  const { dims } = call.inputs[0];
  const start = memory.scratch + rowsBytes(dims[0], dims[1]);
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
  to[19] = memory.addressOf(start + layout.weights);
  to[20] = layout.room;
  return start + layout.weights;
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
  const own = Math.ceil(batch / threads);
  const chunk = upTo(Math.max(batch, Math.min(CHUNK, time * batch)), COLUMNS);
  return {
    weights: aligned(4 * columns * depth),
    // The operand of a step, its sums, the cells' cotangents, a row of zeros, and a row of gate gradients that nobody collects.
    room: aligned(4 * upTo(own, ROWS) * depth) + aligned(4 * own * columns) + (own + 1 + 4) * aligned(4 * hidden),
    chunk,
    // The module leaves a row free behind each panel.
    left: aligned(4 * features * (chunk + 1)),
    right: aligned(4 * 4 * hidden * (chunk + 1)),
    sums: aligned(4 * 4 * hidden * features),
  };
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
  const threads = together ? memory.threads : 1;
  const layout = gradLayout(call, threads);
  const total = sortRows("lstmGrad", memory, optionOf(call, "lengths"), dims[0], dims[1]);
  const collected = setCommon(memory, call, layout) + threads * layout.room;
  const wantsWeights = outputs[1].offset >= 0 || outputs[2].offset >= 0 || outputs[3].offset >= 0;
  const own = 4 + attrs.options.length;
  const to = memory.arguments;
  to[8] = addressOf(memory, optionOf(call, "initialH"));
  to[9] = addressOf(memory, optionOf(call, "initialC"));
  for (let input = 0; input < 3; input++) to[10 + input] = memory.address(inputs[own + input]);
  to[13] = addressOf(memory, cotangentOf(call, "y"));
  to[14] = memory.address(outputs[0]);
  to[15] = total;
  to[21] = addressOf(memory, cotangentOf(call, "h"));
  to[22] = addressOf(memory, cotangentOf(call, "c"));
  to[23] = layout.chunk;
  to[24] = memory.addressOf(collected);
  to[25] = memory.addressOf(collected + layout.left);
  to[26] = wantsWeights ? memory.addressOf(collected + layout.left + layout.right) : 0;
  for (let output = 1; output < 4; output++) to[26 + output] = memory.address(outputs[output]);
  to[30] = 0;
  to[31] = 0;
  let output = 4;
  for (let k = 0; k < attrs.options.length; k++) {
    if (attrs.options[k] === "lengths") continue;
    to[attrs.options[k] === "initialH" ? 30 : 31] = memory.address(outputs[output++]);
  }
  memory.run("lstmGrad", together);
}

export const lstmKernels = (threads: number) => ({
  lstm: {
    run: lstm,
    supports: supportsLstm,
    scratch(call: Call<"lstm">): number {
      const [time, batch] = call.inputs[0].dims;
      const alone = forwardLayout(call, 1);
      const together = forwardLayout(call, threads);
      return rowsBytes(time, batch) + alone.weights + Math.max(alone.room, threads * together.room);
    },
  },
  lstmGrad: {
    run: lstmGrad,
    supports: supportsLstm,
    scratch(call: Call<"lstmGrad">): number {
      const [time, batch] = call.inputs[0].dims;
      const alone = gradLayout(call, 1);
      const rooms = Math.max(alone.room, threads * gradLayout(call, threads).room);
      return rowsBytes(time, batch) + alone.weights + rooms + alone.left + alone.right + alone.sums;
    },
  },
});
