/** The activation functions of recurrences, by ONNX name, with their parameters. */

/** The parameters of activation functions. */
export interface ActivationParameters {
  readonly alpha?: number;
  readonly beta?: number;
}

/** All functions with their parameters. The values are the defaults of the ONNX operator of that name; functions without one have values without effect. */
export const recurrentActivations = {
  Sigmoid: {},
  Tanh: {},
  Relu: {},
  /** alpha · x + beta */
  Affine: { alpha: 1, beta: 0 },
  /** x for x ≥ 0, alpha · x otherwise */
  LeakyRelu: { alpha: 0.01 },
  /** x for x ≥ alpha, 0 otherwise */
  ThresholdedRelu: { alpha: 1 },
  /** alpha · tanh(beta · x) */
  ScaledTanh: { alpha: 1, beta: 1 },
  /** alpha · x + beta, clamped to [0, 1] */
  HardSigmoid: { alpha: 0.2, beta: 0.5 },
  /** x for x ≥ 0, alpha · (eˣ - 1) otherwise */
  Elu: { alpha: 1 },
  /** x / (1 + |x|) */
  Softsign: {},
  /** log(1 + eˣ) */
  Softplus: {},
} as const satisfies Readonly<Record<string, ActivationParameters>>;

/** The name of an activation function of a recurrence. */
export type RecurrentActivationFunction = keyof typeof recurrentActivations;

/** A function by name; functions with parameters as an object with all of them, `{ name: "HardSigmoid", alpha: 0.2, beta: 0.5 }`. */
export type RecurrentActivation = {
  readonly [A in RecurrentActivationFunction]: keyof (typeof recurrentActivations)[A] extends never
    ? A
    : { readonly name: A } & { readonly [P in keyof (typeof recurrentActivations)[A]]: number };
}[RecurrentActivationFunction];

/** The name and parameters of an activation in either form. */
export const spelledOut = (
  activation: RecurrentActivation,
): { readonly name: RecurrentActivationFunction } & ActivationParameters =>
  typeof activation === "string" ? { name: activation } : activation;
