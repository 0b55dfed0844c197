/** Optimizers as graph: what a step does to a parameter, given its gradient. Keras's formulas and defaults. */
import { add, cast, div, mul, pow, sqrt, square, sub } from "../ir/build/elementwise.ts";
import type { Value } from "../ir/ops.ts";
import { OptionReader } from "../nn/options.ts";

/** What an optimizer may read in one step. */
export interface UpdateContext {
  readonly parameter: Value;
  readonly gradient: Value;
  /** The parameter's slots, by name. */
  readonly slots: Readonly<Record<string, Value>>;
  /** 1 in the first step, a float32 scalar. */
  readonly iteration: Value;
  /** A float32 scalar, kept as state so that it can change during training. */
  readonly learningRate: Value;
}

export interface Optimizer {
  readonly kind: string;
  readonly learningRate: number;
  /** The slots beside each parameter, of its shape, and what fills them at first. They are state like the parameter: no checkpoint can forget them. */
  readonly slots: Readonly<Record<string, number>>;
  /** The new parameter and the new slots. */
  update(context: UpdateContext): { readonly parameter: Value; readonly slots: Readonly<Record<string, Value>> };
}

/** Gradient descent: w ← w - learningRate · g. `learningRate` defaults to 0.01. */
export function sgd(options: { readonly learningRate?: number } = {}): Optimizer {
  const read = new OptionReader("sgd", options, ["learningRate"]);
  return {
    kind: "sgd",
    learningRate: read.number("learningRate", 0.01, 0),
    slots: {},
    update: ({ parameter, gradient, learningRate }) => ({
      parameter: sub(parameter, mul(learningRate, gradient)),
      slots: {},
    }),
  };
}

export interface AdamOptions {
  /** Default 0.001. */
  readonly learningRate?: number;
  /** Decay of the mean of gradients. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of their squares. Default 0.999. */
  readonly beta2?: number;
  /** Added to the root, as in Keras ("epsilon hat" of the paper, not corrected for bias). Default 1e-7. */
  readonly epsilon?: number;
}

/**
 * Adam (Kingma and Ba 2014), in Keras's form:
 * m ← m + (1 - β1)(g - m);  v ← v + (1 - β2)(g² - v);  w ← w - learningRate · √(1 - β2ᵗ) / (1 - β1ᵗ) · m / (√v + ε).
 */
export function adam(options: AdamOptions = {}): Optimizer {
  const read = new OptionReader("adam", options, ["learningRate", "beta1", "beta2", "epsilon"]);
  const beta1 = read.number("beta1", 0.9, 0, 1);
  const beta2 = read.number("beta2", 0.999, 0, 1);
  const epsilon = read.number("epsilon", 1e-7, 0);
  return {
    kind: "adam",
    learningRate: read.number("learningRate", 0.001, 0),
    slots: { m: 0, v: 0 },
    update({ parameter, gradient, slots, iteration, learningRate }) {
      const m0 = slots.m as Value;
      const v0 = slots.v as Value;
      const rate = div(mul(learningRate, sqrt(sub(1, pow(beta2, iteration)))), sub(1, pow(beta1, iteration)));
      const m = add(m0, mul(sub(gradient, m0), 1 - beta1));
      const v = add(v0, mul(sub(square(gradient), v0), 1 - beta2));
      return { parameter: sub(parameter, div(mul(m, rate), add(sqrt(v), epsilon))), slots: { m, v } };
    },
  };
}

/** The number of the step about to be made, from the counter of those made. */
export function iterationAfter(step: Value): Value {
  return cast(add(step, 1), "float32");
}
