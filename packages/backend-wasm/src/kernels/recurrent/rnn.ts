/** The simple recurrent network and its gradient: rows are sorted here, everything else happens in the module. */
import { type Call, isRelu, supportsRnn } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../../memory.ts";
import { counts, fields } from "../../protocol.ts";
import {
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

const { columns: COLUMNS } = counts;
const GATES = 1;

function forwardRoom({ inputs, attrs }: Call<"rnn">): ForwardRoom {
  const depth = 1 + inputs[0].dims[2] + attrs.hiddenSize;
  return { weights: upTo(attrs.hiddenSize, COLUMNS) * depth, kept: 0, sums: 1 };
}

function gradRoom({ inputs, attrs }: Call<"rnnGrad">): GradRoom {
  const hidden = attrs.hiddenSize;
  const inputSize = inputs[0].dims[2];
  return {
    weights: (upTo(hidden, COLUMNS) + upTo(inputSize, COLUMNS)) * hidden,
    gateCount: GATES,
    wholeGates: GATES,
    gradientCount: GATES,
    features: hidden + 1 + inputSize,
  };
}

function rnn(memory: WasmMemory, call: Call<"rnn">): void {
  const together = isLarge(call, GATES);
  setForward("rnn", memory, call, forwardLayout(call, together ? memory.threads : 1, forwardRoom(call)));
  memory.arguments[fields.rnn.relu] = isRelu(call.attrs) ? 1 : 0;
  memory.run("rnn", together);
}

function rnnGrad(memory: WasmMemory, call: Call<"rnnGrad">): void {
  const together = isLarge(call, GATES);
  const room = gradRoom(call);
  setGrad("rnnGrad", memory, call, gradLayout(call, together ? memory.threads : 1, room), room);
  memory.arguments[fields.rnnGrad.relu] = isRelu(call.attrs) ? 1 : 0;
  memory.run("rnnGrad", together);
}

export const rnnKernels = (threads: number) => ({
  rnn: {
    run: rnn,
    supports: supportsRnn,
    scratch: (call: Call<"rnn">): number =>
      scratchOf(call, threads, (own) => layoutBytes(forwardLayout(call, own, forwardRoom(call)))),
  },
  rnnGrad: {
    run: rnnGrad,
    supports: supportsRnn,
    scratch: (call: Call<"rnnGrad">): number =>
      scratchOf(call, threads, (own) => gradBytes(gradLayout(call, own, gradRoom(call)))),
  },
});
