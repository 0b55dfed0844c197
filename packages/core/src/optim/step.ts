/** One step of an optimizer over all parameters, as graph, in Keras's order: accumulate, clip, decay, update, average. */
import {
  abs,
  add,
  cast,
  div,
  equal,
  less,
  maximum,
  minimum,
  mul,
  select,
  sqrt,
  square,
  sub,
} from "../ir/build/elementwise.ts";
import { max, sum } from "../ir/build/reduce.ts";
import { constant, state } from "../ir/build/source.ts";
import type { Value } from "../ir/ops.ts";
import type { Update } from "../ir/value.ts";
import { float32, int32, sizeOf, type Tensor, type Tensors } from "../tensor.ts";
import type { BaseConfig, Optimizer } from "./optimizer.ts";

/** A parameter as an optimizer knows it. */
export interface Optimized {
  readonly name: string;
  readonly shape: readonly number[];
  /** False: the optimizer leaves it alone and keeps nothing beside it. Default true. */
  readonly trainable?: boolean;
  /** The factor of its learning rate. Default 1. */
  readonly rate?: number;
}

/** Names of an optimizer's state. */
const slotName = (optimizer: Optimizer, slot: string, parameter: string): string =>
  `${optimizer.kind}/${slot}/${parameter}`;
const sharedName = (name: string): string => `optimizer/${name}`;
const accumulatorName = (parameter: string): string => `accumulated/${parameter}`;
const averageName = (parameter: string): string => `ema/${parameter}`;
/** Gradients summed since the last update, updates made, and updates since the averages last became the weights. */
const ACCUMULATED = sharedName("accumulated");
const ITERATIONS = sharedName("iterations");
const SINCE_OVERWRITE = sharedName("sinceOverwrite");

const isTrained = ({ trainable }: Optimized): boolean => trainable !== false;

/** The state that an optimizer keeps beside `weights`, before the first step. */
export function optimizerState(
  optimizer: Optimizer,
  parameters: readonly Optimized[],
  weights: Tensors,
): Record<string, Tensor> {
  const { gradientAccumulationSteps, useEma, emaOverwriteFrequency } = optimizer.base;
  const made: Record<string, Tensor> = {};
  const filled = (shape: readonly number[], value: number): Tensor =>
    float32(shape, new Float32Array(sizeOf(shape)).fill(value));
  for (const [name, value] of Object.entries(optimizer.shared)) made[sharedName(name)] = filled([], value);
  const counters = [
    ...(gradientAccumulationSteps > 1 ? [ACCUMULATED, ITERATIONS] : []),
    ...(emaOverwriteFrequency === null ? [] : [SINCE_OVERWRITE]),
  ];
  for (const name of counters) made[name] = int32([], [0]);
  for (const { name, shape } of parameters.filter(isTrained)) {
    for (const [slot, value] of Object.entries(optimizer.slots))
      made[slotName(optimizer, slot, name)] = filled(shape, value);
    if (gradientAccumulationSteps > 1) made[accumulatorName(name)] = filled(shape, 0);
    if (useEma) made[averageName(name)] = weights[name] as Tensor;
  }
  return made;
}

/** The state that holds the average of each parameter, by the parameter's name; a parameter that is not averaged holds its own. */
export function averagedNames(optimizer: Optimizer, parameters: readonly Optimized[]): Record<string, string> {
  return Object.fromEntries(
    parameters.map((parameter) => [
      parameter.name,
      optimizer.base.useEma && isTrained(parameter) ? averageName(parameter.name) : parameter.name,
    ]),
  );
}

/** Larger numbers are divided by the largest of them before a norm is computed, because their squares may overflow. */
const LARGE = 1e15;

/** Whether gradients are bounded before they are used. */
export function clips({ clipvalue, clipnorm, globalClipnorm }: BaseConfig): boolean {
  return clipvalue !== null || clipnorm !== null || globalClipnorm !== null;
}

/** Gradients scaled so that the norm of all together is at most `bound`. Finite gradients may have a norm or squares that are not finite. */
function withinNorm(gradients: readonly Value[], bound: number): readonly Value[] {
  const largest = gradients.map((gradient) => max(abs(gradient))).reduce((a, b) => maximum(a, b));
  const unit = select(less(LARGE, largest), largest, 1);
  const scaled = gradients.map((gradient) => div(gradient, unit));
  const norm = sqrt(scaled.map((gradient) => sum(square(gradient))).reduce((a, b) => add(a, b), constant(0)));
  const share = div(bound, maximum(norm, div(bound, unit)));
  return scaled.map((gradient) => mul(gradient, share));
}

