/**
 * Every recurrence: its builder, its meaning as a scan of its cell, and its gradient.
 *
 * Lengths as in ONNX: outputs past a row's length are zero, the final state is the one at `length - 1` (the initial state for length 0),
 * and `reverse` runs over the valid part only, with the outputs in their places. B is one bias, the sum of ONNX's Wb and Rb.
 */
import type { RecurrenceFacts, Step } from "../cells/cell.ts";
import { apply } from "../ir/build/apply.ts";
import {
  abs,
  add,
  div,
  exp,
  less,
  maximum,
  minimum,
  mul,
  relu,
  select,
  sigmoid,
  softplus,
  sub,
  tanh,
} from "../ir/build/elementwise.ts";
import { gather } from "../ir/build/index.ts";
import { dot } from "../ir/build/linear.ts";
import { concat, reshape, slice, transpose } from "../ir/build/shape.ts";
import { full, parameter } from "../ir/build/source.ts";
import {
  cellOf,
  constantOptions,
  factsOf,
  gradOf,
  initialOf,
  optionsOf,
  type RecurrenceAttrs,
  type RecurrenceGradAttrs,
  type RecurrenceName,
  type RecurrenceOption,
  type RecurrentActivation,
  type RecurrentActivationFunction,
  recurrenceInputs,
  type StateOf,
  spelledOut,
} from "../ir/recurrences.ts";
import { substitute } from "../ir/rewrite.ts";
import type { Dim, Node, Value } from "../ir/value.ts";
import { type Gradients, scan } from "./scan.ts";

/** The inputs of a recurrence by ONNX's names; see `RecurrenceOption` for the optional ones. */
export type RecurrenceInputs<R extends RecurrenceName = RecurrenceName> = {
  readonly [I in (typeof recurrenceInputs)[number]]: Value;
} & { readonly [O in RecurrenceOption<R>]?: Value };

/** y [time, batch, hidden], and the states after the last step of each row, [batch, hidden]. */
export type RecurrenceOutputs<R extends RecurrenceName> = { readonly [O in "y" | StateOf<R>]: Value };

/** Attributes; those that are left out are as ONNX has them. */
export type RecurrenceSettings<R extends RecurrenceName> = Partial<Omit<RecurrenceAttrs<R>, "options" | "hiddenSize">>;

/** The op of a recurrence. */
export function recurrence<R extends RecurrenceName>(
  name: R,
  inputs: RecurrenceInputs<R>,
  settings: RecurrenceSettings<R> = {},
): RecurrenceOutputs<R> {
  const { states, activations, flags } = factsOf(name);
  const given = inputs as Readonly<Record<string, Value | undefined>>;
  const {
    direction = "forward",
    activations: own = activations,
    clip,
    ...rest
  } = settings as RecurrenceSettings<RecurrenceName> & Readonly<Record<string, unknown>>;
  const options = optionsOf(name).filter((option) => given[option] !== undefined);
  const attrs = {
    hiddenSize: inputs.R.type.shape[1] as number,
    direction,
    activations: own,
    ...(clip === undefined ? {} : { clip }),
    ...flags,
    ...rest,
    options,
  };
  const roles = [...recurrenceInputs, ...options];
  const outputs = apply(
    name as RecurrenceName,
    roles.map((role) => given[role] as Value),
    attrs as unknown as RecurrenceAttrs<"lstm">,
  );
  const named = ["y", ...states].map((output, i) => [output, outputs[i] as Value]);
  return Object.fromEntries(named) as RecurrenceOutputs<R>;
}

/** The inputs of a node by name. Also fits its gradient op, which begins with the same. */
export function recurrenceInputsOf<R extends RecurrenceName>(
  inputs: readonly Value[],
  attrs: RecurrenceAttrs<R>,
): RecurrenceInputs<R> {
  const roles: readonly string[] = [...recurrenceInputs, ...attrs.options];
  return Object.fromEntries(roles.map((role, i) => [role, inputs[i] as Value])) as RecurrenceInputs<R>;
}

