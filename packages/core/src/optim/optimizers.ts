/** The optimizers. Keras's formulas and defaults (keras/src/optimizers, version 3). */
import { abs, add, div, less, mul, pow, select, sqrt, square, sub } from "../ir/build/elementwise.ts";
import type { Value } from "../ir/ops.ts";
import { type Optimizer, type OptimizerOptions, readOptimizer, type UpdateContext } from "./optimizer.ts";

/** `slots.m`, which the optimizer declared. */
function slot({ slots }: UpdateContext, name: string): Value {
  return slots[name] as Value;
}

/** rate · old + (1 - rate) · new, in the form that is nearest to Keras's. */
const average = (old: Value, value: Value, rate: number): Value => add(mul(rate, old), mul(1 - rate, value));

/**
 * 0 in the place of a mean whose size is below `least`. Where a share of a mean is subtracted from it, it would never fade to 0: when that share is too small
 * for float32 it stays as it is, and some processors take a hundred times as long to find that out, in each step.
 */
const lasting = (mean: Value, size: Value, least: number): Value => select(less(size, least), 0, mean);

/** Options of `sgd`. */
export interface SgdOptions extends OptimizerOptions {
  /** Default 0. */
  readonly momentum?: number;
  /** Looks ahead by one step of the momentum. Default false. */
  readonly nesterov?: boolean;
}

/**
 * Gradient descent: w ← w - learningRate · g. With momentum μ: v ← μ v - learningRate · g, and w ← w + v, or with `nesterov`
 * w ← w + μ v - learningRate · g. `learningRate` defaults to 0.01.
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { read, learningRate, base } = readOptimizer("sgd", options, ["momentum", "nesterov"], { learningRate: 0.01 });
  const momentum = read.number("momentum", 0, 0, 1);
  const nesterov = read.boolean("nesterov", false);
  return {
    kind: "sgd",
    learningRate,
    options: { momentum, nesterov },
    base,
    slots: momentum === 0 ? {} : { momentum: 0 },
    shownSlots: ["momentum"],
    shared: {},
    update(context) {
      const { parameter, gradient } = context;
      const step = mul(context.learningRate, gradient);
      if (momentum === 0) return { parameter: sub(parameter, step), slots: {} };
      const velocity = sub(mul(slot(context, "momentum"), momentum), step);
      const change = nesterov ? sub(mul(velocity, momentum), step) : velocity;
      return { parameter: add(parameter, change), slots: { momentum: velocity } };
    },
  };
}

/** Options of `rmsprop`. */
export interface RmspropOptions extends OptimizerOptions {
  /** Decay of the mean of squared gradients. Default 0.9. */
  readonly rho?: number;
  /** Default 0. */
  readonly momentum?: number;
  /** Added under the root. Default 1e-7. */
  readonly epsilon?: number;
  /** Divides by the variance of the gradients in the place of their mean square. Default false. */
  readonly centered?: boolean;
}

/**
 * RMSprop (Hinton 2012): v ← ρ v + (1 - ρ) g²;  w ← w - learningRate · g / √(v + ε). `centered` subtracts the square of the mean
 * gradient from v; with momentum μ the changes are summed, m ← μ m + change, and w ← w - m. `learningRate` defaults to 0.001.
 */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  const own = ["rho", "momentum", "epsilon", "centered"];
  const { read, learningRate, base } = readOptimizer("rmsprop", options, own, { learningRate: 0.001 });
  const rho = read.number("rho", 0.9, 0, 1);
  const momentum = read.number("momentum", 0, 0, 1);
  const epsilon = read.number("epsilon", 1e-7, 0);
  const centered = read.boolean("centered", false);
  return {
    kind: "rmsprop",
    learningRate,
    options: { rho, momentum, epsilon, centered },
    base,
    slots: { velocity: 0, ...(momentum > 0 ? { momentum: 0 } : {}), ...(centered ? { averageGradient: 0 } : {}) },
    shownSlots: ["momentum", "averageGradient"],
    shared: {},
    update(context) {
      const { parameter, gradient } = context;
      const velocity = average(slot(context, "velocity"), square(gradient), rho);
      const slots: Record<string, Value> = { velocity };
      let variance = velocity;
      if (centered) {
        const mean = average(slot(context, "averageGradient"), gradient, rho);
        // The square of less would be subnormal.
        slots.averageGradient = lasting(mean, abs(mean), 2 ** -63);
        variance = sub(velocity, square(slots.averageGradient));
      }
      let change = div(mul(context.learningRate, gradient), sqrt(add(variance, epsilon)));
      if (momentum > 0) {
        change = add(mul(slot(context, "momentum"), momentum), change);
        slots.momentum = change;
      }
      return { parameter: sub(parameter, change), slots };
    },
  };
}

/** Options of `adagrad`. */
export interface AdagradOptions extends OptimizerOptions {
  /** What the sums of squares start from. Default 0.1. */
  readonly initialAccumulatorValue?: number;
  /** Added under the root. Default 1e-7. */
  readonly epsilon?: number;
}

