/** The LSTM and its gradient: what sets their kernels apart. */
import { type Call, inputSizeOf, keptOf, optionOf, supportsLstm } from "@ostinato/backend-cpu";
import { counts, fields } from "../../protocol.ts";
import { type RecurrentTraits, recurrentKernels } from "./kernels.ts";
import { addressOf, type ForwardRoom, type GradRoom, upTo } from "./layout.ts";

const { columns: COLUMNS, units: UNITS } = counts;
const GATES = 4;

function forwardRoom({ inputs, attrs }: Call<"lstm">): ForwardRoom {
  const hidden = upTo(attrs.hiddenSize, UNITS);
  const depth = 1 + inputSizeOf(inputs[0]) + attrs.hiddenSize;
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

const traits: RecurrentTraits<"lstm"> = {
  gates: GATES,
  supports: supportsLstm,
  forwardRoom,
  gradRoom,
  setForward(memory, call) {
    const to = memory.arguments;
    const at = fields.lstm;
    to[at.initialC] = addressOf(memory, optionOf(call, "initialC"));
    to[at.c] = memory.address(call.outputs[2]);
    to[at.gates] = memory.address(call.outputs[3]);
    to[at.cells] = memory.address(call.outputs[4]);
  },
  setGrad(memory, call) {
    const to = memory.arguments;
    const at = fields.lstmGrad;
    to[at.initialC] = addressOf(memory, optionOf(call, "initialC"));
    to[at.gates] = memory.address(keptOf(call, 1));
    to[at.cells] = memory.address(keptOf(call, 2));
  },
};

export const lstmKernels = (threads: number) => recurrentKernels("lstm", traits, threads);
