/**
 * The LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000) as ONNX's operator has it: its builder, its
 * meaning as a scan, and its gradient.
 *
 *   i = f(Xt·Wiᵀ + Ht-1·Riᵀ + Pi ∘ Ct-1 + Bi)      o = f(Xt·Woᵀ + Ht-1·Roᵀ + Po ∘ Ct + Bo)
 *   f = f(Xt·Wfᵀ + Ht-1·Rfᵀ + Pf ∘ Ct-1 + Bf)      c = g(Xt·Wcᵀ + Ht-1·Rcᵀ + Bc)
 *   Ct = f ∘ Ct-1 + i ∘ c                          Ht = o ∘ h(Ct)
 *
 * Lengths as in ONNX: outputs past a row's length are zero, the final state is the one at `length - 1` (the initial state for length 0),
 * and `reverse` runs over the valid part only, with the outputs in their places. B is one bias, the sum of ONNX's Wb and Rb.
 */
import { apply } from "../ir/build/apply.ts";
import { add, maximum, minimum, mul, relu, sigmoid, sub, tanh } from "../ir/build/elementwise.ts";
import { dot } from "../ir/build/linear.ts";
import { concat, reshape, slice, transpose } from "../ir/build/shape.ts";
import { full, parameter } from "../ir/build/source.ts";
import { constantLstmOptions } from "../ir/inferRecurrent.ts";
import type { LstmAttrs, LstmOption, OpAttrs, RecurrentActivation } from "../ir/ops.ts";
import { substitute } from "../ir/rewrite.ts";
import type { Dim, Node, Value } from "../ir/value.ts";
import { type Gradients, scan } from "./scan.ts";

/** The inputs of an `lstm` by ONNX's names. X: [time, batch, input], W: [4 * hidden, input], R: [4 * hidden, hidden], B: [4 * hidden]. */
export interface LstmInputs {
  readonly X: Value;
  readonly W: Value;
  readonly R: Value;
  readonly B: Value;
  /** int32 [batch]; absent: every row has all steps. */
  readonly lengths?: Value;
  /** [batch, hidden]; absent: zeros. */
  readonly initialH?: Value;
  readonly initialC?: Value;
  /** Peepholes [3 * hidden], in the order i, o, f. */
  readonly P?: Value;
  /**
   * [4, batch, hidden]: what Ht-1 is multiplied by on its way to each gate, the same at every step. A constant: it has no gradient.
   * Recurrent dropout (Gal and Ghahramani 2016).
   */
  readonly recurrentMask?: Value;
}

/** The outputs of the op `lstm`. */
export interface LstmOutputs {
  /** [time, batch, hidden] */
  readonly y: Value;
  /** [batch, hidden] */
  readonly h: Value;
  readonly c: Value;
}

const lstmOptions: readonly LstmOption[] = ["lengths", "initialH", "initialC", "P", "recurrentMask"];

/** The settings of the op `lstm`; all have defaults. */
export type LstmSettings = Partial<Omit<LstmAttrs, "options" | "hiddenSize">>;

/** The op `lstm`. Gates are in the order i, o, f, c. */
export function lstm(inputs: LstmInputs, settings: LstmSettings = {}): LstmOutputs {
  const options = lstmOptions.filter((option) => inputs[option] !== undefined);
  const [y, h, c] = apply(
    "lstm",
    [inputs.X, inputs.W, inputs.R, inputs.B, ...options.map((option) => inputs[option] as Value)],
    {
      hiddenSize: inputs.R.type.shape[1] as number,
      direction: settings.direction ?? "forward",
      activations: settings.activations ?? ["Sigmoid", "Tanh", "Tanh"],
      ...(settings.clip === undefined ? {} : { clip: settings.clip }),
      inputForget: settings.inputForget ?? false,
      options,
    },
  ) as [Value, Value, Value];
  return { y, h, c };
}

/** The inputs of a node by name. Also fits `lstmGrad`, which begins with the inputs of its `lstm`. */
export function lstmInputs(inputs: readonly Value[], attrs: LstmAttrs): LstmInputs {
  const [X, W, R, B] = inputs as [Value, Value, Value, Value];
  const options = attrs.options.map((option, i) => [option, inputs[4 + i] as Value]);
  return { X, W, R, B, ...Object.fromEntries(options) };
}

const activations: { readonly [A in RecurrentActivation]: (x: Value) => Value } = {
  Sigmoid: sigmoid,
  Tanh: tanh,
  Relu: relu,
};

