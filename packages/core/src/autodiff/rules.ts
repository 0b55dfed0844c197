/** The gradient of every op: from the cotangents of its outputs, those of its inputs, as more graph. */
import { apply1 } from "../ir/build/apply.ts";
import {
  and,
  cast,
  div,
  equal,
  exp,
  finite,
  less,
  log,
  mul,
  neg,
  not,
  pow,
  select,
  sigmoid,
  sign,
  softmax,
  sub,
} from "../ir/build/elementwise.ts";
import { gather, reverseSequence, scatterAdd } from "../ir/build/index.ts";
import { dot } from "../ir/build/linear.ts";
import { sum } from "../ir/build/reduce.ts";
import { broadcast, pad, reshape, reverse, slice, transpose } from "../ir/build/shape.ts";
import { iota } from "../ir/build/source.ts";
import type { OpName } from "../ir/ops.ts";
import { byRecurrence, byRecurrenceGrad } from "../ir/recurrences.ts";
import type { Node, Value } from "../ir/value.ts";
import { recurrenceGradient } from "../recurrent/recurrence.ts";
import { type Gradients, scanGradient } from "../recurrent/scan.ts";
import { treeGradient } from "../recurrent/treeRecur.ts";

/** `undefined` where a cotangent is zero, or an input has no gradient. */
type Cotangents = readonly (Value | undefined)[];

/** What a rule may know beside its node: which inputs need a gradient, and how to take one. */
export interface RuleContext {
  readonly needs: readonly boolean[];
  readonly gradients: Gradients;
}

export type GradientRule<O extends OpName> = (
  node: Node<O>,
  cotangents: Cotangents,
  context: RuleContext,
) => (Value | undefined)[];

/** A rule for an op with one output: `g` is its cotangent, `y` the output itself. */
function rule<O extends OpName>(
  gradient: (node: Node<O>, g: Value, y: Value) => (Value | undefined)[],
): GradientRule<O> {
  return (node, [g]) =>
    g ? gradient(node, g, { node, output: 0, type: node.outputs[0] } as Value) : node.inputs.map(() => undefined);
}

/** A rule for f(x): x, the cotangent, and f(x). */
const unary = <O extends OpName>(gradient: (x: Value, g: Value, y: Value) => Value): GradientRule<O> =>
  rule((node, g, y) => [gradient(node.inputs[0] as Value, g, y)]);

/** A rule for f(a, b). */
const binary = <O extends OpName>(
  gradient: (a: Value, b: Value, g: Value, y: Value) => [Value, Value],
): GradientRule<O> => rule((node, g, y) => gradient(node.inputs[0] as Value, node.inputs[1] as Value, g, y));

/** Constant almost everywhere, or a whole number: no gradient flows. */
const none: GradientRule<OpName> = (node) => node.inputs.map(() => undefined);

function axesBut(rank: number, used: readonly number[]): number[] {
  return Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !used.includes(axis));
}

/**
 * dA = g · B over B's free axes, and dB = A · g over A's free axes, each put back into the order of its operand's axes. Of two factors that first comes whose
 * axes come first there, so that most often nothing has to be moved.
 */
const dotRule: GradientRule<"dot"> = rule((node, g) => {
  const [a, b] = node.inputs as [Value, Value];
  const { contract, batch } = node.attrs;
  const batchRank = batch[0].length;
  const free = [a, b].map((x, side) =>
    axesBut(x.type.shape.length, [...(contract[side] as number[]), ...(batch[side] as number[])]),
  ) as [number[], number[]];
  const gBatch = Array.from({ length: batchRank }, (_, i) => i);
  const gFree: [number[], number[]] = [
    free[0].map((_, i) => batchRank + i),
    free[1].map((_, i) => batchRank + free[0].length + i),
  ];
  const restore = (x: Value, layout: readonly number[]): Value =>
    transpose(
      x,
      layout.map((_, axis) => layout.indexOf(axis)),
    );
  /** The gradient of one side, from the other. */
  const gradientOf = (side: 0 | 1): Value => {
    const other = side === 0 ? 1 : 0;
    const x = side === 0 ? b : a;
    const [own, freeOf] = [contract[side], free[side]];
    if ((freeOf[0] ?? 0) < (own[0] ?? 0)) {
      const product = dot(g, x, { contract: [gFree[other], free[other]], batch: [gBatch, batch[other]] });
      return restore(product, [...batch[side], ...freeOf, ...own]);
    }
    const product = dot(x, g, { contract: [free[other], gFree[other]], batch: [batch[other], gBatch] });
    return restore(product, [...batch[side], ...own, ...freeOf]);
  };
  return [gradientOf(0), gradientOf(1)];
});

