/**
 * Elementwise kernels of one operand. Each op has a loop of its own, because the engine compiles a loop once for all functions that
 * are handed to it. Dense operands advance by 1, uniform ones by 0.
 */
import type { Call } from "../call.ts";
import type { Memory } from "../memory.ts";
import { byType } from "./byType.ts";
import { exponential, hyperbolicTangent, logistic } from "./exponential.ts";
import { normal } from "./small.ts";

function negFloat({ f32: x }: Memory, call: Call): void {
  const y = call.outputs[0];
  const di = call.inputs[0].stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = call.inputs[0].offset; o < end; o++, i += di) x[o] = -x[i];
}

function expFloat({ f32: x }: Memory, call: Call): void {
  const y = call.outputs[0];
  const di = call.inputs[0].stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = call.inputs[0].offset; o < end; o++, i += di) x[o] = normal(exponential(x[i]));
}

function logFloat({ f32: x }: Memory, call: Call): void {
  const y = call.outputs[0];
  const di = call.inputs[0].stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = call.inputs[0].offset; o < end; o++, i += di) x[o] = Math.log(x[i]);
}

function sqrtFloat({ f32: x }: Memory, call: Call): void {
  const y = call.outputs[0];
  const di = call.inputs[0].stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = call.inputs[0].offset; o < end; o++, i += di) x[o] = Math.sqrt(x[i]);
}

function absFloat({ f32: x }: Memory, call: Call): void {
  const y = call.outputs[0];
  const di = call.inputs[0].stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = call.inputs[0].offset; o < end; o++, i += di) x[o] = Math.abs(x[i]);
}

function signFloat({ f32: x }: Memory, call: Call): void {
  const y = call.outputs[0];
  const di = call.inputs[0].stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = call.inputs[0].offset; o < end; o++, i += di) x[o] = Math.sign(x[i]);
}

function tanhFloat({ f32: x }: Memory, call: Call): void {
  const y = call.outputs[0];
  const di = call.inputs[0].stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = call.inputs[0].offset; o < end; o++, i += di) x[o] = normal(hyperbolicTangent(x[i]));
}

function sigmoidFloat({ f32: x }: Memory, call: Call): void {
  const y = call.outputs[0];
  const di = call.inputs[0].stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = call.inputs[0].offset; o < end; o++, i += di) x[o] = normal(logistic(x[i]));
}

function reluFloat({ f32: x }: Memory, call: Call): void {
  const y = call.outputs[0];
  const di = call.inputs[0].stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = call.inputs[0].offset; o < end; o++, i += di) x[o] = Math.max(x[i], 0);
}

function softplusFloat({ f32: x }: Memory, call: Call): void {
  const y = call.outputs[0];
  const di = call.inputs[0].stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = call.inputs[0].offset; o < end; o++, i += di)
    x[o] = normal(Math.max(x[i], 0) + Math.log1p(Math.exp(-Math.abs(x[i]))));
}

function negInt({ i32: x }: Memory, call: Call): void {
  const y = call.outputs[0];
  const di = call.inputs[0].stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = call.inputs[0].offset; o < end; o++, i += di) x[o] = -x[i];
}

function absInt({ i32: x }: Memory, call: Call): void {
  const y = call.outputs[0];
  const di = call.inputs[0].stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = call.inputs[0].offset; o < end; o++, i += di) x[o] = Math.abs(x[i]);
}

function signInt({ i32: x }: Memory, call: Call): void {
  const y = call.outputs[0];
  const di = call.inputs[0].stride;
  const end = y.offset + y.size;
  for (let o = y.offset, i = call.inputs[0].offset; o < end; o++, i += di) x[o] = Math.sign(x[i]);
}

/** NaN passes through `relu` and `softplus`. */
export const unaryKernels = {
  neg: byType(negFloat, negInt),
  exp: { run: expFloat },
  log: { run: logFloat },
  sqrt: { run: sqrtFloat },
  abs: byType(absFloat, absInt),
  sign: byType(signFloat, signInt),
  tanh: { run: tanhFloat },
  sigmoid: { run: sigmoidFloat },
  relu: { run: reluFloat },
  softplus: { run: softplusFloat },
};
