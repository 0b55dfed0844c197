/** The type of every op's outputs, from the types of its inputs; where they cannot be right, a typed error. */
import { DTypeError, ShapeError } from "../errors.ts";
import { sizeOf } from "../tensor.ts";
import { inferRecurrence, inferRecurrenceGrad } from "./inferRecurrence.ts";
import { inferScan } from "./inferScan.ts";
import { inferTreeRecur, inferTreeRecurGrad } from "./inferTree.ts";
import { byElementwise, type ElementwiseFacts, type ElementwiseName, type OpAttrs, type OpName } from "./ops.ts";
import { byRecurrence, byRecurrenceGrad } from "./recurrences.ts";
import { type DType, type Shape, sameShape, showShape, showType, type ValueType } from "./value.ts";

type InferRule<O extends OpName> = (inputs: readonly ValueType[], attrs: OpAttrs[O], op: O) => ValueType[];

function arity(op: OpName, inputs: readonly ValueType[], count: number): void {
  if (inputs.length !== count) throw new ShapeError(`${op} takes ${count} inputs, got ${inputs.length}`);
}

function expectDType(op: OpName, type: ValueType, ...allowed: readonly DType[]): void {
  if (!allowed.includes(type.dtype)) throw new DTypeError(`${op} takes ${allowed.join(" or ")}, got ${showType(type)}`);
}

function expectAxis(op: OpName, type: ValueType, axis: number): void {
  if (!Number.isInteger(axis) || axis < 0 || axis >= type.shape.length) {
    throw new ShapeError(`${op}: axis ${axis} is not an axis of ${showType(type)}`);
  }
}

const source =
  (dtype: DType) =>
  (attrs: { readonly shape: Shape }): ValueType[] => [{ dtype, shape: attrs.shape }];

/** Random numbers of one step. */
const inferRandom = (inputs: readonly ValueType[], attrs: { readonly shape: Shape }, op: OpName): ValueType[] => {
  arity(op, inputs, 1);
  expectDType(op, inputs[0] as ValueType, "int32");
  return source("float32")(attrs);
};

/** Operands of one type; out comes that type, or another data type of the shape. */
const inferElementwise =
  (op: ElementwiseName, { operands, dtypes, result }: ElementwiseFacts) =>
  (inputs: readonly ValueType[]): ValueType[] => {
    arity(op, inputs, operands);
    const [a, b = a] = inputs as [ValueType, ValueType?];
    expectDType(op, a, ...dtypes);
    if (a.dtype !== b.dtype) throw new DTypeError(`${op}: data types differ: ${showType(a)} and ${showType(b)}`);
    if (!sameShape(a.shape, b.shape)) throw new ShapeError(`${op}: shapes differ: ${showType(a)} and ${showType(b)}`);
    return [result ? { dtype: result, shape: a.shape } : a];
  };

const softmaxLike = <O extends OpName>(inputs: readonly ValueType[], _attrs: OpAttrs[O], op: O): ValueType[] => {
  arity(op, inputs, 1);
  const [x] = inputs as [ValueType];
  expectDType(op, x, "float32");
  if (x.shape.length === 0) throw new ShapeError(`${op} needs a last axis, got ${showType(x)}`);
  return [x];
};

/** Logits and a label for each of their rows. */
function expectLabelled(
  op: OpName,
  [logits, labels]: readonly ValueType[],
): readonly [logits: ValueType, labels: ValueType] {
  if (logits === undefined || labels === undefined) throw new ShapeError(`${op} takes logits and labels`);
  expectDType(op, logits, "float32");
  expectDType(op, labels, "int32");
  if (typeof logits.shape.at(-1) === "number" && sameShape(logits.shape.slice(0, -1), labels.shape))
    return [logits, labels];
  throw new ShapeError(
    `${op} takes logits […, classes] and labels […], got ${showType(logits)} and ${showType(labels)}`,
  );
}

function reduced(op: OpName, x: ValueType, axes: readonly number[]): Shape {
  for (const axis of axes) expectAxis(op, x, axis);
  return x.shape.filter((_, axis) => !axes.includes(axis));
}

/** Named dims in order, and the product of the known ones: what a reshape must keep. */
function contents(shape: Shape): { names: string; known: number } {
  const names = shape.filter((dim): dim is string => typeof dim === "string");
  return { names: names.join(), known: sizeOf(shape.filter((dim) => typeof dim === "number")) };
}