/** Gradients within the bound that the options set: of each element, of each gradient's norm, or of the norm of all. */
function clip(gradients: readonly Value[], { clipvalue, clipnorm, globalClipnorm }: BaseConfig): readonly Value[] {
  if (clipvalue !== null) return gradients.map((gradient) => maximum(minimum(gradient, clipvalue), -clipvalue));
  if (clipnorm !== null) return gradients.flatMap((gradient) => withinNorm([gradient], clipnorm));
  if (globalClipnorm !== null && gradients.length > 0) return withinNorm(gradients, globalClipnorm);
  return gradients;
}

/** A step's inputs: trained parameters only, and the gradient of each. */
export interface StepInputs {
  readonly parameters: readonly (Optimized & { readonly value: Value; readonly gradient: Value })[];
  /** Steps made so far, an int32 scalar. */
  readonly step: Value;
  /** A float32 scalar. */
  readonly learningRate: Value;
}

/** What one step leaves behind: new parameters, slots, averages and counters. */
export function optimizerUpdates(
  optimizer: Optimizer,
  { parameters, step, learningRate }: StepInputs,
): readonly Update[] {
  const { base } = optimizer;
  const updates: Update[] = [];
  const leave = (name: string, value: Value): void => {
    updates.push({ name, value });
  };

  const every = base.gradientAccumulationSteps;
  const counted = every > 1 ? add(state(ACCUMULATED, "int32", []), 1) : undefined;
  const due = counted && equal(counted, every);
  /** `next` in steps that update, `kept` in those that only add up gradients. */
  const whenDue = (next: Value, kept: Value): Value => (due ? select(due, next, kept) : next);
  const iterations = due ? state(ITERATIONS, "int32", []) : step;
  if (counted && due) {
    leave(ACCUMULATED, select(due, 0, counted));
    leave(ITERATIONS, add(iterations, cast(due, "int32")));
  }
  const means = parameters.map(({ name, shape, gradient }) => {
    if (!due) return gradient;
    const total = add(state(accumulatorName(name), "float32", shape), gradient);
    leave(accumulatorName(name), select(due, 0, total));
    return div(total, every);
  });
  const clipped = clip(means, base);

  const iteration = cast(add(iterations, 1), "float32");
  const before = Object.fromEntries(
    Object.keys(optimizer.shared).map((name) => [name, state(sharedName(name), "float32", [])]),
  );
  const shared = optimizer.advance?.({ shared: before, iteration }) ?? before;
  for (const name of Object.keys(before))
    leave(sharedName(name), whenDue(shared[name] as Value, before[name] as Value));

  const averages = base.useEma ? averaging(base, iterations) : undefined;
  if (averages?.sinceOverwrite) {
    const { sinceOverwrite, overwrite } = averages;
    leave(SINCE_OVERWRITE, whenDue(select(overwrite, 0, add(sinceOverwrite, 1)), sinceOverwrite));
  }
  parameters.forEach(({ name, shape, value, rate = 1 }, i) => {
    const slots = Object.fromEntries(
      Object.keys(optimizer.slots).map((slot) => [slot, state(slotName(optimizer, slot, name), "float32", shape)]),
    );
    const { weightDecay } = base;
    const own = rate === 1 ? learningRate : mul(learningRate, rate);
    const parameter = weightDecay === null ? value : sub(value, mul(mul(value, weightDecay), own));
    const gradient = clipped[i] as Value;
    const next = optimizer.update({ parameter, gradient, slots, shared, iteration, learningRate: own });
    for (const [slot, after] of Object.entries(next.slots))
      leave(slotName(optimizer, slot, name), whenDue(after, slots[slot] as Value));
    const updated = whenDue(next.parameter, value);
    const average = averages?.of(updated, state(averageName(name), "float32", shape));
    if (average) leave(averageName(name), average);
    leave(name, average && averages?.sinceOverwrite ? select(averages.overwrite, average, updated) : updated);
  });
  return updates;
}

/** The values that have to be looked at to know that all that a step leaves is finite. */
export function guardedValues(optimizer: Optimizer, updates: readonly Update[]): Value[] {
  const shown = (optimizer.shownSlots ?? []).map((slot) => slotName(optimizer, slot, ""));
  return updates
    .filter(({ name, value }) => value.type.dtype === "float32" && !shown.some((prefix) => name.startsWith(prefix)))
    .map(({ value }) => value);
}

/** Keras's moving average: the weights themselves until the first update, in each step from then on, and back into the weights now and then. */
function averaging({ emaMomentum, emaOverwriteFrequency }: BaseConfig, iterations: Value) {
  const momentum = select(equal(iterations, 0), constant(0), constant(emaMomentum));
  const of = (weights: Value, average: Value): Value => add(mul(momentum, average), mul(sub(1, momentum), weights));
  if (emaOverwriteFrequency === null) return { of };
  const sinceOverwrite = state(SINCE_OVERWRITE, "int32", []);
  return { of, sinceOverwrite, overwrite: equal(add(sinceOverwrite, 1), emaOverwriteFrequency) };
}
