/** The GRU and its gradient: what sets their kernels apart. */
import { type Call, inputSizeOf, keptOf, supportsGru } from "@ostinato/backend-cpu";
import { counts, fields } from "../../protocol.ts";
import { type RecurrentTraits, recurrentKernels } from "./kernels.ts";
import { type ForwardRoom, type GradRoom, upTo } from "./layout.ts";

const { columns: COLUMNS } = counts;
const GATES = 3;

function forwardRoom({ inputs, attrs }: Call<"gru">): ForwardRoom {
  const hidden = upTo(attrs.hiddenSize, COLUMNS);
  const depth = 1 + inputSizeOf(inputs[0]) + attrs.hiddenSize;
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

const traits: RecurrentTraits<"gru"> = {
  gates: GATES,
  supports: supportsGru,
  forwardRoom,
  gradRoom,
  setForward(memory, call) {
    const to = memory.arguments;
    const at = fields.gru;
    to[at.resetAfter] = call.attrs.linearBeforeReset ? 1 : 0;
    to[at.gates] = memory.address(call.outputs[2]);
  },
  setGrad(memory, call) {
    const to = memory.arguments;
    const at = fields.gruGrad;
    to[at.resetAfter] = call.attrs.linearBeforeReset ? 1 : 0;
    to[at.gates] = memory.address(keptOf(call, 1));
  },
};

export const gruKernels = (threads: number) => recurrentKernels("gru", traits, threads);