/** Puts the reduced axes back. */
function expand(x: Value, like: Value, axes: readonly number[]): Value {
  return broadcast(x, like.type.shape, axesBut(like.type.shape.length, axes));
}

/**
 * `gradient`, or 0 where no cotangent comes in. An infinite derivative would make NaN of that 0, and a `select` could not leave out a branch
 * that divides by zero.
 */
const whereWanted = (g: Value, gradient: Value): Value => select(equal(g, 0), 0, gradient);

/** Whether the graph itself shows that no element is 0: a constant, or a count. */
function isNeverZero(x: Value): boolean {
  const { node } = x;
  if (node.op === "broadcast" || node.op === "reshape") return isNeverZero(node.inputs[0] as Value);
  return node.op === "constant" ? !node.attrs.data.includes(0) : isOneOrMore(x);
}

/** `depth` bounds the search: counts are made of few ops. */
function isOneOrMore({ node }: Value, depth = 8): boolean {
  if (depth === 0) return false;
  switch (node.op) {
    case "size":
      return true;
    case "constant":
      return node.attrs.data.every((x) => x >= 1);
    case "broadcast":
    case "reshape":
    case "cast":
    case "mul":
      return node.inputs.every((input) => isOneOrMore(input, depth - 1));
    case "maximum":
      return node.inputs.some((input) => isOneOrMore(input, depth - 1));
    default:
      return false;
  }
}

