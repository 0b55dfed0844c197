/** Activation functions by Keras's names. */
import {
  abs,
  add,
  div,
  exp,
  maximum,
  minimum,
  mul,
  relu,
  sigmoid,
  softmax,
  softplus,
  sub,
  tanh,
} from "../ir/build/elementwise.ts";
import type { Value } from "../ir/ops.ts";

/** The activations of layers. */
export const activationNames = [
  "linear",
  "relu",
  "leakyRelu",
  "elu",
  "selu",
  "exponential",
  "sigmoid",
  "hardSigmoid",
  "silu",
  "softmax",
  "softplus",
  "softsign",
  "tanh",
] as const;

/** Keras 3's functions and constants. `softmax` goes along the features; `leakyRelu` has the slope 0.2 below 0. */
export type Activation = (typeof activationNames)[number];

/** x above 0, alpha · (exp(x) - 1) below; exp never sees what would overflow. */
const elu = (x: Value, alpha: number): Value => add(relu(x), mul(sub(exp(minimum(x, 0)), 1), alpha));

export const activationFunctions: { readonly [A in Activation]: (x: Value) => Value } = {
  linear: (x) => x,
  relu,
  leakyRelu: (x) => maximum(x, mul(x, 0.2)),
  elu: (x) => elu(x, 1),
  // Klambauer et al. 2017: the numbers that keep mean 0 and variance 1.
  selu: (x) => mul(elu(x, 1.6732632423543772), 1.0507009873554805),
  exponential: exp,
  sigmoid,
  hardSigmoid: (x) => maximum(minimum(add(div(x, 6), 0.5), 1), 0),
  silu: (x) => mul(x, sigmoid(x)),
  softmax,
  softplus,
  softsign: (x) => div(x, add(abs(x), 1)),
  tanh,
};
