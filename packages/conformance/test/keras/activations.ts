/** Straightforward implementations of Keras's activation functions. */

type Elementwise = (x: number) => number;

const sigmoid: Elementwise = (x) => 1 / (1 + Math.exp(-x));

/** Functions of one number. */
export const functions: Readonly<Record<string, Elementwise>> = {
  linear: (x) => x,
  relu: (x) => Math.max(x, 0),
  leakyRelu: (x) => (x > 0 ? x : 0.2 * x),
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  selu: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)),
  exponential: Math.exp,
  hardSigmoid: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 0.5),
  silu: (x) => x * sigmoid(x),
  softsign: (x) => x / (1 + Math.abs(x)),
  sigmoid,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  tanh: Math.tanh,
};

const elementwise = Object.entries(functions).map(([name, f]) => [name, (x: readonly number[]) => x.map(f)] as const);

/** All functions, on a vector. */
export const activations: Readonly<Record<string, (x: readonly number[]) => number[]>> = {
  ...Object.fromEntries(elementwise),
  softmax: (x) => {
    const total = x.reduce((sum, v) => sum + Math.exp(v), 0);
    return x.map((v) => Math.exp(v) / total);
  },
};
