/** Elementwise kernels of two operands; as in `unary.ts`, each op has a loop of its own. */
import type { Call } from "../call.ts";
import type { Memory } from "../memory.ts";
import { byType } from "./byType.ts";
import { normal } from "./small.ts";

function addFloat({ f32: x }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) x[o] = normal(x[i] + x[j]);
}

function subFloat({ f32: x }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) x[o] = normal(x[i] - x[j]);
}

function mulFloat({ f32: x }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) x[o] = normal(x[i] * x[j]);
}

function divFloat({ f32: x }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) x[o] = normal(x[i] / x[j]);
}

function maximumFloat({ f32: x }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) x[o] = Math.max(x[i], x[j]);
}

function minimumFloat({ f32: x }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) x[o] = Math.min(x[i], x[j]);
}

function addInt({ i32: x }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) x[o] = x[i] + x[j];
}

function subInt({ i32: x }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) x[o] = x[i] - x[j];
}

function mulInt({ i32: x }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) x[o] = Math.imul(x[i], x[j]);
}

function maximumInt({ i32: x }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) x[o] = Math.max(x[i], x[j]);
}

function minimumInt({ i32: x }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) x[o] = Math.min(x[i], x[j]);
}

function lessFloat({ f32: x, u8: y }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) y[o] = x[i] < x[j] ? 1 : 0;
}

function lessInt({ i32: x, u8: y }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) y[o] = x[i] < x[j] ? 1 : 0;
}

function equalFloat({ f32: x, u8: y }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) y[o] = x[i] === x[j] ? 1 : 0;
}

function equalInt({ i32: x, u8: y }: Memory, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const out = call.outputs[0];
  const di = a.stride;
  const dj = b.stride;
  const end = out.offset + out.size;
  for (let o = out.offset, i = a.offset, j = b.offset; o < end; o++, i += di, j += dj) y[o] = x[i] === x[j] ? 1 : 0;
}

/** Where one operand is NaN, `maximum` and `minimum` are NaN and comparisons are false. */
export const binaryKernels = {
  add: byType(addFloat, addInt),
  sub: byType(subFloat, subInt),
  mul: byType(mulFloat, mulInt),
  div: { run: divFloat },
  maximum: byType(maximumFloat, maximumInt),
  minimum: byType(minimumFloat, minimumInt),
  less: byType(lessFloat, lessInt),
  equal: byType(equalFloat, equalInt),
};
