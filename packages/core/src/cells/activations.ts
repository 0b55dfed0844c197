/** The activation functions of recurrences by ONNX's names, with the parameters that they take. */

/** The numbers that some functions take. */
export interface ActivationParameters {
  readonly alpha?: number;
  readonly beta?: number;
}

/** Every function with the parameters that it takes, as ONNX's operator of that name has them by default; where there is none, those that change nothing. */
export const recurrentActivations = {
  Sigmoid: {},
  Tanh: {},
  Relu: {},
  /** alpha · x + beta */
  Affine: { alpha: 1, beta: 0 },
  /** x from 0 on, alpha · x below */
  LeakyRelu: { alpha: 0.01 },
  /** x from alpha on, 0 below */
  ThresholdedRelu: { alpha: 1 },
  /** alpha · tanh(beta · x) */
  ScaledTanh: { alpha: 1, beta: 1 },
  /** alpha · x + beta, within 0 and 1 */
  HardSigmoid: { alpha: 0.2, beta: 0.5 },
  /** x from 0 on, alpha · (eˣ - 1) below */
  Elu: { alpha: 1 },
  /** x / (1 + |x|) */
  Softsign: {},
  /** log(1 + eˣ) */
  Softplus: {},
} as const satisfies Readonly<Record<string, ActivationParameters>>;

/** The name of an activation function of a recurrence. */
export type RecurrentActivationFunction = keyof typeof recurrentActivations;

/** A function by its name; one that takes parameters with all of them, `{ name: "HardSigmoid", alpha: 0.2, beta: 0.5 }`. */
export type RecurrentActivation = {
  readonly [A in RecurrentActivationFunction]: keyof (typeof recurrentActivations)[A] extends never
    ? A
    : { readonly name: A } & { readonly [P in keyof (typeof recurrentActivations)[A]]: number };
}[RecurrentActivationFunction];

/** The name and the parameters of an activation of either form. */
export const spelledOut = (
  activation: RecurrentActivation,
): { readonly name: RecurrentActivationFunction } & ActivationParameters =>
  typeof activation === "string" ? { name: activation } : activation;