const activationFunctions: {
  readonly [A in RecurrentActivationFunction]: (x: Value, alpha: number, beta: number) => Value;
} = {
  Sigmoid: sigmoid,
  Tanh: tanh,
  Relu: relu,
  Affine: (x, alpha, beta) => add(mul(x, alpha), beta),
  LeakyRelu: (x, alpha) => (alpha > 1 ? minimum : maximum)(x, mul(x, alpha)),
  ThresholdedRelu: (x, alpha) => select(less(x, alpha), 0, x),
  ScaledTanh: (x, alpha, beta) => mul(tanh(mul(x, beta)), alpha),
  HardSigmoid: (x, alpha, beta) => maximum(minimum(add(mul(x, alpha), beta), 1), 0),
  // Limits the argument of exp so that it does not overflow.
  Elu: (x, alpha) => add(relu(x), mul(sub(exp(minimum(x, 0)), 1), alpha)),
  Softsign: (x) => div(x, add(abs(x), 1)),
  Softplus: softplus,
};

/** The function of an activation, with its parameters. */
export function functionOf(activation: RecurrentActivation): (x: Value) => Value {
  const { name, alpha, beta } = spelledOut(activation);
  return (x) => activationFunctions[name](x, alpha as number, beta as number);
}

/** One product with R as a step needs it: its values go into the scan as constants. */
interface Product {
  readonly gates: readonly string[];
  readonly R: Value;
  readonly bias: Value | undefined;
  readonly mask: Value | undefined;
}

/** The part of `x` along `axis` that belongs to a run of gates, each `size` wide. */
function partOf(x: Value, axis: number, all: readonly string[], gates: readonly string[], size: number): Value {
  if (gates.length === all.length) return x;
  return slice(x, axis, all.indexOf(gates[0] as string) * size, gates.length * size);
}

/** `state`·Rᵀ over the gates of a product. Where a mask gives each gate a state of its own, it is one product a gate, in parallel. */
function stateProduct(state: Value, { R, bias, mask, gates }: Product, hidden: number): Value {
  const product = mask
    ? reshape(transpose(dot(mul(state, mask), R, { batch: [[0], [0]], contract: [[2], [2]] }), [1, 0, 2]), [
        state.type.shape[0] as Dim,
        gates.length * hidden,
      ])
    : dot(state, R, { contract: [[1], [1]] });
  return bias ? add(product, bias) : product;
}

/** y, the states and what is kept, as a scan of elementwise ops and products with R; the product with W is made for all steps at once. */
export const decomposeRecurrence =
  (name: RecurrenceName) =>
  (inputs: readonly Value[], attrs: RecurrenceAttrs): Value[] => {
    const cell = cellOf(name);
    const { gates, states, peepholes } = cell;
    const roles = recurrenceInputsOf(inputs, attrs) as RecurrenceInputs<"lstm">;
    const { X, W, R, B, lengths, P, recurrentBias, recurrentMask } = roles;
    const initial = states.map((state) => (roles as Readonly<Record<string, Value | undefined>>)[initialOf(state)]);
    const hidden = attrs.hiddenSize;
    const batch = X.type.shape[1] as Dim;
    const flag = (flagName: string): boolean =>
      (attrs as unknown as Readonly<Record<string, boolean>>)[flagName] === true;
    const clipped = (x: Value): Value => (attrs.clip === undefined ? x : maximum(minimum(x, attrs.clip), -attrs.clip));

    const products = cell.products(flag).map((own): Product => {
      const part = partOf(R, 0, gates, own, hidden);
      return {
        gates: own,
        R: recurrentMask ? reshape(part, [own.length, hidden, hidden]) : part,
        bias: recurrentBias && partOf(recurrentBias, 0, gates, own, hidden),
        mask: recurrentMask && partOf(recurrentMask, 0, gates, own, 1),
      };
    });
    const constants = [
      ...products.map((product) => product.R),
      ...(P ? [P] : []),
      ...products.flatMap(({ bias }) => (bias ? [bias] : [])),
      ...products.flatMap(({ mask }) => (mask ? [mask] : [])),
    ];

    const { carries, outputs } = scan({
      initial: initial.map((given) => given ?? full(0, [batch, hidden])),
      sequences: [add(X.type.dtype === "int32" ? gather(W, X) : dot(X, W, { contract: [[2], [1]] }), B)],
      constants,
      reverse: attrs.direction === "reverse",
      ...(lengths ? { lengths } : {}),
      body: (before, [x], fixed) => {
        const inside = (value: Value): Value => fixed[constants.indexOf(value)] as Value;
        const step: Step<RecurrenceFacts, Value> = {
          x: x as Value,
          states: before,
          recur: (state, k) => {
            const { gates: own, R: r, bias, mask } = products[k] as Product;
            const product = { gates: own, R: inside(r), bias: bias && inside(bias), mask: mask && inside(mask) };
            return stateProduct(state, product, hidden);
          },
          gate: (sums, gateName, k) => {
            const own: readonly string[] = k === undefined ? gates : (products[k] as Product).gates;
            return slice(sums, 1, own.indexOf(gateName) * hidden, hidden);
          },
          peep: (sum, gateName, seen) =>
            P ? add(sum, mul(slice(inside(P), 0, peepholes.indexOf(gateName) * hidden, hidden), seen)) : sum,
          activations: attrs.activations.map(functionOf),
          clipped,
          flag,
          add,
          sub,
          mul,
          concat: (parts) => concat(parts, 1),
        };
        const after = cell.step(step);
        return { carries: after.states, outputs: [after.states[0] as Value, ...after.kept] };
      },
    });
    const [y, ...kept] = outputs;
    return [y as Value, ...carries, ...kept];
  };

