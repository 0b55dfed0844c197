/** The simple recurrent network and its gradient: what sets their kernels apart. */
import { type Call, inputSizeOf, isRelu, supportsRnn } from "@ostinato/backend-cpu";
import { counts, fields } from "../../protocol.ts";
import { type RecurrentTraits, recurrentKernels } from "./kernels.ts";
import { type ForwardRoom, type GradRoom, upTo } from "./layout.ts";

const { columns: COLUMNS } = counts;
const GATES = 1;

function forwardRoom({ inputs, attrs }: Call<"rnn">): ForwardRoom {
  const depth = 1 + inputSizeOf(inputs[0]) + attrs.hiddenSize;
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

const traits: RecurrentTraits<"rnn"> = {
  gates: GATES,
  supports: supportsRnn,
  forwardRoom,
  gradRoom,
  setForward(memory, call) {
    memory.arguments[fields.rnn.relu] = isRelu(call.attrs) ? 1 : 0;
  },
  setGrad(memory, call) {
    memory.arguments[fields.rnnGrad.relu] = isRelu(call.attrs) ? 1 : 0;
  },
};

export const rnnKernels = (threads: number) => recurrentKernels("rnn", traits, threads);
