/** Random trials of every op of the list: what it computes, over many shapes, data types and attributes. */
import {
  apply,
  apply1,
  argMax,
  broadcast,
  byElementwise,
  cast,
  concat,
  constant,
  dot,
  dropoutMask,
  type ElementwiseFacts,
  type ElementwiseName,
  full,
  gather,
  iota,
  logSumExp,
  max,
  mul,
  normalNoise,
  type OpAttrs,
  type Operand,
  type OpName,
  pad,
  reshape,
  reverse,
  reverseSequence,
  scatterAdd,
  select,
  sequenceLengths,
  sequenceMask,
  size,
  slice,
  sum,
  topK,
  transpose,
  type Value,
} from "@ostinato/core";
import { softmaxCrossentropy } from "@ostinato/core/graph";
import { type Draw, type DrawnDim, type DrawTrial, shapeOf } from "./draw.ts";
import { fusedTrial } from "./fused.ts";
import { recurrentTrials } from "./recurrent/ops.ts";
import { treeOpTrials } from "./trees.ts";

/** One operand, and whole numbers too where they are taken. */
const unary =
  (op: ElementwiseName, { dtypes, domain: [low, high] = [-6, 6] }: ElementwiseFacts): DrawTrial =>
  (draw) => {
    const dims = draw.dims(draw.whole(0, 3));
    const y = apply1(op, [draw.float("x", dims, low, high)], {});
    return dtypes.includes("int32") ? { y, whole: apply1(op, [draw.int("k", dims)], {}) } : { y };
  };

/** Operands of equal shape, one of them from a single number now and then; the second is not near 0. */
const binary =
  (op: ElementwiseName, { dtypes, domain: [low, high] = [-2, 2] }: ElementwiseFacts): DrawTrial =>
  (draw) => {
    const dims = draw.dims(draw.whole(0, 3));
    const spreadOne = draw.one(["a", "b", "none", "none", "none"]);
    const operand = (name: string, from: number, to: number): Value =>
      spreadOne === name
        ? broadcast(draw.float(name, [], from, to), shapeOf(dims), [])
        : draw.float(name, dims, from, to);
    const y = apply1(op, [operand("a", low, high), operand("b", 0.3, 2)], {});
    return dtypes.includes("int32") ? { y, whole: apply1(op, [draw.int("j", dims), draw.int("k", dims)], {}) } : { y };
  };

const normalizer =
  (op: "softmax" | "logSoftmax"): DrawTrial =>
  (draw) => {
    const range = draw.one([1, 5, 40]);
    return { y: apply1(op, [draw.float("x", draw.dims(draw.whole(1, 3)), -range, range)], {}) };
  };

/** Logits of a few classes and a label for each of their rows, near and far. */
function drawLabelled(draw: Draw) {
  const classes = draw.whole(1, 9);
  const rows = draw.dims(draw.whole(0, 2));
  const range = draw.one([1, 5, 40]);
  return {
    rows,
    logits: draw.float("logits", [...rows, { dim: classes, size: classes }], -range, range),
    labels: draw.int("labels", rows, 0, classes - 1),
    labelSmoothing: draw.one([0, 0, 0.1, 1]),
  };
}

function crossentropyTrial(draw: Draw) {
  const { logits, labels, labelSmoothing } = drawLabelled(draw);
  return { loss: softmaxCrossentropy(logits, labels, { labelSmoothing }) };
}

function crossentropyGradTrial(draw: Draw) {
  const { rows, logits, labels, labelSmoothing } = drawLabelled(draw);
  const [, largest, logSum] = apply("softmaxCrossentropy", [logits, labels], { labelSmoothing });
  const cotangent = draw.float("cotangent", rows);
  return { d: apply1("softmaxCrossentropyGrad", [logits, labels, largest, logSum, cotangent], { labelSmoothing }) };
}

/** A random set of axes, at least one. */
function axesOf(draw: Draw, rank: number): number[] {
  return draw
    .order(rank)
    .slice(0, draw.whole(1, rank))
    .sort((a, b) => a - b);
}

const reduction =
  (reduce: (x: Value, axes: readonly number[]) => Value): DrawTrial =>
  (draw) => {
    const dims = draw.dims(draw.whole(1, 4));
    const axes = axesOf(draw, dims.length);
    return { y: reduce(draw.float("x", dims), axes), whole: reduce(draw.int("k", dims), axes) };
  };