/** Axes must be a contiguous ascending run, so that a kernel can see them as one axis with one stride. */
function expectRun(axes: readonly number[], side: string): void {
  if (axes.some((axis, i) => i > 0 && axis !== (axes[i - 1] as number) + 1)) {
    throw new ShapeError(
      `dot: the axes ${showShape(axes)} of ${side} must be a contiguous ascending run; transpose first`,
    );
  }
}

function inferDot(inputs: readonly ValueType[], attrs: OpAttrs["dot"]): ValueType[] {
  arity("dot", inputs, 2);
  const [a, b] = inputs as [ValueType, ValueType];
  expectDType("dot", a, "float32");
  expectDType("dot", b, "float32");
  const free = [a, b].map((type, side) => {
    const used = [...(attrs.batch[side] as number[]), ...(attrs.contract[side] as number[])];
    for (const axis of used) expectAxis("dot", type, axis);
    const axes = type.shape.map((_, axis) => axis).filter((axis) => !used.includes(axis));
    for (const group of [attrs.batch[side] as number[], attrs.contract[side] as number[], axes])
      expectRun(group, showType(type));
    return axes;
  });
  const pick = (type: ValueType, axes: readonly number[]): Shape => axes.map((axis) => type.shape[axis] as number);
  for (const group of ["contract", "batch"] as const) {
    const left = pick(a, attrs[group][0]);
    const right = pick(b, attrs[group][1]);
    if (!sameShape(left, right)) {
      throw new ShapeError(
        `dot: ${group} dimensions differ: ${showShape(left)} of ${showType(a)} and ${showShape(right)} of ${showType(b)}`,
      );
    }
  }
  return [
    {
      dtype: "float32",
      shape: [...pick(a, attrs.batch[0]), ...pick(a, free[0] as number[]), ...pick(b, free[1] as number[])],
    },
  ];
}

function inferBroadcast(inputs: readonly ValueType[], { shape, axes }: OpAttrs["broadcast"]): ValueType[] {
  arity("broadcast", inputs, 1);
  const [x] = inputs as [ValueType];
  const ascending = axes.every((axis, i) => i === 0 || axis > (axes[i - 1] as number));
  if (axes.length !== x.shape.length || !ascending || x.shape.some((dim, i) => dim !== shape[axes[i] as number])) {
    throw new ShapeError(`broadcast: ${showType(x)} does not fit ${showShape(shape)} at axes ${showShape(axes)}`);
  }
  return [{ dtype: x.dtype, shape }];
}

function inferConcat(inputs: readonly ValueType[], { axis }: OpAttrs["concat"]): ValueType[] {
  const [first] = inputs;
  if (first === undefined) throw new ShapeError("concat takes at least one input");
  let extent = 0;
  for (const x of inputs) {
    expectAxis("concat", x, axis);
    const dim = x.shape[axis];
    const others = (type: ValueType) => type.shape.filter((_, i) => i !== axis);
    if (typeof dim !== "number" || x.dtype !== first.dtype || !sameShape(others(x), others(first))) {
      throw new ShapeError(
        `concat along axis ${axis}: ${showType(first)} and ${showType(x)} do not fit, or the axis has a named size`,
      );
    }
    extent += dim;
  }
  return [{ dtype: first.dtype, shape: first.shape.map((dim, i) => (i === axis ? extent : dim)) }];
}

function expectWithin(op: OpName, dim: number | string | undefined, start: number, size: number): void {
  const whole = Number.isInteger(start) && Number.isInteger(size) && size > 0 && (start >= 0 || start + size <= 0);
  const inside = typeof dim !== "number" || (start >= 0 ? start + size <= dim : -start <= dim);
  if (!whole || !inside) throw new ShapeError(`${op}: ${size} entries from ${start} do not lie within ${dim}`);
}

