/** The LSTM and its gradient: rows are sorted here, everything else happens in the module. */
import { type Call, keptOf, optionOf, supportsLstm } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../../memory.ts";
import { counts, fields } from "../../protocol.ts";
import {
  addressOf,
  type ForwardRoom,
  forwardLayout,
  type GradRoom,
  gradBytes,
  gradLayout,
  isLarge,
  layoutBytes,
  scratchOf,
  setForward,
  setGrad,
  upTo,
} from "./layout.ts";

const { columns: COLUMNS, units: UNITS } = counts;
const GATES = 4;

function forwardRoom({ inputs, attrs }: Call<"lstm">): ForwardRoom {
  const hidden = upTo(attrs.hiddenSize, UNITS);
  const depth = 1 + inputs[0].dims[2] + attrs.hiddenSize;
  // Of a row the cells are kept; the gates of eight units are two blocks.
  return { weights: GATES * hidden * depth, kept: hidden, sums: 2 };
}

function gradRoom({ inputs, attrs }: Call<"lstmGrad">): GradRoom {
  const hidden = attrs.hiddenSize;
  const inputSize = inputs[0].dims[2];
  return {
    weights: (upTo(hidden, COLUMNS) + upTo(inputSize, COLUMNS)) * GATES * hidden,
    gateCount: GATES,
    wholeGates: GATES,
    gradientCount: GATES,
    features: hidden + 1 + inputSize,
  };
}

function lstm(memory: WasmMemory, call: Call<"lstm">): void {
  const { outputs } = call;
  const together = isLarge(call, GATES);
  setForward("lstm", memory, call, forwardLayout(call, together ? memory.threads : 1, forwardRoom(call)));
  const to = memory.arguments;
  const at = fields.lstm;
  to[at.initialC] = addressOf(memory, optionOf(call, "initialC"));
  to[at.c] = memory.address(outputs[2]);
  to[at.gates] = memory.address(outputs[3]);
  to[at.cells] = memory.address(outputs[4]);
  memory.run("lstm", together);
}

function lstmGrad(memory: WasmMemory, call: Call<"lstmGrad">): void {
  const together = isLarge(call, GATES);
  const room = gradRoom(call);
  setGrad("lstmGrad", memory, call, gradLayout(call, together ? memory.threads : 1, room), room);
  const to = memory.arguments;
  const at = fields.lstmGrad;
  to[at.initialC] = addressOf(memory, optionOf(call, "initialC"));
  to[at.gates] = memory.address(keptOf(call, 1));
  to[at.cells] = memory.address(keptOf(call, 2));
  memory.run("lstmGrad", together);
}

export const lstmKernels = (threads: number) => ({
  lstm: {
    run: lstm,
    supports: supportsLstm,
    scratch: (call: Call<"lstm">): number =>
      scratchOf(call, threads, (own) => layoutBytes(forwardLayout(call, own, forwardRoom(call)))),
  },
  lstmGrad: {
    run: lstmGrad,
    supports: supportsLstm,
    scratch: (call: Call<"lstmGrad">): number =>
      scratchOf(call, threads, (own) => gradBytes(gradLayout(call, own, gradRoom(call)))),
  },
});
