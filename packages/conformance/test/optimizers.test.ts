/** Every optimizer, with every option that all of them have, against Keras's formulas written out naively: 50 steps within 1e-6. */
import { evaluate, evaluateValues } from "@ostinato/conformance";
import {
  adagrad,
  adam,
  adamw,
  averagedNames,
  cosineDecay,
  feed,
  float64,
  int32,
  learningRateAt,
  nadam,
  type Optimizer,
  type OptimizerOptions,
  optimizerSpec,
  optimizerState,
  optimizerUpdates,
  RandomStream,
  rmsprop,
  sgd,
  state,
  type Tensor,
  type Tensors,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { type KerasKind, type KerasOptions, kerasOptimize } from "./keras/optimizers.ts";

const optimizers: Readonly<Record<KerasKind, (options: object) => Optimizer>> = {
  sgd,
  rmsprop,
  adagrad,
  adam,
  adamw,
  nadam,
};

/** Options of their own, away from the defaults. */
const own: Readonly<Record<KerasKind, readonly KerasOptions[]>> = {
  sgd: [{}, { momentum: 0.9 }, { momentum: 0.8, nesterov: true }],
  rmsprop: [{}, { rho: 0.6, epsilon: 0.01 }, { momentum: 0.7 }, { centered: true }, { centered: true, momentum: 0.5 }],
  adagrad: [{}, { initialAccumulatorValue: 2, epsilon: 0.1 }],
  adam: [{}, { beta1: 0.5, beta2: 0.8, epsilon: 0.1 }],
  adamw: [{}, { beta1: 0.5, weightDecay: 0.1 }],
  nadam: [{}, { beta1: 0.5, beta2: 0.8, epsilon: 0.1 }],
};

const shared: readonly KerasOptions[] = [
  { clipvalue: 0.5 },
  { clipnorm: 0.7 },
  { globalClipnorm: 0.7 },
  { weightDecay: 0.3 },
  { gradientAccumulationSteps: 3 },
  { useEma: true },
  { useEma: true, emaMomentum: 0.6, emaOverwriteFrequency: 4 },
  {
    globalClipnorm: 0.7,
    weightDecay: 0.3,
    gradientAccumulationSteps: 4,
    useEma: true,
    emaMomentum: 0.8,
    emaOverwriteFrequency: 3,
  },
];

const steps = 50;
const goals = [
  [3, -2, 0.5, 100],
  [-1e-3, 0.25],
];
const start = [
  [0, 1, 0.5, -7],
  [1e-3, -4],
];
const parameters = start.map((values, i) => ({ name: `layer/${i}`, shape: [values.length] }));

/** A noisy pull to the goals, the same for the same step and weights. */
function gradientAt(step: number, weights: readonly (readonly number[])[]): number[][] {
  const random = new RandomStream(step, "gradients");
  return weights.map((w, i) => w.map((value, k) => 2 * (value - goals[i][k]) + random.uniform() - 0.5));
}

const initialWeights = (): Tensors =>
  Object.fromEntries(parameters.map(({ name, shape }, i) => [name, float64(shape, start[i])]));
const vectors = (known: Tensors, names: readonly string[]): number[][] => names.map((name) => [...known[name].data]);
const wide = (tensor: Tensor): Tensor =>
  tensor.dtype === "float32" ? float64(tensor.shape, Float64Array.from(tensor.data)) : tensor;

/** The same steps by the graph, in double precision. */
function optimize(optimizer: Optimizer): { weights: number[][]; averages: number[][]; known: Tensors } {
  const step = state("step", "int32", []);
  const learningRate = feed("learningRate", "float32", []);
  const updates = optimizerUpdates(optimizer, {
    parameters: parameters.map(({ name, shape }) => ({
      name,
      shape,
      value: state(name, "float32", shape),
      gradient: feed(`d ${name}`, "float32", shape),
    })),
    step,
    learningRate,
  });
  const initial = initialWeights();
  const own = Object.entries(optimizerState(optimizer, parameters, initial));
  let known: Tensors = { ...initial, ...Object.fromEntries(own.map(([name, tensor]) => [name, wide(tensor)])) };
  const names = parameters.map(({ name }) => name);
  for (let t = 0; t < steps; t++) {
    const grads = gradientAt(t, vectors(known, names));
    const feeds = {
      ...Object.fromEntries(parameters.map(({ name, shape }, i) => [`d ${name}`, float64(shape, grads[i])])),
      learningRate: float64([], [learningRateAt(optimizer.learningRate, t)]),
    };
    known = evaluate({ fetches: {}, updates }, feeds, { ...known, step: int32([], [t]) }).state;
  }
  const averaged = averagedNames(optimizer, parameters);
  return {
    weights: vectors(known, names),
    averages: vectors(
      known,
      names.map((name) => averaged[name]),
    ),
    known,
  };
}

function expectRelative(actual: readonly (readonly number[])[], expected: readonly (readonly number[])[]): void {
  actual.flat().forEach((value, i) => {
    const wanted = expected.flat()[i];
    expect(Math.abs(value - wanted), `element ${i}: ${value}, ${wanted}`).toBeLessThanOrEqual(1e-6 * Math.abs(wanted));
  });
  expect(actual.flat()).toHaveLength(expected.flat().length);
}

const rateOf = (kind: KerasKind): number => (kind === "sgd" ? 0.01 : 0.001);

describe.each(Object.keys(optimizers) as KerasKind[])("50 steps of %s", (kind) => {
  const make = optimizers[kind];

  test("with Keras's defaults and with other options", () => {
    for (const options of own[kind]) {
      const rates = Array.from({ length: steps }, () => rateOf(kind));
      expectRelative(optimize(make(options)).weights, kerasOptimize(kind, options, start, rates, gradientAt).weights);
    }
  });

  for (const options of shared) {
    test(`with ${JSON.stringify(options)}`, () => {
      const learningRate = cosineDecay({ initialLearningRate: 0.2, decaySteps: 40, alpha: 0.1 });
      const rates = Array.from({ length: steps }, (_, t) => learningRateAt(learningRate, t));
      const mixed = { ...own[kind].at(-1), ...options };
      const actual = optimize(make({ ...mixed, learningRate }));
      const expected = kerasOptimize(kind, mixed, start, rates, gradientAt);
      expectRelative(actual.weights, expected.weights);
      expectRelative(actual.averages, options.useEma ? expected.averages : expected.weights);
    });
  }

  test("keeps all that it needs as state", () => {
    const all = { gradientAccumulationSteps: 2, useEma: true, emaOverwriteFrequency: 2 };
    const optimizer = make(all);
    const names = Object.keys(optimizerState(optimizer, parameters, initialWeights()));
    const left = Object.keys(optimize(optimizer).known).filter((name) => !parameters.some((p) => p.name === name));
    expect(left.filter((name) => name !== "step").sort()).toEqual(names.sort());
  });

  test("is told apart by its spec, which survives JSON", () => {
    const specs = [
      {},
      ...shared,
      { learningRate: 0.5 },
      { learningRate: cosineDecay({ initialLearningRate: 1, decaySteps: 2 }) },
    ].map((options) => optimizerSpec(make(options)));
    for (const spec of specs) expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
    expect(new Set(specs.map((spec) => JSON.stringify(spec))).size).toBe(specs.length);
    expect(specs[0]).toMatchObject({ kind, learningRate: rateOf(kind), gradientAccumulationSteps: 1, useEma: false });
  });
});

test("gradients of a norm of 0 stay 0 where they are clipped", () => {
  for (const options of [{ clipnorm: 1 }, { globalClipnorm: 1 }]) {
    const [{ value }] = optimizerUpdates(sgd(options), {
      parameters: [{ name: "w", shape: [2], value: state("w", "float32", [2]), gradient: feed("g", "float32", [2]) }],
      step: state("step", "int32", []),
      learningRate: feed("rate", "float32", []),
    });
    const feeds = { g: float64([2], [0, 0]), rate: float64([], [1]) };
    const [{ data }] = evaluateValues([value], feeds, { w: float64([2], [1, 2]), step: int32([], [0]) });
    expect([...data]).toEqual([1, 2]);
  }
});

describe("wrong options", () => {
  const wrong: readonly (readonly [OptimizerOptions, string])[] = [
    [{ clipnorm: 1, clipvalue: 1 }, "clipvalue and clipnorm exclude each other"],
    [{ clipnorm: 0 }, "clipnorm must be above 0"],
    [{ gradientAccumulationSteps: 0 }, "gradientAccumulationSteps must be a whole number from 1 on"],
    [{ emaMomentum: 0.5 }, "go with useEma: true"],
    [{ learningRate: -1 }, "learningRate must be a number from 0 on, or a schedule"],
    [{ learningRate: "fast" as never }, "learningRate must be a number from 0 on, or a schedule"],
    [{ weightDecay: -1 }, "weightDecay must be a number from 0 on"],
    [{ rho: 1 } as never, "has no option"],
  ];
  test.each(wrong)("%j", (options, message) => {
    expect(() => adam(options)).toThrow(message);
  });
});