/** y, h, c, gates, cells as a scan of elementwise ops and one product a step; the product with W is made for all steps at once. */
export function decomposeLstm(inputs: readonly Value[], attrs: LstmAttrs): Value[] {
  const { X, W, R, B, lengths, initialH, initialC, P, recurrentMask } = lstmInputs(inputs, attrs);
  const hidden = attrs.hiddenSize;
  const batch = X.type.shape[1] as Dim;
  const [f, g, h] = attrs.activations.map((name) => activations[name]) as [
    (x: Value) => Value,
    (x: Value) => Value,
    (x: Value) => Value,
  ];
  const clipped = (x: Value): Value => (attrs.clip === undefined ? x : maximum(minimum(x, attrs.clip), -attrs.clip));
  const block = (x: Value, k: number): Value => slice(x, x.type.shape.length - 1, k * hidden, hidden);

  // Where a mask gives each gate an Ht-1 of its own, the product is four in parallel.
  const recurrence = recurrentMask ? reshape(R, [4, hidden, hidden]) : R;
  const fromState = (h0: Value, r: Value, mask: Value | undefined): Value =>
    mask === undefined
      ? dot(h0, r, { contract: [[1], [1]] })
      : reshape(transpose(dot(mul(h0, mask), r, { batch: [[0], [0]], contract: [[2], [2]] }), [1, 0, 2]), [
          batch,
          4 * hidden,
        ]);

  const { carries, outputs } = scan({
    initial: [initialH ?? full(0, [batch, hidden]), initialC ?? full(0, [batch, hidden])],
    sequences: [add(dot(X, W, { contract: [[2], [1]] }), B)],
    constants: [recurrence, ...(P ? [P] : []), ...(recurrentMask ? [recurrentMask] : [])],
    reverse: attrs.direction === "reverse",
    ...(lengths ? { lengths } : {}),
    body: ([h0, c0], [xW], [r, ...rest]) => {
      const p = P && rest[0];
      const sums = add(xW as Value, fromState(h0 as Value, r as Value, recurrentMask && rest.at(-1)));
      const peep = (sum: Value, k: number, c: Value): Value => (p ? add(sum, mul(block(p, k), c)) : sum);
      const i = f(clipped(peep(block(sums, 0), 0, c0 as Value)));
      const forget = attrs.inputForget ? sub(1, i) : f(clipped(peep(block(sums, 2), 2, c0 as Value)));
      const candidate = g(clipped(block(sums, 3)));
      const c = add(mul(forget, c0 as Value), mul(i, candidate));
      const o = f(clipped(peep(block(sums, 1), 1, c)));
      const y = mul(o, h(c));
      return { carries: [y, c], outputs: [y, concat([i, o, forget, candidate], 1), c] };
    },
  });
  const [y, gates, cells] = outputs as [Value, Value, Value];
  return [y, carries[0] as Value, carries[1] as Value, gates, cells];
}

/** The inputs of `lstm` that have a gradient, in the order in which `lstmGrad` gives them. */
const differentiable = (attrs: LstmAttrs): number[] => [
  ...[0, 1, 2, 3],
  ...attrs.options.flatMap((option, i) => (constantLstmOptions.includes(option) ? [] : [4 + i])),
];

/** The gradient rule of `lstm`: one `lstmGrad`, which reads the activated gates and the cells that the forward op keeps. */
export function lstmGradient(node: Node<"lstm">, cotangents: readonly (Value | undefined)[]): (Value | undefined)[] {
  const names = (["y", "h", "c"] as const).filter((_, i) => cotangents[i] !== undefined);
  const output = (index: number): Value => ({ node, output: index, type: node.outputs[index] }) as Value;
  const given = cotangents.slice(0, 3).filter((cotangent) => cotangent !== undefined);
  const results = apply("lstmGrad", [...node.inputs, output(0), output(3), output(4), ...given], {
    ...node.attrs,
    cotangents: names,
  });
  const grads: (Value | undefined)[] = node.inputs.map(() => undefined);
  differentiable(node.attrs).forEach((input, i) => {
    grads[input] = results[i];
  });
  return grads;
}

/** `lstmGrad` is the gradient of the decomposed `lstm`: taken of placeholders, so that nothing above the inputs is walked. */
export function decomposeLstmGrad(inputs: readonly Value[], attrs: OpAttrs["lstmGrad"], gradients: Gradients): Value[] {
  const own = inputs.slice(0, 4 + attrs.options.length);
  const cotangents = inputs.slice(own.length + 3);
  const placeholders = inputs.map((input, i) => parameter(`input${i}`, input.type.dtype, input.type.shape));
  const forward = decomposeLstm(placeholders.slice(0, own.length), attrs);
  const outputs = { y: forward[0], h: forward[1], c: forward[2] };
  const seeds = attrs.cotangents.map((name, i) => ({
    value: outputs[name] as Value,
    cotangent: placeholders[own.length + 3 + i] as Value,
  }));
  const grads = gradients(
    seeds,
    differentiable(attrs).map((i) => placeholders[i] as Value),
  );
  return substitute(grads, placeholders, [...own, ...inputs.slice(own.length, own.length + 3), ...cotangents]);
}