/** Adagrad (Duchi and others 2011): a ← a + g²;  w ← w - learningRate · g / √(a + ε). `learningRate` defaults to 0.001. */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  const own = ["initialAccumulatorValue", "epsilon"];
  const { read, learningRate, base } = readOptimizer("adagrad", options, own, { learningRate: 0.001 });
  const initialAccumulatorValue = read.number("initialAccumulatorValue", 0.1, 0);
  const epsilon = read.number("epsilon", 1e-7, 0);
  return {
    kind: "adagrad",
    learningRate,
    options: { initialAccumulatorValue, epsilon },
    base,
    slots: { accumulator: initialAccumulatorValue },
    shared: {},
    update(context) {
      const { parameter, gradient } = context;
      const accumulator = add(slot(context, "accumulator"), square(gradient));
      const change = div(mul(context.learningRate, gradient), sqrt(add(accumulator, epsilon)));
      return { parameter: sub(parameter, change), slots: { accumulator } };
    },
  };
}

/** Options of `adam`, `adamw` and `nadam`. */
export interface AdamOptions extends OptimizerOptions {
  /** Decay of the mean of gradients. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of their squares. Default 0.999. */
  readonly beta2?: number;
  /** Added to the root, as in Keras ("epsilon hat" of the paper, not corrected for bias). Default 1e-7. */
  readonly epsilon?: number;
}

/** What Adam and its relatives read, and their two means. */
function adamLike(kind: string, options: AdamOptions, weightDecay?: number) {
  const defaults = { learningRate: 0.001, ...(weightDecay === undefined ? {} : { weightDecay }) };
  const { read, learningRate, base } = readOptimizer(kind, options, ["beta1", "beta2", "epsilon"], defaults);
  const beta1 = read.number("beta1", 0.9, 0, 1);
  const beta2 = read.number("beta2", 0.999, 0, 1);
  const epsilon = read.number("epsilon", 1e-7, 0);
  // The root of less is nothing beside epsilon. Where epsilon is below 4e-12, v goes down to the smallest normal number.
  const leastSquare = Math.max(2 ** -126, Math.min(2 ** -100, (epsilon * 2 ** -25) ** 2));
  const means = (context: UpdateContext): { m: Value; v: Value } => {
    const [m, v] = [slot(context, "m"), slot(context, "v")];
    const nextM = add(m, mul(sub(context.gradient, m), 1 - beta1));
    const nextV = add(v, mul(sub(square(context.gradient), v), 1 - beta2));
    return { m: lasting(nextM, abs(nextM), 2 ** -100), v: lasting(nextV, nextV, leastSquare) };
  };
  const made = {
    kind,
    learningRate,
    base,
    options: { beta1, beta2, epsilon },
    slots: { m: 0, v: 0 },
    shownSlots: ["m"],
  };
  return { made, beta1, beta2, epsilon, means };
}

function adamWith(kind: string, options: AdamOptions, weightDecay?: number): Optimizer {
  const { made, beta1, beta2, epsilon, means } = adamLike(kind, options, weightDecay);
  return {
    ...made,
    shared: {},
    update(context) {
      const { parameter, iteration, learningRate } = context;
      const rate = div(mul(learningRate, sqrt(sub(1, pow(beta2, iteration)))), sub(1, pow(beta1, iteration)));
      const { m, v } = means(context);
      return { parameter: sub(parameter, div(mul(m, rate), add(sqrt(v), epsilon))), slots: { m, v } };
    },
  };
}

/**
 * Adam (Kingma and Ba 2014), in Keras's form:
 * m ← m + (1 - β1)(g - m);  v ← v + (1 - β2)(g² - v);  w ← w - learningRate · √(1 - β2ᵗ) / (1 - β1ᵗ) · m / (√v + ε).
 * m below 2⁻¹⁰⁰ (8e-31) in size becomes 0, and so does v where also √v is below 2⁻²⁵ ε: neither moves a weight. `learningRate` defaults to 0.001.
 */
export function adam(options: AdamOptions = {}): Optimizer {
  return adamWith("adam", options);
}

/** AdamW (Loshchilov and Hutter 2019): Adam with a `weightDecay` of 0.004 by default, applied before each update. */
export function adamw(options: AdamOptions = {}): Optimizer {
  return adamWith("adamw", options, 0.004);
}

/**
 * Nadam (Dozat 2015): Adam with Nesterov's momentum, whose share rises: uₜ = β1 (1 - 0.96ᵗ / 2), Πₜ = u₁ … uₜ;
 * m̂ = uₜ₊₁ m / (1 - Πₜ₊₁) + (1 - uₜ) g / (1 - Πₜ);  w ← w - learningRate · m̂ / (√(v / (1 - β2ᵗ)) + ε). `learningRate` defaults to 0.001.
 */
export function nadam(options: AdamOptions = {}): Optimizer {
  const { made, beta1, beta2, epsilon, means } = adamLike("nadam", options);
  const momentumAt = (iteration: Value): Value => mul(beta1, sub(1, mul(0.5, pow(0.96, iteration))));
  return {
    ...made,
    shared: { uProduct: 1 },
    advance: ({ shared, iteration }) => ({ uProduct: mul(shared.uProduct as Value, momentumAt(iteration)) }),
    update(context) {
      const { parameter, gradient, iteration, learningRate } = context;
      const product = context.shared.uProduct as Value;
      const [now, next] = [momentumAt(iteration), momentumAt(add(iteration, 1))];
      const { m, v } = means(context);
      const ahead = mul(div(next, sub(1, mul(product, next))), m);
      const mean = add(ahead, mul(div(sub(1, now), sub(1, product)), gradient));
      const root = sqrt(div(v, sub(1, pow(beta2, iteration))));
      return { parameter: sub(parameter, div(mul(mean, learningRate), add(root, epsilon))), slots: { m, v } };
    },
  };
}