/** Groups of axes (batch, contract, free) in any order in both operands; `free` are those of the second. */
function drawProduct(draw: Draw) {
  const batch = draw.dims(draw.whole(0, 1), 5);
  const contract = draw.dims(draw.whole(0, 2), 15);
  const operand = (name: string) => {
    const groups = [batch, contract, draw.dims(draw.whole(0, 2), 8)];
    const order = draw.order(3);
    const dims: DrawnDim[] = [];
    const axes: number[][] = [];
    for (const group of order) {
      axes[group] = groups[group].map((_, i) => dims.length + i);
      dims.push(...groups[group]);
    }
    return { value: draw.float(name, dims), batch: axes[0], contract: axes[1], free: groups[2] };
  };
  const [a, b] = [operand("a"), operand("b")];
  const attrs: OpAttrs["dot"] = { contract: [a.contract, b.contract], batch: [a.batch, b.batch] };
  return { a: a.value, b: b.value, attrs, free: b.free };
}

function dotTrial(draw: Draw): Readonly<Record<string, Value>> {
  const { a, b, attrs } = drawProduct(draw);
  return { y: dot(a, b, attrs) };
}

/** The axis that is reversed, cut or extended, and the dimensions before and behind it. */
function around(draw: Draw): { before: DrawnDim[]; behind: DrawnDim[]; axis: number } {
  const before = draw.dims(draw.whole(0, 2), 8);
  return { before, behind: draw.dims(draw.whole(0, 1), 6), axis: before.length };
}

function sliceTrial(draw: Draw): Readonly<Record<string, Value>> {
  const { before, behind, axis } = around(draw);
  const along = draw.chance(0.5) ? draw.number() : draw.named("along");
  const extent = draw.whole(1, along.size);
  const x = draw.any("x", [...before, along, ...behind]);
  const start = draw.whole(0, along.size - extent);
  return { front: slice(x, axis, start, extent), back: slice(x, axis, start - along.size, extent) };
}

function padTrial(draw: Draw): Readonly<Record<string, Value>> {
  const { before, behind, axis } = around(draw);
  const along = draw.chance(0.5) ? draw.number() : draw.named("along");
  const extent = draw.whole(1, along.size);
  const x = draw.any("x", [...before, { dim: extent, size: extent }, ...behind]);
  const start = draw.whole(0, along.size - extent);
  const teller = draw.float("teller", [along]);
  return { front: pad(x, axis, start, along.dim), back: pad(x, axis, start - along.size, along.dim), teller };
}

function concatTrial(draw: Draw): Readonly<Record<string, Value>> {
  const { before, behind, axis } = around(draw);
  const kind = draw.one(["float", "float", "int", "bool"] as const);
  const parts = Array.from({ length: draw.whole(2, 4) }, (_, i) => {
    const dims = [...before, draw.number(5), ...behind];
    return draw[kind](`x${i}`, dims);
  });
  return { y: concat(parts, axis) };
}

/** Splits and joins known sizes between named ones, which keep their order. */
function reshapeTrial(draw: Draw): Readonly<Record<string, Value>> {
  const [a, b] = [draw.named("a", 5), draw.named("b", 5)];
  const [m, n] = [draw.number(4), draw.number(4)];
  const product = { dim: m.size * n.size, size: m.size * n.size };
  const forms = [
    [a, m, b, n],
    [m, n, a, b],
    [a, product, b],
    [product, a, b],
    [a, b, n, m],
    [m, a, n, b],
  ];
  return { y: reshape(draw.any("x", draw.one(forms)), shapeOf(draw.one(forms))) };
}

function castTrial(draw: Draw): Readonly<Record<string, Value>> {
  const dims = draw.dims(draw.whole(0, 2));
  const x = draw.float("x", dims, -9, 9);
  const k = draw.int("k", dims, -2, 2);
  const p = draw.bool("p", dims);
  const zeroed = mul(x, cast(p, "float32"));
  return {
    ...{ floatToInt: cast(x, "int32"), floatToBool: cast(zeroed, "bool") },
    ...{ intToFloat: cast(k, "float32"), intToBool: cast(k, "bool") },
    ...{ boolToFloat: cast(p, "float32"), boolToInt: cast(p, "int32") },
  };
}

