/** Importers of activation functions with parameters. */
import { div, exp, less, neg, relu, select, sigmoid, softplus, square, tanh, type Value } from "@ostinato/core";
import { add, maximum, minimum, mul } from "@ostinato/core/graph";
import { onElements } from "./elementwise.ts";
import type { Importer, Importers } from "./importing.ts";

/** An element-wise function with parameters that are attributes, and their default values. */
interface Activation {
  readonly attributes: Readonly<Record<string, number>>;
  readonly of: (x: Value, numbers: Readonly<Record<string, number>>) => Value;
}

const activation =
  ({ attributes, of }: Activation): Importer =>
  (node, importing) => {
    const numbers = Object.entries(attributes).map(([name, byDefault]) => [name, node.float(name) ?? byDefault]);
    const given = Object.fromEntries(numbers);
    return [onElements([node.input(0)], importing, { values: (x) => of(x as Value, given) })];
  };

/** Selects `above` for positive x, else `below`. The branch that is not selected stays finite. */
const split = (x: Value, above: Value, below: (x: Value) => Value): Value =>
  select(less(0, x), above, below(minimum(x, 0)));

const hardSigmoid = (x: Value, alpha: number, beta: number): Value => minimum(maximum(add(mul(x, alpha), beta), 0), 1);

/** Coefficients of a rational approximation of erf(x) / x in powers of x², with an error below 10⁻⁷ for |x| ≤ 4, from Eigen. */
const erfNumerator = [
  -1.60960333262415e-2, -2.95459980854025e-3, -7.34990630326855e-4, -5.69250639462346e-5, -2.10102402082508e-6,
  2.77068142495902e-8, -2.72614225801306e-10,
];
const erfDenominator = [
  -1.42647390514189e-2, -7.37332916720468e-3, -1.68282697438203e-3, -2.13374055278905e-4, -1.45660718464996e-5,
];

const polynomial = (x: Value, coefficients: readonly number[]): Value => {
  const [highest = 0, ...lower] = [...coefficients].reverse();
  return lower.reduce<Value>((sum, coefficient) => add(mul(sum, x), coefficient), add(mul(x, 0), highest));
};

/** The error function with an error below 2 · 10⁻⁷, differentiable everywhere. */
function erf(x: Value): Value {
  const near = maximum(minimum(x, 4), -4);
  const powers = square(near);
  return mul(near, div(polynomial(powers, erfNumerator), polynomial(powers, erfDenominator)));
}

/** x Φ(x), where Φ is the cumulative normal distribution. */
const gelu = (x: Value): Value => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));

const geluByTanh = (x: Value): Value =>
  mul(mul(x, 0.5), add(tanh(mul(add(x, mul(mul(square(x), x), 0.044715)), Math.sqrt(2 / Math.PI))), 1));

const activations: Readonly<Record<string, Activation>> = {
  HardSigmoid: {
    attributes: { alpha: 0.2, beta: 0.5 },
    of: (x, { alpha = 0, beta = 0 }) => hardSigmoid(x, alpha, beta),
  },
  HardSwish: { attributes: {}, of: (x) => mul(x, hardSigmoid(x, 1 / 6, 0.5)) },
  LeakyRelu: { attributes: { alpha: 0.01 }, of: (x, { alpha = 0 }) => split(x, x, (below) => mul(below, alpha)) },
  ThresholdedRelu: { attributes: { alpha: 1 }, of: (x, { alpha = 0 }) => select(less(alpha, x), x, 0) },
  Elu: { attributes: { alpha: 1 }, of: (x, { alpha = 0 }) => split(x, x, (below) => mul(add(exp(below), -1), alpha)) },
  Celu: {
    attributes: { alpha: 1 },
    of: (x, { alpha = 1 }) => split(x, x, (below) => mul(add(exp(mul(below, 1 / alpha)), -1), alpha)),
  },
  Selu: {
    attributes: { alpha: 1.6732631921768188, gamma: 1.0507010221481323 },
    of: (x, { alpha = 0, gamma = 0 }) => split(x, mul(x, gamma), (below) => mul(add(exp(below), -1), alpha * gamma)),
  },
  Swish: { attributes: { alpha: 1 }, of: (x, { alpha = 1 }) => mul(x, sigmoid(mul(x, alpha))) },
  Mish: { attributes: {}, of: (x) => mul(x, tanh(softplus(x))) },
  Erf: { attributes: {}, of: erf },
};

const geluOf: Importer = (node, importing) => {
  const approximate = node.string("approximate") ?? "none";
  if (approximate !== "none" && approximate !== "tanh")
    return node.fail(`the approximation "${approximate}" is not supported`);
  return [
    onElements([node.input(0)], importing, { values: (x) => (approximate === "none" ? gelu : geluByTanh)(x as Value) }),
  ];
};

/** A learned slope for negative numbers. */
const sloped: Importer = (node, importing) => [
  onElements([node.input(0), node.input(1)], importing, {
    values: (x, slope) => add(relu(x as Value), neg(mul(slope as Value, relu(neg(x as Value))))),
  }),
];

/** Bounds are inputs from opset 11 on, and attributes before. */
const clipped: Importer = (node, importing) => {
  const bounds = ["min", "max"].map((name, i) => {
    const byAttribute = importing.opset < 11 ? node.float(name) : undefined;
    const given = node.inputs[i + 1];
    if (given === undefined) return byAttribute;
    const known = importing.known(given)?.data[0];
    return typeof known === "number" ? known : node.fail(`its ${name} must be a constant number`);
  });
  const [least, most] = bounds;
  const values = (x: Value): Value => {
    const above = least === undefined ? x : maximum(x, least);
    return most === undefined ? above : minimum(above, most);
  };
  return [
    onElements([node.input(0)], importing, {
      values: (x) => values(x as Value),
      numbers: (x) =>
        typeof x === "number" ? Math.min(Math.max(x, least ?? x), most ?? Number.POSITIVE_INFINITY) : undefined,
    }),
  ];
};

export const activationImporters: Importers = {
  ...Object.fromEntries(Object.entries(activations).map(([operator, entry]) => [operator, activation(entry)])),
  Gelu: geluOf,
  PRelu: sloped,
  Clip: clipped,
};