/** The inputs that have a gradient, in the order in which the gradient op gives them. */
const differentiable = ({ options }: RecurrenceAttrs): number[] => [
  ...recurrenceInputs.keys(),
  ...options.flatMap((option, i) => (constantOptions.includes(option) ? [] : [recurrenceInputs.length + i])),
];

/** The outputs of a recurrence that a cotangent can come for, in their order. */
const outputNames = (name: RecurrenceName): readonly string[] => ["y", ...factsOf(name).states];

/** The gradient rule: one op, which reads y and what the forward op keeps. */
export const recurrenceGradient =
  (name: RecurrenceName) =>
  (node: Node<RecurrenceName>, cotangents: readonly (Value | undefined)[]): (Value | undefined)[] => {
    const names = outputNames(name);
    const output = (index: number): Value => ({ node, output: index, type: node.outputs[index] }) as Value;
    const kept = Object.keys(factsOf(name).kept).map((_, i) => output(names.length + i));
    const given = cotangents.slice(0, names.length).filter((cotangent) => cotangent !== undefined);
    const attrs = { ...node.attrs, cotangents: names.filter((_, i) => cotangents[i] !== undefined) };
    const results = apply(
      gradOf(name) as "lstmGrad",
      [...node.inputs, output(0), ...kept, ...given],
      attrs as unknown as RecurrenceGradAttrs<"lstm">,
    );
    const grads: (Value | undefined)[] = node.inputs.map(() => undefined);
    differentiable(node.attrs).forEach((input, i) => {
      grads[input] = results[i];
    });
    return grads;
  };

/** The gradient op is the gradient of the decomposed recurrence: taken of placeholders, so that nothing above the inputs is walked. */
export const decomposeRecurrenceGrad =
  (name: RecurrenceName) =>
  (inputs: readonly Value[], attrs: RecurrenceGradAttrs, gradients: Gradients): Value[] => {
    const names = outputNames(name);
    const own = inputs.slice(0, recurrenceInputs.length + attrs.options.length);
    const first = own.length + 1 + Object.keys(factsOf(name).kept).length;
    const placeholders = inputs.map((input, i) => parameter(`input${i}`, input.type.dtype, input.type.shape));
    const forward = decomposeRecurrence(name)(placeholders.slice(0, own.length), attrs);
    const seeds = attrs.cotangents.map((output, i) => ({
      value: forward[names.indexOf(output)] as Value,
      cotangent: placeholders[first + i] as Value,
    }));
    const grads = gradients(
      seeds,
      differentiable(attrs).map((i) => placeholders[i] as Value),
    );
    return substitute(grads, placeholders, inputs);
  };