function selectTrial(draw: Draw): Readonly<Record<string, Value>> {
  const dims = draw.dims(draw.whole(0, 3));
  const condition = draw.bool("condition", dims);
  const other: Operand = draw.chance(0.3) ? 0.5 : draw.float("b", dims);
  const y = select(condition, draw.float("a", dims), other);
  return { y, whole: select(condition, draw.int("j", dims), draw.int("k", dims)) };
}

function gatherTrial(draw: Draw): Readonly<Record<string, Value>> {
  const rows = draw.chance(0.7) ? draw.number() : draw.named("rows");
  const table = draw.any("table", [rows, ...draw.dims(draw.whole(0, 2), 8)]);
  return { y: gather(table, draw.int("ids", draw.dims(draw.whole(0, 2), 10), 0, rows.size - 1)) };
}

/** Rows of b that are read once, more than once, by neighbours and others, or not at all. */
function gatheredDotTrial(draw: Draw): Readonly<Record<string, Value>> {
  const [rows, batch, depth] = [draw.number(), draw.named("batch", 9), draw.number()];
  const columns = draw.number();
  const b = draw.float("b", draw.chance(0.5) ? [rows, depth, columns] : [rows, columns, depth]);
  const at = b.type.shape[1] === depth.dim ? 1 : 2;
  const ids = draw.int("ids", [batch], 0, rows.size - 1);
  const attrs = { contract: [[1], [at]], batch: [[0], [0]] } as const;
  const severalAttrs = { contract: [[2], [at]], batch: [[0], [0]] } as const;
  return {
    y: apply1("gatheredDot", [draw.float("a", [batch, depth]), b, ids], attrs),
    several: apply1("gatheredDot", [draw.float("c", [batch, draw.number(), depth]), b, ids], severalAttrs),
  };
}

function scatterTrial(draw: Draw): Readonly<Record<string, Value>> {
  const rows = draw.chance(0.7) ? draw.number() : draw.named("rows");
  const where = draw.dims(draw.whole(0, 2), 10);
  const ids = draw.int("ids", where, 0, rows.size - 1);
  const updates = draw.float("updates", [...where, ...draw.dims(draw.whole(0, 2), 8)]);
  const teller = draw.float("teller", [rows]);
  return { y: scatterAdd(ids, updates, rows.dim), teller };
}

function reverseSequenceTrial(draw: Draw): Readonly<Record<string, Value>> {
  const [time, batch] = [draw.named("time", 7), draw.named("batch", 5)];
  const dims = [time, batch, ...draw.dims(draw.whole(0, 2), 6)];
  const x = draw.chance(0.8) ? draw.float("x", dims) : draw.int("x", dims);
  return { y: reverseSequence(x, draw.lengths("lengths", batch, time)) };
}

/** Values that no feed makes; the feed beside them tells the named sizes. */
const sources: Readonly<Record<"constant" | "iota" | "size" | "dropoutMask" | "normalNoise", DrawTrial>> = {
  constant: (draw) => {
    const shape = shapeOf(draw.dims(draw.whole(0, 2), 12).map(({ size }) => ({ dim: size, size }))) as number[];
    const count = shape.reduce((a, b) => a * b, 1);
    const x = draw.float("x", [draw.named("n")]);
    return {
      ...{
        float: constant(
          Array.from({ length: count }, () => draw.random.uniform()),
          "float32",
          shape,
        ),
      },
      ...{
        int: constant(
          Array.from({ length: count }, () => draw.whole(-9, 9)),
          "int32",
          shape,
        ),
      },
      ...{ bool: constant(1, "bool", shape), full: full(draw.random.uniform(), ["n", 2]), x },
    };
  },
  iota: (draw) => ({ named: iota("n"), known: iota(draw.number().size), x: draw.float("x", [draw.named("n")]) }),
  size: (draw) => ({ n: size("n"), half: mul(cast(size("n"), "float32"), 0.5), x: draw.float("x", [draw.named("n")]) }),
  dropoutMask: (draw) => {
    const dims = draw.dims(draw.whole(1, 3));
    const attrs = { rate: draw.one([0.1, 0.5, 0.8]), seed: draw.whole(0, 2 ** 31), site: draw.whole(-9, 2 ** 31) };
    const mask = dropoutMask(draw.int("step", [], 0, 1000), { ...attrs, shape: shapeOf(dims) });
    return { mask, dropped: mul(draw.float("x", dims), mask) };
  },
  normalNoise: (draw) => {
    const dims = draw.dims(draw.whole(1, 3));
    const attrs = { seed: draw.whole(0, 2 ** 31), site: draw.whole(-9, 2 ** 31) };
    const noise = normalNoise(draw.int("step", [], 0, 1000), { ...attrs, shape: shapeOf(dims) });
    return { noise, scaled: mul(draw.float("x", dims), noise) };
  },
};

