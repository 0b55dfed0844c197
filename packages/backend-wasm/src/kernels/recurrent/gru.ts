/** The GRU and its gradient: rows are sorted here, everything else happens in the module. */
import { type Call, keptOf, supportsGru } from "@ostinato/backend-cpu";
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
const GATES = 3;

function forwardRoom({ inputs, attrs }: Call<"gru">): ForwardRoom {
  const hidden = upTo(attrs.hiddenSize, COLUMNS);
  const depth = 1 + inputs[0].dims[2] + attrs.hiddenSize;
  // Behind the gates' weights stands a bias. Of a row h is kept, and r ∘ h within a step.
  return { weights: GATES * hidden * depth + hidden, kept: 2 * hidden, sums: 4 };
}

function gradRoom({ inputs, attrs }: Call<"gruGrad">): GradRoom {
  const hidden = attrs.hiddenSize;
  const inputSize = inputs[0].dims[2];
  const met = hidden + 1 + inputSize;
  return {
    weights: (upTo(hidden, COLUMNS) + upTo(inputSize, COLUMNS)) * GATES * hidden,
    gateCount: GATES,
    // What x gives to the candidate and what the state gives have gradients of their own, or the state is another one.
    wholeGates: GATES - 1,
    gradientCount: attrs.linearBeforeReset ? GATES + 1 : GATES,
    features: attrs.linearBeforeReset ? met : met + hidden,
  };
}

function gru(memory: WasmMemory, call: Call<"gru">): void {
  const together = isLarge(call, GATES);
  setForward("gru", memory, call, forwardLayout(call, together ? memory.threads : 1, forwardRoom(call)));
  const to = memory.arguments;
  const at = fields.gru;
  to[at.resetAfter] = call.attrs.linearBeforeReset ? 1 : 0;
  to[at.gates] = memory.address(call.outputs[2]);
  memory.run("gru", together);
}

function gruGrad(memory: WasmMemory, call: Call<"gruGrad">): void {
  const together = isLarge(call, GATES);
  const room = gradRoom(call);
  setGrad("gruGrad", memory, call, gradLayout(call, together ? memory.threads : 1, room), room);
  const to = memory.arguments;
  const at = fields.gruGrad;
  to[at.resetAfter] = call.attrs.linearBeforeReset ? 1 : 0;
  to[at.gates] = memory.address(keptOf(call, 1));
  memory.run("gruGrad", together);
}

export const gruKernels = (threads: number) => ({
  gru: {
    run: gru,
    supports: supportsGru,
    scratch: (call: Call<"gru">): number =>
      scratchOf(call, threads, (own) => layoutBytes(forwardLayout(call, own, forwardRoom(call)))),
  },
  gruGrad: {
    run: gruGrad,
    supports: supportsGru,
    scratch: (call: Call<"gruGrad">): number =>
      scratchOf(call, threads, (own) => gradBytes(gradLayout(call, own, gradRoom(call)))),
  },
});
