/** Softmax and its logarithm. */
import type { Call } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";
import { fields } from "../protocol.ts";

/** Elements from which on it pays to wake the other threads. */
const MANY = 2 ** 18;

function softmax(memory: WasmMemory, { op, inputs, outputs }: Call): void {
  const x = inputs[0];
  const width = x.dims[x.dims.length - 1];
  const to = memory.arguments;
  const at = fields.softmax;
  to[at.logarithm] = op === "logSoftmax" ? 1 : 0;
  to[at.rows] = x.size / width;
  to[at.width] = width;
  to[at.x] = memory.address(x);
  to[at.y] = memory.address(outputs[0]);
  memory.run("softmax", x.size >= MANY);
}

export const softmaxKernels = { softmax: { run: softmax }, logSoftmax: { run: softmax } };
