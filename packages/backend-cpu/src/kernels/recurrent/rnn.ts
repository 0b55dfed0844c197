/**
 * The simple recurrent network, forward. Each step is one product [1 | x | h] · [B | W | R]ᵀ over the rows that still run, and one pass of
 * the activation. The readable form is its decomposition in core. Nothing is kept for `rnnGrad` but y.
 */
import type { RecurrenceAttrs } from "@ostinato/core";
import type { Call } from "../../call.ts";
import type { Memory } from "../../memory.ts";
import { hyperbolicTangent } from "../exponential.ts";
import { blockIndex, LEFT, multiplyPanels, packedSize, RIGHT, sumsSize } from "../panels.ts";
import { lasting } from "../small.ts";
import {
  depthOf,
  inputSizeOf,
  openOperand,
  openSums,
  operandSize,
  placeOf,
  readInputs,
  stateLane,
  writeFinal,
} from "./operand.ts";
import { isOrdinary, optionOf } from "./recurrence.ts";
import { clearEnds, expectGiven, lengthsAt, rowsBytes, sortRows } from "./rows.ts";
import { packInputWeights, packStateWeights } from "./weights.ts";

/** Whether the native kernels compute a simple recurrent network with these attributes; what they do not is decomposed. */
export function supportsRnn(attrs: RecurrenceAttrs<"rnn">): boolean {
  const activations = isRelu(attrs) ? (["Tanh"] as const) : attrs.activations;
  return isOrdinary("rnn", { ...attrs, activations }, ["lengths", "initialH", "recurrentBias"]);
}

/** The kernels compute tanh and relu. */
export function isRelu(attrs: RecurrenceAttrs<"rnn">): boolean {
  return attrs.activations[0] === "Relu";
}

function scratch(call: Call<"rnn">): number {
  const [time, batch] = call.inputs[0].dims;
  const hidden = call.attrs.hiddenSize;
  const weights = packedSize(hidden, depthOf(call), LEFT);
  return rowsBytes(time, batch) + 8 * (weights + operandSize(call) + sumsSize(hidden, batch));
}

function rnn(memory: Memory, call: Call<"rnn">): void {
  const { f32, f64, i32 } = memory;
  const { inputs, outputs, attrs } = call;
  const [x] = inputs;
  const time = x.dims[0];
  const batch = x.dims[1];
  const inputSize = inputSizeOf(x);
  const hidden = attrs.hiddenSize;
  const relu = isRelu(attrs);
  expectGiven("rnn", memory, call);
  sortRows("rnn", memory, optionOf(call, "lengths"), time, batch);
  const lengths = lengthsAt(memory, batch);

  const depth = depthOf(call);
  const panel = depth * LEFT;
  const weights = (memory.scratch + rowsBytes(time, batch)) / 8;
  const rows = weights + packedSize(hidden, depth, LEFT);
  const sums = rows + operandSize(call);
  packInputWeights(memory, call, 0, hidden, weights, panel, true);
  packStateWeights(memory, call, 0, hidden, weights + (1 + inputSize) * LEFT, panel);
  openOperand(memory, call, rows);
  const y = outputs[0].offset;
  if (y >= 0) clearEnds(memory, y, time, batch, hidden);

  let active = batch;
  for (let step = 0; ; step++) {
    while (active > 0 && i32[lengths + active - 1] <= step) active -= 1;
    if (active === 0) break;
    readInputs(memory, call, rows, step, active);
    openSums(memory, call, step, active, 0, hidden, sums);
    multiplyPanels(f64, weights, panel, hidden, rows, depth * RIGHT, active, depth, sums);
    for (let p = 0; p < active; p++) {
      const lane = stateLane(call, rows, p);
      const to = y < 0 ? -1 : y + placeOf(memory, call, step, p) * hidden;
      for (let j = 0; j < hidden; j++) {
        const sum = f64[sums + blockIndex(j, p, active)];
        const h = lasting(Math.fround(relu ? Math.max(sum, 0) : hyperbolicTangent(sum)));
        f64[lane + j * RIGHT] = h;
        if (to >= 0) f32[to + j] = h;
      }
    }
  }
  writeFinal(memory, call, rows, outputs[1]);
}

export const rnnKernel = { run: rnn, scratch, supports: supportsRnn };
