/** Activation functions by Keras's names. */
import { relu, sigmoid, softmax, softplus, tanh } from "../ir/build/elementwise.ts";
import type { Value } from "../ir/ops.ts";

export const activationNames = ["linear", "relu", "sigmoid", "softmax", "softplus", "tanh"] as const;
/** `softmax` goes along the features. */
export type Activation = (typeof activationNames)[number];

export const activationFunctions: { readonly [A in Activation]: (x: Value) => Value } = {
  linear: (x) => x,
  relu,
  sigmoid,
  softmax,
  softplus,
  tanh,
};
