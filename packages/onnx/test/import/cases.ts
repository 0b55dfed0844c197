/** Operators as written by other libraries, each in a small file. */
import { sizeOf } from "@ostinato/core";
import type { Message } from "../../src/file/schema.ts";
import { file, float, floats, input, int64, ints, node, type Parts } from "./files.ts";

export type Dims = readonly (number | string)[];

/** Nodes that compute "y" from random inputs. */
export interface Case extends Omit<Parts, "inputs"> {
  readonly inputs: Readonly<Record<string, Dims>>;
  /** Exclusive upper bounds of integer inputs, by name. */
  readonly below?: Readonly<Record<string, number>>;
}

const x: Case["inputs"] = { x: ["batch", "time", 6] };
const one = (
  op: string,
  attributes: Parameters<typeof node>[3] = {},
  inputs: Case["inputs"] = x,
  more: Partial<Case> = {},
): Case => ({
  inputs,
  nodes: [
    node(op, [...Object.keys(inputs), ...(more.initializers ?? []).map(({ name }) => name)].join(" "), "y", attributes),
  ],
  ...more,
});
const weight = (name: string, ...dims: number[]): Message<"Tensor"> =>
  floats(
    name,
    dims,
    Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(3 * i + 1)),
  );

const unary = [
  "Neg",
  "Abs",
  "Sign",
  "Exp",
  "Floor",
  "Ceil",
  "Tanh",
  "Sigmoid",
  "Relu",
  "Softplus",
  "Softsign",
  "Erf",
  "Reciprocal",
  "Identity",
];
const activations = ["HardSigmoid", "HardSwish", "LeakyRelu", "ThresholdedRelu", "Elu", "Celu", "Selu"];
const reductions = ["Sum", "Mean", "Max", "Min", "L1", "L2", "SumSquare", "LogSumExp"];
const pair = { a: ["batch", 1, 6], b: ["time", 1] } as const;

/** Reductions, with the axes where each opset has them. */
const reductionCases = reductions.flatMap((name): [string, Case][] => {
  const before = name === "Sum" ? 11 : 17;
  const [op, after] = [`Reduce${name}`, name === "Sum" ? 17 : 18];
  const axes = (...list: number[]): Partial<Case> => ({ opset: after, initializers: [ints("axes", ...list)] });
  return [
    [`${op} of one axis that stays`, one(op, { axes: [-1] }, x, { opset: before })],
    [`${op} of two axes that go`, one(op, { keepdims: 0 }, x, axes(0, 2))],
    [`${op} of all axes`, one(op, {}, x, { opset: after })],
  ];
});

const comparisons = ["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"].map((op): [string, Case] => [
  op,
  {
    inputs: pair,
    nodes: [node(op, "a b", "holds"), node("Not", "holds", "fails"), node("Where", "fails a b", "y")],
  },
]);

/** An integer tensor. */
const scalar = (name: string, number: number): Message<"Tensor"> => ({
  name,
  dataType: int64,
  dims: [],
  int64s: [number],
});

