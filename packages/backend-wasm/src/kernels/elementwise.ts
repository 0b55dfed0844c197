/** Elementwise ops and softmax. What is not made of floats is left to the CPU backend's kernels. */
import { basicKernels, type Call, type Kernel } from "@ostinato/backend-cpu";
import type { WasmMemory } from "../memory.ts";
import { binaryOps, fields, unaryOps } from "../protocol.ts";

/** Elements from which on it pays to wake the other threads. */
const MANY = 2 ** 18;

function unary(memory: WasmMemory, number: number, call: Call): void {
  const x = call.inputs[0];
  const y = call.outputs[0];
  const to = memory.arguments;
  const at = fields.unary;
  to[at.op] = number;
  to[at.size] = y.size;
  to[at.x] = memory.address(x);
  to[at.xStride] = x.stride;
  to[at.y] = memory.address(y);
  memory.run("unary", y.size >= MANY);
}

function binary(memory: WasmMemory, number: number, call: Call): void {
  const a = call.inputs[0];
  const b = call.inputs[1];
  const y = call.outputs[0];
  const to = memory.arguments;
  const at = fields.binary;
  to[at.op] = number;
  to[at.size] = y.size;
  to[at.a] = memory.address(a);
  to[at.aStride] = a.stride;
  to[at.b] = memory.address(b);
  to[at.bStride] = b.stride;
  to[at.y] = memory.address(y);
  memory.run("binary", y.size >= MANY);
}

type Run = (memory: WasmMemory, number: number, call: Call) => void;

/** Floats by the module, whole numbers by the CPU backend. */
function floatKernels<O extends (typeof unaryOps)[number] | (typeof binaryOps)[number]>(
  ops: readonly O[],
  run: Run,
): Readonly<Record<O, Kernel>> {
  const entries = ops.map((op, number) => {
    const plain = basicKernels[op] as Kernel;
    const kernel: Kernel = {
      run: (memory: WasmMemory, call: Call): void => {
        if (call.inputs[0].dtype === "float32") run(memory, number, call);
        else plain.run(memory, call);
      },
    };
    return [op, kernel];
  });
  return Object.fromEntries(entries);
}

function select(memory: WasmMemory, call: Call): void {
  const condition = call.inputs[0];
  const a = call.inputs[1];
  const b = call.inputs[2];
  const y = call.outputs[0];
  if (y.dtype === "bool") {
    basicKernels.select.run(memory, call as Call<"select">);
    return;
  }
  const to = memory.arguments;
  const at = fields.select;
  to[at.size] = y.size;
  to[at.condition] = memory.address(condition);
  to[at.conditionStride] = condition.stride;
  to[at.a] = memory.address(a);
  to[at.aStride] = a.stride;
  to[at.b] = memory.address(b);
  to[at.bStride] = b.stride;
  to[at.y] = memory.address(y);
  memory.run("select", y.size >= MANY);
}

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

export const elementwiseKernels = {
  ...floatKernels(unaryOps, unary),
  ...floatKernels(binaryOps, binary),
  select: { run: select },
  softmax: { run: softmax },
  logSoftmax: { run: softmax },
};