/** A feed, and nothing else: what goes in comes out. */
const inputTrial: DrawTrial = (draw) => ({
  x: draw.float("x", draw.dims(2)),
  k: draw.int("k", draw.dims(1)),
  p: draw.bool("p", draw.dims(1)),
});

export const opTrials: { readonly [O in OpName]: DrawTrial } = {
  input: inputTrial,
  ...sources,
  ...byElementwise((op, facts) => (facts.operands === 1 ? unary : binary)(op, facts)),
  cast: castTrial,
  select: selectTrial,
  dot: dotTrial,
  sum: reduction(sum),
  max: reduction(max),
  argMax: (draw) => {
    const dims = draw.dims(draw.whole(1, 3));
    const axis = draw.whole(0, dims.length - 1);
    // Few different whole numbers: the first of equal ones counts.
    return { y: argMax(draw.float("x", dims), axis), tied: argMax(draw.int("k", dims, 0, 2), axis) };
  },
  topK: (draw) => {
    const last = draw.number();
    const dims = [...draw.dims(draw.whole(0, 2), 12), last];
    const k = draw.whole(1, last.size);
    const { values, indices } = topK(draw.float("x", dims), k);
    // Few different numbers: of equal ones the first comes first. Their gradient goes to the elements that were taken.
    const tied = topK(cast(draw.int("k", dims, 0, 2), "float32"), k);
    return { values, indices, tiedValues: tied.values, tiedIndices: tied.indices };
  },
  reshape: reshapeTrial,
  transpose: (draw) => {
    const dims = draw.dims(draw.whole(2, 4));
    return { y: transpose(draw.any("x", dims), draw.order(dims.length)) };
  },
  broadcast: (draw) => {
    const dims = draw.dims(draw.whole(1, 4));
    const axes = draw.chance(0.2) ? [] : axesOf(draw, dims.length);
    const kept = axes.map((axis) => dims[axis]);
    return { y: broadcast(draw.any("x", kept), shapeOf(dims), axes), teller: draw.float("teller", dims) };
  },
  concat: concatTrial,
  slice: sliceTrial,
  pad: padTrial,
  reverse: (draw) => {
    const dims = draw.dims(draw.whole(1, 3));
    return { y: reverse(draw.any("x", dims), draw.whole(0, dims.length - 1)) };
  },
  gather: gatherTrial,
  scatterAdd: scatterTrial,
  reverseSequence: reverseSequenceTrial,
  softmax: normalizer("softmax"),
  logSoftmax: normalizer("logSoftmax"),
  logSumExp: (draw) => {
    const dims = draw.dims(draw.whole(1, 4));
    return { y: logSumExp(draw.float("x", dims, -9, 9), axesOf(draw, dims.length)) };
  },
  softmaxCrossentropy: crossentropyTrial,
  softmaxCrossentropyGrad: crossentropyGradTrial,
  sequenceMask: (draw) => {
    const [time, batch] = [draw.named("time", 7), draw.named("batch", 7)];
    return { y: sequenceMask(draw.lengths("lengths", batch, time), "time"), x: draw.float("x", [time]) };
  },
  sequenceLengths: (draw) => ({
    // Zeros anywhere: only those behind the last other id end a row.
    y: sequenceLengths(draw.int("ids", [draw.named("time", 7), draw.named("batch", 7)], 0, draw.one([0, 1, 4]))),
  }),
  biasedDot: (draw) => {
    const { a, b, attrs, free } = drawProduct(draw);
    return { y: apply1("biasedDot", [a, b, draw.float("bias", free)], attrs) };
  },
  gatheredDot: gatheredDotTrial,
  fused: fusedTrial,
  ...recurrentTrials,
  ...treeOpTrials,
};
