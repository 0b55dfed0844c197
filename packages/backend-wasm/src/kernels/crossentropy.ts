/** The crossentropy of a softmax and labels, and its gradient. */
import type { Call } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";
import { fields } from "../protocol.ts";
import { bitsOf } from "./bits.ts";

/** Logits from which on it pays to wake the other threads. */
const MANY = 2 ** 16;

function softmaxCrossentropy(memory: WasmMemory, { attrs, inputs, outputs }: Call<"softmaxCrossentropy">): void {
  const [logits, labels] = inputs;
  const to = memory.arguments;
  const at = fields.crossentropy;
  to[at.rows] = labels.size;
  to[at.width] = logits.dims[logits.dims.length - 1];
  to[at.smoothing] = bitsOf(attrs.labelSmoothing);
  to[at.logits] = memory.address(logits);
  to[at.labels] = memory.address(labels);
  to[at.losses] = memory.address(outputs[0]);
  to[at.largest] = memory.address(outputs[1]);
  to[at.logSums] = memory.address(outputs[2]);
  memory.run("crossentropy", logits.size >= MANY);
}

function softmaxCrossentropyGrad(memory: WasmMemory, call: Call<"softmaxCrossentropyGrad">): void {
  const { attrs, inputs, outputs } = call;
  const logits = inputs[0];
  const to = memory.arguments;
  const at = fields.crossentropyGrad;
  to[at.rows] = inputs[1].size;
  to[at.width] = logits.dims[logits.dims.length - 1];
  to[at.smoothing] = bitsOf(attrs.labelSmoothing);
  to[at.logits] = memory.address(logits);
  to[at.labels] = memory.address(inputs[1]);
  to[at.largest] = memory.address(inputs[2]);
  to[at.logSums] = memory.address(inputs[3]);
  to[at.cotangents] = memory.address(inputs[4]);
  to[at.y] = memory.address(outputs[0]);
  memory.run("crossentropyGrad", logits.size >= MANY);
}

export const crossentropyKernels = {
  softmaxCrossentropy: { run: softmaxCrossentropy },
  softmaxCrossentropyGrad: { run: softmaxCrossentropyGrad },
};