export const gradientRules: { readonly [O in OpName]: GradientRule<O> } = {
  input: none,
  constant: none,
  iota: none,
  size: none,
  dropoutMask: none,
  normalNoise: none,

  neg: unary((_x, g) => neg(g)),
  exp: unary((_x, g, y) => whereWanted(g, mul(g, y))),
  log: unary((x, g) => whereWanted(g, div(g, x))),
  sqrt: unary((_x, g, y) => whereWanted(g, div(g, mul(2, y)))),
  abs: unary((x, g) => mul(g, sign(x))),
  sign: none,
  tanh: unary((_x, g, y) => mul(g, sub(1, mul(y, y)))),
  sigmoid: unary((_x, g, y) => mul(g, mul(y, sub(1, y)))),
  relu: unary((x, g) => select(less(0, x), g, 0)),
  cast: rule((node, g) => [node.inputs[0]?.type.dtype === "float32" && g.type.dtype === "float32" ? g : undefined]),
  add: binary((_a, _b, g) => [g, g]),
  sub: binary((_a, _b, g) => [g, neg(g)]),
  mul: binary((a, b, g) => [mul(g, b), mul(g, a)]),
  div: binary((_a, b, g, y) => {
    const [da, db] = [div(g, b), neg(mul(g, div(y, b)))];
    return isNeverZero(b) ? [da, db] : [whereWanted(g, da), whereWanted(g, db)];
  }),
  // Where both are equal the gradient goes to the first.
  maximum: binary((a, b, g) => [select(less(a, b), 0, g), select(less(a, b), g, 0)]),
  minimum: binary((a, b, g) => [select(less(b, a), 0, g), select(less(b, a), g, 0)]),
  // As PyTorch: to the power of 0 the base has no gradient, and at base 0 the exponent has none unless it is below 0.
  pow: binary((a, b, g, y) => {
    const lower = select(equal(b, 0), 0, sub(b, 1));
    const vanishes = and(equal(a, 0), not(less(b, 0)));
    return [whereWanted(g, mul(g, mul(b, pow(a, lower)))), whereWanted(g, mul(g, mul(y, log(select(vanishes, 1, a)))))];
  }),
  less: none,
  equal: none,
  select: rule((node, g) => [undefined, select(node.inputs[0] as Value, g, 0), select(node.inputs[0] as Value, 0, g)]),

  dot: dotRule,

  sum: rule((node, g) => [expand(g, node.inputs[0] as Value, node.attrs.axes)]),
  // Equal maxima share the gradient.
  max: rule((node, g, y) => {
    const x = node.inputs[0] as Value;
    const hit = cast(equal(x, expand(y, x, node.attrs.axes)), "float32");
    return [mul(hit, expand(div(g, sum(hit, node.attrs.axes)), x, node.attrs.axes))];
  }),
  argMax: none,
  // Each element gets the cotangent of the place that it has come to, if any.
  topK: (node, [g]) => {
    const x = node.inputs[0] as Value;
    if (g === undefined) return [undefined];
    const indices = { node, output: 1, type: node.outputs[1] } as Value;
    const last = indices.type.shape.length - 1;
    const places = [...indices.type.shape, x.type.shape[last] as number];
    const own = broadcast(iota(places[last + 1] as number), places, [last + 1]);
    const given = (value: Value): Value => broadcast(value, places, axesBut(last + 1, []));
    return [sum(select(equal(given(indices), own), given(g), 0), [last])];
  },

  reshape: rule((node, g) => [reshape(g, (node.inputs[0] as Value).type.shape)]),
  transpose: rule((node, g) => [
    transpose(
      g,
      node.attrs.permutation.map((_, axis) => node.attrs.permutation.indexOf(axis)),
    ),
  ]),
  broadcast: rule((node, g) => [sum(g, axesBut(node.attrs.shape.length, node.attrs.axes))]),
  concat: rule((node, g) => {
    let start = 0;
    return node.inputs.map((x) => {
      const size = x.type.shape[node.attrs.axis] as number;
      start += size;
      return slice(g, node.attrs.axis, start - size, size);
    });
  }),
  slice: rule((node, g) => {
    const dim = (node.inputs[0] as Value).type.shape[node.attrs.axis] as number | string;
    return [pad(g, node.attrs.axis, node.attrs.start, dim)];
  }),
  pad: rule((node, g) => {
    const size = (node.inputs[0] as Value).type.shape[node.attrs.axis] as number;
    return [slice(g, node.attrs.axis, node.attrs.start, size)];
  }),
  reverse: rule((node, g) => [reverse(g, node.attrs.axis)]),

  gather: rule((node, g) => {
    const [table, ids] = node.inputs as [Value, Value];
    return [scatterAdd(ids, g, table.type.shape[0] as number), undefined];
  }),
  scatterAdd: rule((node, g) => [undefined, gather(g, node.inputs[0] as Value)]),
  reverseSequence: rule((node, g) => [reverseSequence(g, node.inputs[1] as Value), undefined]),

  softmax: unary((x, g, y) => {
    const last = x.type.shape.length - 1;
    return mul(y, sub(g, expand(sum(mul(g, y), [last]), x, [last])));
  }),
  logSoftmax: unary((x, g) => {
    const last = x.type.shape.length - 1;
    return sub(g, mul(softmax(x), expand(sum(g, [last]), x, [last])));
  }),
  // Where there was nothing but -∞ no gradient flows.
  logSumExp: rule((node, g, y) => {
    const x = node.inputs[0] as Value;
    const over = (reduced: Value): Value => expand(reduced, x, node.attrs.axes);
    return [mul(over(g), exp(sub(x, over(select(finite(y), y, 0)))))];
  }),
  softplus: unary((x, g) => mul(g, sigmoid(x))),
  softmaxCrossentropy: (node, [g]) => {
    if (g === undefined) return [undefined, undefined];
    const [largest, logSum] = [1, 2].map((output) => ({ node, output, type: node.outputs[output] }) as Value);
    const read = [...node.inputs, largest as Value, logSum as Value, g];
    return [apply1("softmaxCrossentropyGrad", read, node.attrs), undefined];
  },
  // To differentiate twice, lower first.
  softmaxCrossentropyGrad: none,
  sequenceMask: none,
  sequenceLengths: none,
  // Made after gradients are taken.
  biasedDot: none,
  gatheredDot: none,
  fused: none,
  ...byRecurrence(recurrenceGradient),
  // To differentiate twice, lower first: the decomposition is differentiable to any order.
  ...byRecurrenceGrad(() => none),
  scan: (node, cotangents, context) => scanGradient(node, cotangents, context.needs, context.gradients),
  treeRecur: (node, cotangents, context) => treeGradient(node, cotangents, context.needs, context.gradients),
  treeRecurGrad: none,
};
