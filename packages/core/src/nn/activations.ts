/** Activation functions by Keras's names. */
import { exp, mul, sigmoid, softmax } from "../ir/build/elementwise.ts";
import type { Value } from "../ir/ops.ts";
import type { RecurrentActivation } from "../ir/recurrences.ts";
import { functionOf } from "../recurrent/recurrence.ts";

/** The activations that recurrences also have. */
export const recurrentActivations = {
  linear: { name: "Affine", alpha: 1, beta: 0 },
  relu: "Relu",
  leakyRelu: { name: "LeakyRelu", alpha: 0.2 },
  elu: { name: "Elu", alpha: 1 },
  sigmoid: "Sigmoid",
  hardSigmoid: { name: "HardSigmoid", alpha: 1 / 6, beta: 0.5 },
  softplus: "Softplus",
  softsign: "Softsign",
  tanh: "Tanh",
} as const satisfies Readonly<Record<string, RecurrentActivation>>;

/** The activations of recurrent layers: Keras 3's functions and constants. */
export type RecurrentActivationName = keyof typeof recurrentActivations;
/** The activations of recurrent layers. */
export const recurrentActivationNames = Object.keys(recurrentActivations) as RecurrentActivationName[];

const functions = Object.entries(recurrentActivations).map(([name, activation]) => [name, functionOf(activation)]);

export const activationFunctions = {
  ...(Object.fromEntries(functions) as { readonly [A in RecurrentActivationName]: (x: Value) => Value }),
  linear: (x: Value): Value => x,
  // Klambauer et al. 2017: the numbers that keep mean 0 and variance 1.
  selu: (x: Value): Value => mul(functionOf({ name: "Elu", alpha: 1.6732632423543772 })(x), 1.0507009873554805),
  exponential: exp,
  silu: (x: Value): Value => mul(x, sigmoid(x)),
  softmax,
} as const;

/** Keras 3's activation functions and constants. `softmax` is computed along the features; `leakyRelu` has a slope of 0.2 for negative numbers. */
export type Activation = keyof typeof activationFunctions;
/** The activations of layers. */
export const activationNames = Object.keys(activationFunctions) as Activation[];