/** The cases, by title. */
export const cases: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(unary.map((op) => [op, one(op)])),
  ...Object.fromEntries(activations.map((op) => [op, one(op)])),
  ...Object.fromEntries(reductionCases),
  ...Object.fromEntries(comparisons),
  ...Object.fromEntries(
    ["Add", "Sub", "Mul", "Div", "Max", "Min"].map((op) => [`${op}, stretched from both sides`, one(op, {}, pair)]),
  ),
  "LeakyRelu with its number": one("LeakyRelu", { alpha: { float: 0.3 } }),
  "Elu with its number": one("Elu", { alpha: { float: 0.3 } }),
  PRelu: one("PRelu", {}, x, { initializers: [weight("slope", 6)] }),
  Gelu: one("Gelu", {}, x, { opset: 20 }),
  "Gelu by tanh": one("Gelu", { approximate: "tanh" }, x, { opset: 20 }),
  Mish: one("Mish", {}, x, { opset: 18 }),
  "Clip by inputs": one("Clip", {}, x, { initializers: [floats("least", [], [-0.5]), floats("most", [], [1])] }),
  "Clip by attributes": one("Clip", { min: { float: -0.5 } }, x, { opset: 10 }),
  "Sum of three": one("Sum", {}, { ...pair, c: [6] }),
  "Mean of three": one("Mean", {}, { ...pair, c: [6] }),
  "Pow 2": one("Pow", {}, x, { initializers: [floats("two", [], [2])] }),
  "Pow 3 of whole numbers": one("Pow", {}, x, { initializers: [ints("three", 3)] }),
  "Sqrt and Log": {
    inputs: x,
    nodes: [
      node("Mul", "x x", "square"),
      node("Sqrt", "square", "root"),
      node("Exp", "root", "e"),
      node("Log", "e", "y"),
    ],
  },
  "And, Or, Xor": {
    inputs: pair,
    nodes: [
      node("Less", "a b", "less"),
      node("Greater", "a b", "greater"),
      node("And", "less greater", "and"),
      node("Or", "less and", "or"),
      node("Xor", "or greater", "xor"),
      node("Cast", "xor", "y", { to: 1 }),
    ],
  },
  "MatMul with a matrix": one("MatMul", {}, x, { initializers: [weight("w", 6, 5)] }),
  "MatMul of matrices": one("MatMul", {}, { a: ["batch", "time", 6], b: ["batch", 6, "time"] }),
  "MatMul of matrices that are stretched": one("MatMul", {}, { a: ["batch", 1, "time", 6], b: [2, 6, 5] }),
  "MatMul of a matrix and many": one("MatMul", {}, { a: ["time", 6], b: ["batch", 6, 5] }),
  "MatMul with a vector": one("MatMul", {}, x, { initializers: [weight("w", 6)] }),
  "MatMul of a vector": one("MatMul", {}, { a: [6], b: ["batch", 6, 5] }),
  "Gemm with all": one(
    "Gemm",
    { alpha: { float: 0.5 }, beta: { float: 2 }, transB: 1 },
    { a: ["batch", 6] },
    { initializers: [weight("w", 5, 6), weight("c", 5)] },
  ),
  "Gemm of a matrix on its side": one(
    "Gemm",
    { transA: 1 },
    { a: [6, "batch"] },
    { initializers: [weight("w", 6, 5)] },
  ),
  "Einsum as attention has it": one(
    "Einsum",
    { equation: "bqhd,bkhd->bhqk" },
    { a: ["batch", "time", 2, 3], b: ["batch", "n", 2, 3] },
  ),
  "Einsum that sums what stands alone": one("Einsum", { equation: "bti,ij->bj" }, x, {
    initializers: [weight("w", 6, 5)],
  }),
  "Einsum with dots": one("Einsum", { equation: "...i,ij->...j" }, x, { initializers: [weight("w", 6, 5)] }),
  "Einsum of one": one("Einsum", { equation: "bti->tb" }),
  "Einsum of three": one("Einsum", { equation: "bti,ij,j->bt" }, x, {
    initializers: [weight("w", 6, 5), weight("v", 5)],
  }),
  "Softmax of the last axis": one("Softmax"),
  "Softmax of time": one("Softmax", { axis: 1 }),
  "Softmax before opset 13": one("Softmax", {}, x, { opset: 11 }),
  "LogSoftmax before opset 13": one("LogSoftmax", { axis: 2 }, x, { opset: 11 }),
  "LogSoftmax of two axes before opset 13": one("LogSoftmax", {}, x, { opset: 11 }),
  ArgMax: { inputs: x, outputs: [["y", int64]], nodes: [node("ArgMax", "x", "y", { axis: -1 })] },
  ArgMin: { inputs: x, outputs: [["y", int64]], nodes: [node("ArgMin", "x", "y", { axis: 1, keepdims: 0 })] },
  TopK: {
    inputs: x,
    initializers: [ints("k", 2)],
    outputs: [
      ["y", float],
      ["i", int64],
    ],
    nodes: [node("TopK", "x k", "y i", { largest: 0 })],
  },
  LayerNormalization: one("LayerNormalization", { epsilon: { float: 0.01 } }, x, {
    initializers: [weight("scale", 6), weight("bias", 6)],
  }),
  BatchNormalization: one(
    "BatchNormalization",
    {},
    { x: ["batch", 6, "time"] },
    {
      initializers: [
        weight("scale", 6),
        weight("bias", 6),
        weight("mean", 6),
        floats("variance", [6], [1, 2, 3, 4, 5, 0.5]),
      ],
    },
  ),
  Dropout: one("Dropout", {}, x, { opset: 11 }),
  Transpose: one("Transpose", { perm: [2, 0, 1] }),
  "Transpose without an order": one("Transpose"),
  "Reshape that copies and leaves open": one("Reshape", {}, x, { initializers: [ints("to", 0, -1, 2, 3)] }),
  "Flatten batch and time, and Reshape back": {
    inputs: x,
    initializers: [weight("w", 6, 5), ints("six", -1, 6), ints("zero", 0), ints("two", 2), ints("five", 5)],
    nodes: [
      node("Reshape", "x six", "rows"),
      node("MatMul", "rows w", "products"),
      node("Softmax", "products", "scores"),
      node("Shape", "x", "shape"),
      node("Slice", "shape zero two", "sizes"),
      node("Concat", "sizes five", "to", { axis: 0 }),
      node("Reshape", "scores to", "y"),
    ],
  },
  "Reshape of heads": {
    inputs: x,
    initializers: [ints("heads", 0, 0, 2, 3), ints("back", 0, 0, 6)],
    nodes: [
      node("Reshape", "x heads", "split"),
      node("Transpose", "split", "turned", { perm: [0, 2, 1, 3] }),
      node("Tanh", "turned", "tanh"),
      node("Transpose", "tanh", "again", { perm: [0, 2, 1, 3] }),
      node("Reshape", "again back", "y"),
    ],
  },
  "Flatten features": one("Flatten", { axis: 1 }, { x: ["batch", 2, 3] }),
  "Squeeze and Unsqueeze": {
    inputs: { x: ["batch", 1, 6] },
    initializers: [ints("one", 1), ints("last", -1)],
    nodes: [node("Squeeze", "x one", "flat"), node("Unsqueeze", "flat last", "y")],
  },
  "Squeeze by attribute": one("Squeeze", { axes: [1] }, { x: ["batch", 1, 6] }, { opset: 11 }),
  Expand: one("Expand", {}, { x: ["batch", 1] }, { initializers: [ints("to", 2, 1, 4)] }),
  Tile: one("Tile", {}, { x: ["batch", 3] }, { initializers: [ints("repeats", 1, 2)] }),
  Pad: one("Pad", {}, { x: ["batch", 3] }, { initializers: [ints("pads", 0, 1, 0, 2)] }),
  "Slice from the end": one("Slice", {}, x, {
    initializers: [ints("starts", -2), ints("ends", 2 ** 40), ints("axes", 1)],
  }),
  "Slice of features": one("Slice", {}, x, { initializers: [ints("starts", 1), ints("ends", -1), ints("axes", 2)] }),
  "Slice with steps": one("Slice", {}, x, {
    initializers: [ints("starts", 4), ints("ends", 0), ints("axes", 2), ints("steps", -2)],
  }),
  "Slice backwards": one("Slice", {}, x, {
    initializers: [ints("starts", -1), ints("ends", -(2 ** 40)), ints("axes", 1), ints("steps", -1)],
  }),
  "Slice by attributes": one("Slice", { starts: [1], ends: [3], axes: [2] }, x, { opset: 9 }),
  "Slice to computed ends": {
    inputs: x,
    initializers: [ints("one", 1), ints("two", 2), ints("index", 1)],
    nodes: [
      node("Shape", "x", "shape"),
      node("Gather", "shape index", "time"),
      node("Sub", "time one", "last"),
      node("Slice", "x last time one", "y"),
    ],
  },
  Split: {
    inputs: x,
    initializers: [ints("parts", 4, 2)],
    nodes: [node("Split", "x parts", "a b", { axis: 2 }), node("Concat", "b a", "y", { axis: -1 })],
  },
  "Split in equal parts": {
    inputs: x,
    nodes: [node("Split", "x", "a b c", { axis: -1 }), node("Sum", "a b c", "y")],
  },
  "Gather rows of a table": {
    inputs: { ids: ["batch", "time"] },
    below: { ids: 9 },
    initializers: [weight("table", 9, 4)],
    nodes: [node("Gather", "table ids", "y")],
  },
  "Gather the last step": one("Gather", { axis: 1 }, x, {
    initializers: [scalar("last", -1)],
  }),
  "Gather features": one("Gather", { axis: 2 }, x, { initializers: [ints("places", 5, 0, -2)] }),
  "Gather along time by computed places": {
    inputs: { x: ["batch", 4, 2], places: ["n"] },
    below: { places: 4 },
    nodes: [node("Gather", "x places", "y", { axis: 1 })],
  },
  GatherElements: {
    inputs: { x: ["batch", "time", 2], places: ["batch", 1, 2] },
    below: { places: 4 },
    nodes: [node("GatherElements", "x places", "y", { axis: 1 })],
  },
  "GatherND of the last step of each row": {
    inputs: { x: ["batch", "time", 2], lengths: ["batch"] },
    below: { lengths: 4 },
    initializers: [ints("zero", 0), ints("one", 1), scalar("start", 0), scalar("step", 1)],
    nodes: [
      node("Shape", "x", "batches", { start: 0, end: 1 }),
      node("Squeeze", "batches zero", "batch"),
      node("Range", "start batch step", "rows"),
      node("Unsqueeze", "rows one", "row"),
      node("Unsqueeze", "lengths one", "last"),
      node("Concat", "row last", "places", { axis: -1 }),
      node("GatherND", "x places", "y"),
    ],
  },
  "TopK before opset 10": {
    inputs: x,
    opset: 9,
    outputs: [
      ["y", float],
      ["i", int64],
    ],
    nodes: [node("TopK", "x", "y i", { k: 2 })],
  },
  "Trilu, above": one("Trilu", {}, { x: ["batch", "time", "n"] }, { initializers: [scalar("k", 1)] }),
  "Trilu, below": one("Trilu", { upper: 0 }, { x: ["batch", "time", 5] }),
  "a causal mask": {
    inputs: { x: ["batch", "time", "time"] },
    initializers: [ints("one", 1), ints("three", 3), floats("low", [], [Number.NEGATIVE_INFINITY])],
    nodes: [
      node("Shape", "x", "sizes"),
      node("Slice", "sizes one three", "square"),
      node("ConstantOfShape", "square", "ones", {}, { value: floats("", [1], [1]) }),
      node("Trilu", "ones", "lower", { upper: 0 }),
      node("Cast", "lower", "seen", { to: 9 }),
      node("Where", "seen x low", "masked"),
      node("Softmax", "masked", "y"),
    ],
  },
  "numbers that are none": {
    inputs: x,
    initializers: [floats("zero", [], [0])],
    nodes: [node("Sqrt", "x", "root"), node("IsNaN", "root", "none"), node("Where", "none zero root", "y")],
  },
  OneHot: {
    inputs: { ids: ["batch", "time"] },
    below: { ids: 5 },
    initializers: [scalar("depth", 5), floats("values", [2], [0, 1])],
    nodes: [node("OneHot", "ids depth values", "y")],
  },
  ReverseSequence: {
    inputs: { x: ["batch", "time", 2], lengths: ["batch"] },
    below: { lengths: 4 },
    nodes: [node("ReverseSequence", "x lengths", "y", { time_axis: 1, batch_axis: 0 })],
  },
  CumSum: one("CumSum", {}, x, { initializers: [scalar("axis", 1)] }),
  "CumSum from the end, without its own": one("CumSum", { exclusive: 1, reverse: 1 }, x, {
    initializers: [scalar("axis", 1)],
  }),
  "a dense layer over time, as tf2onnx writes it": {
    inputs: x,
    initializers: [
      weight("w", 6, 5),
      weight("b", 5),
      ints("lead", 0, 1),
      ints("last", 2),
      ints("five", 5),
      ints("zero", 0),
    ],
    nodes: [
      node("Shape", "x", "shape64"),
      node("Cast", "shape64", "shape", { to: 6 }),
      node("Gather", "shape lead", "free"),
      node("Gather", "shape last", "summed"),
      node("ReduceProd", "free", "rows", { keepdims: 0 }),
      node("ReduceProd", "summed", "columns", { keepdims: 0 }),
      node("Unsqueeze", "rows zero", "row"),
      node("Unsqueeze", "columns zero", "column"),
      node("Concat", "row column", "flat32", { axis: 0 }),
      node("Cast", "flat32", "flat", { to: 7 }),
      node("Reshape", "x flat", "matrix"),
      node("MatMul", "matrix w", "product"),
      node("Cast", "free", "free64", { to: 7 }),
      node("Concat", "free64 five", "to", { axis: 0 }),
      node("Reshape", "product to", "back"),
      node("Add", "back b", "y"),
    ],
  },
  "a mean over the steps of each row": {
    inputs: { x: ["batch", "time", 2], lengths: ["batch"] },
    below: { lengths: 4 },
    initializers: [ints("one", 1), ints("two", 2), ints("zero", 0), scalar("start", 0), scalar("step", 1)],
    nodes: [
      node("Shape", "x", "sizes"),
      node("Slice", "sizes one two", "times"),
      node("Squeeze", "times zero", "time"),
      node("Range", "start time step", "steps"),
      node("Unsqueeze", "lengths one", "ends"),
      node("Less", "steps ends", "mask"),
      node("Cast", "mask", "weights", { to: 1 }),
      node("Unsqueeze", "weights two", "each"),
      node("Mul", "x each", "masked"),
      node("ReduceSum", "masked one", "total", { keepdims: 0 }),
      node("Max", "ends step", "most"),
      node("Cast", "most", "count", { to: 1 }),
      node("Div", "total count", "y"),
    ],
  },
};

/** The file of a case. */
export const bytesOf = ({ inputs, below = {}, ...parts }: Case): Uint8Array =>
  file({
    ...parts,
    inputs: Object.entries(inputs).map(([name, dims]) => input(name, below[name] === undefined ? float : int64, dims)),
  });
