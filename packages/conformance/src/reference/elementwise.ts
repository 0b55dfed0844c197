/** Elementwise ops: `y[i] = f(x[i])`. */
import type { DType, ElementwiseName, OpName } from "@ostinato/core";
import { type Dense, empty } from "./dense.ts";
import type { Kernel, Kernels } from "./kernel.ts";

function map(dtype: DType | "float64", f: (...elements: number[]) => number, ...inputs: readonly Dense[]): Dense {
  const out = empty(dtype, inputs[0].shape);
  for (let i = 0; i < out.data.length; i++) out.data[i] = f(...inputs.map((input) => input.data[i]));
  return out;
}

/** The output has the data type of the input. */
const same =
  <O extends OpName>(f: (...elements: number[]) => number): Kernel<O> =>
  (inputs) => [map(inputs[0].dtype, f, ...inputs)];

/** A truth value. */
const truth =
  <O extends OpName>(f: (a: number, b: number) => boolean): Kernel<O> =>
  (inputs) => [map("bool", (a, b) => Number(f(a, b)), ...inputs)];

const casts: { readonly [D in DType]: (x: number) => number } = {
  float32: (x) => x,
  int32: Math.trunc,
  bool: (x) => Number(x !== 0),
};

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const relu = (x: number): number => Math.max(x, 0);

/** Sums, differences and products of whole numbers wrap at 32 bits: what is written to an Int32Array does, and `Math.imul`. */
export const elementwise: Kernels<ElementwiseName | "cast" | "select"> = {
  neg: same((x) => -x),
  exp: same(Math.exp),
  log: same(Math.log),
  sqrt: same(Math.sqrt),
  abs: same(Math.abs),
  sign: same(Math.sign),
  tanh: same(Math.tanh),
  sigmoid: same(sigmoid),
  relu: same(relu),
  // log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)): the exponent is never positive.
  softplus: same((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  cast: ([x], { dtype }) => [map(dtype, casts[dtype], x)],
  add: same((a, b) => a + b),
  sub: same((a, b) => a - b),
  mul: (inputs) => [map(inputs[0].dtype, inputs[0].dtype === "int32" ? Math.imul : (a, b) => a * b, ...inputs)],
  div: same((a, b) => a / b),
  maximum: same(Math.max),
  minimum: same(Math.min),
  pow: same((a, b) => a ** b),
  less: truth((a, b) => a < b),
  equal: truth((a, b) => a === b),
  select: ([condition, a, b]) => [map(a.dtype, (c, x, y) => (c ? x : y), condition, a, b)],
};