const inferRules: { readonly [O in OpName]: InferRule<O> } = {
  input: (_inputs, attrs) => source(attrs.dtype)(attrs),
  constant: (_inputs, attrs) => {
    if (attrs.data.length !== 1 && attrs.data.length !== sizeOf(attrs.shape)) {
      throw new ShapeError(`constant: ${attrs.data.length} numbers do not fill ${showShape(attrs.shape)}`);
    }
    return source(attrs.dtype)(attrs);
  },
  iota: (_inputs, { dim }) => [{ dtype: "int32", shape: [dim] }],
  size: () => [{ dtype: "int32", shape: [] }],
  dropoutMask: inferRandom,
  normalNoise: inferRandom,

  ...byElementwise(inferElementwise),
  cast: (inputs, { dtype }, op) => {
    arity(op, inputs, 1);
    return [{ dtype, shape: (inputs[0] as ValueType).shape }];
  },
  select: (inputs, _attrs, op) => {
    arity(op, inputs, 3);
    const [condition, a, b] = inputs as [ValueType, ValueType, ValueType];
    expectDType(op, condition, "bool");
    if (a.dtype !== b.dtype) throw new DTypeError(`select: data types differ: ${showType(a)} and ${showType(b)}`);
    if (!sameShape(condition.shape, a.shape) || !sameShape(a.shape, b.shape)) {
      throw new ShapeError(`select: shapes differ: ${showType(condition)}, ${showType(a)} and ${showType(b)}`);
    }
    return [a];
  },

  dot: inferDot,

  sum: (inputs, { axes }, op) => {
    arity(op, inputs, 1);
    const [x] = inputs as [ValueType];
    expectDType(op, x, "float32", "int32");
    return [{ dtype: x.dtype, shape: reduced(op, x, axes) }];
  },
  max: (inputs, { axes }, op) => {
    arity(op, inputs, 1);
    const [x] = inputs as [ValueType];
    expectDType(op, x, "float32", "int32");
    return [{ dtype: x.dtype, shape: reduced(op, x, axes) }];
  },
  argMax: (inputs, { axis }, op) => {
    arity(op, inputs, 1);
    const [x] = inputs as [ValueType];
    expectDType(op, x, "float32", "int32");
    return [{ dtype: "int32", shape: reduced(op, x, [axis]) }];
  },

  topK: (inputs, { k }, op) => {
    arity(op, inputs, 1);
    const [x] = inputs as [ValueType];
    expectDType(op, x, "float32");
    expectWithin(op, x.shape.at(-1), 0, k);
    const shape = [...x.shape.slice(0, -1), k];
    return [
      { dtype: "float32", shape },
      { dtype: "int32", shape },
    ];
  },

  reshape: (inputs, { shape }, op) => {
    arity(op, inputs, 1);
    const [x] = inputs as [ValueType];
    const from = contents(x.shape);
    const to = contents(shape);
    if (from.names !== to.names || from.known !== to.known) {
      throw new ShapeError(
        `reshape: ${showType(x)} and ${showShape(shape)} differ in named sizes or in the product of the known ones`,
      );
    }
    return [{ dtype: x.dtype, shape }];
  },
  transpose: (inputs, { permutation }, op) => {
    arity(op, inputs, 1);
    const [x] = inputs as [ValueType];
    if (permutation.length !== x.shape.length || x.shape.some((_, axis) => !permutation.includes(axis))) {
      throw new ShapeError(`transpose: ${showShape(permutation)} is not an order of the axes of ${showType(x)}`);
    }
    return [{ dtype: x.dtype, shape: permutation.map((axis) => x.shape[axis] as number) }];
  },
  broadcast: inferBroadcast,
  concat: inferConcat,
  slice: (inputs, { axis, start, size }, op) => {
    arity(op, inputs, 1);
    const [x] = inputs as [ValueType];
    expectAxis(op, x, axis);
    expectWithin(op, x.shape[axis], start, size);
    return [{ dtype: x.dtype, shape: x.shape.map((dim, i) => (i === axis ? size : dim)) }];
  },
  pad: (inputs, { axis, start, dim }, op) => {
    arity(op, inputs, 1);
    const [x] = inputs as [ValueType];
    expectAxis(op, x, axis);
    const size = x.shape[axis];
    if (typeof size !== "number") throw new ShapeError(`pad: axis ${axis} of ${showType(x)} has a named size`);
    expectWithin(op, dim, start, size);
    return [{ dtype: x.dtype, shape: x.shape.map((old, i) => (i === axis ? dim : old)) }];
  },
  reverse: (inputs, { axis }, op) => {
    arity(op, inputs, 1);
    const [x] = inputs as [ValueType];
    expectAxis(op, x, axis);
    return [x];
  },

  gather: (inputs, _attrs, op) => {
    arity(op, inputs, 2);
    const [table, ids] = inputs as [ValueType, ValueType];
    expectDType(op, ids, "int32");
    expectAxis(op, table, 0);
    return [{ dtype: table.dtype, shape: [...ids.shape, ...table.shape.slice(1)] }];
  },
  scatterAdd: (inputs, { rows }, op) => {
    arity(op, inputs, 2);
    const [ids, updates] = inputs as [ValueType, ValueType];
    expectDType(op, ids, "int32");
    expectDType(op, updates, "float32");
    if (!sameShape(ids.shape, updates.shape.slice(0, ids.shape.length))) {
      throw new ShapeError(
        `scatterAdd: the updates ${showType(updates)} do not begin with the shape of the ids ${showType(ids)}`,
      );
    }
    return [{ dtype: "float32", shape: [rows, ...updates.shape.slice(ids.shape.length)] }];
  },
  reverseSequence: (inputs, _attrs, op) => {
    arity(op, inputs, 2);
    const [x, lengths] = inputs as [ValueType, ValueType];
    expectDType(op, lengths, "int32");
    if (x.shape.length < 2 || !sameShape(lengths.shape, x.shape.slice(1, 2))) {
      throw new ShapeError(
        `reverseSequence takes [time, batch, …] and lengths [batch], got ${showType(x)} and ${showType(lengths)}`,
      );
    }
    return [x];
  },

  softmax: softmaxLike,
  logSoftmax: softmaxLike,
  logSumExp: (inputs, { axes }, op) => {
    arity(op, inputs, 1);
    const [x] = inputs as [ValueType];
    expectDType(op, x, "float32");
    return [{ dtype: x.dtype, shape: reduced(op, x, axes) }];
  },
  softmaxCrossentropy: (inputs, _attrs, op) => {
    arity(op, inputs, 2);
    const [, { shape }] = expectLabelled(op, inputs);
    const row: ValueType = { dtype: "float32", shape };
    return [row, row, row];
  },
  softmaxCrossentropyGrad: (inputs, _attrs, op) => {
    arity(op, inputs, 5);
    const [logits, labels] = expectLabelled(op, inputs);
    for (const row of inputs.slice(2)) {
      expectDType(op, row, "float32");
      if (!sameShape(row.shape, labels.shape))
        throw new ShapeError(`${op}: ${showType(row)} is not one number for each of the labels ${showType(labels)}`);
    }
    return [logits];
  },
  sequenceMask: (inputs, { time }, op) => {
    arity(op, inputs, 1);
    const [lengths] = inputs as [ValueType];
    expectDType(op, lengths, "int32");
    if (lengths.shape.length !== 1)
      throw new ShapeError(`sequenceMask takes lengths [batch], got ${showType(lengths)}`);
    return [{ dtype: "bool", shape: [time, ...lengths.shape] }];
  },
  sequenceLengths: (inputs, _attrs, op) => {
    arity(op, inputs, 1);
    const [ids] = inputs as [ValueType];
    expectDType(op, ids, "int32");
    if (ids.shape.length !== 2) throw new ShapeError(`sequenceLengths takes ids [time, batch], got ${showType(ids)}`);
    return [{ dtype: "int32", shape: ids.shape.slice(1) }];
  },
  biasedDot: ([a, b, bias], attrs, op) => {
    const [y] = inferRules.dot([a, b] as ValueType[], attrs, "dot") as [ValueType];
    const free = y.shape.slice(y.shape.length - (bias?.shape.length ?? 0));
    if (bias?.dtype !== "float32" || !sameShape(bias.shape, free))
      throw new ShapeError(
        `${op} takes a bias of the last axes of ${showType(y)}, got ${bias ? showType(bias) : "none"}`,
      );
    return [y];
  },
  // Its maker sees to it that ids have one axis, that of the batch.
  gatheredDot: ([a, b, ids], attrs) => {
    const gathered = inferRules.gather([b, ids] as ValueType[], {}, "gather");
    return inferRules.dot([a as ValueType, ...gathered], attrs, "dot");
  },
  fused: (inputs, { operations, results }) => {
    const types = [...inputs];
    for (const { op, attrs, inputs: reads } of operations)
      types.push(
        ...infer(
          op,
          reads.map((read) => types[read] as ValueType),
          attrs,
        ),
      );
    return results.map((result) => types[result] as ValueType);
  },
  ...byRecurrence(inferRecurrence),
  ...byRecurrenceGrad(inferRecurrenceGrad),
  scan: inferScan,
  treeRecur: inferTreeRecur,
  treeRecurGrad: inferTreeRecurGrad,
};

/** The output types of `op`, or a typed error that shows the types it was given. */
export function infer<O extends OpName>(op: O, inputs: readonly ValueType[], attrs: OpAttrs[O]): ValueType[] {
  return inferRules[op](inputs, attrs, op);
}
