/** Reductions. They drop the axes they reduce. */
import type { Dim, Value } from "../value.ts";
import { apply, apply1 } from "./apply.ts";
import { cast, div, mul } from "./elementwise.ts";
import { constant, size } from "./source.ts";

const allAxes = (x: Value): number[] => x.type.shape.map((_, axis) => axis);

/** The sum along the axes, which the result does not have. Default: all axes. */
export function sum(x: Value, axes: readonly number[] = allAxes(x)): Value {
  return axes.length === 0 ? x : apply1("sum", [x], { axes: [...axes].sort((a, b) => a - b) });
}

/** The largest element along the axes, which the result does not have. Default: all axes. */
export function max(x: Value, axes: readonly number[] = allAxes(x)): Value {
  return axes.length === 0 ? x : apply1("max", [x], { axes: [...axes].sort((a, b) => a - b) });
}

/**
 * log(Σ eˣ) along the axes, which the result does not have: neither large nor small numbers are lost. Of nothing but -∞ it is -∞. Default: all axes.
 */
export function logSumExp(x: Value, axes: readonly number[] = allAxes(x)): Value {
  return axes.length === 0 ? x : apply1("logSumExp", [x], { axes: [...axes].sort((a, b) => a - b) });
}

/** The index of the first maximum along `axis`. */
export function argMax(x: Value, axis: number): Value {
  return apply1("argMax", [x], { axis });
}

/** The `k` largest elements along the last axis, largest first: see `topK`. */
export interface Top {
  /** float32 […, k]. */
  readonly values: Value;
  /** Where each stands along the axis: int32 […, k]. */
  readonly indices: Value;
}

/**
 * The `k` largest elements along the last axis, whose size must be known, largest first. Of equal ones that of the lower index comes first; 0 and -0 are
 * equal. NaN counts as -∞.
 */
export function topK(x: Value, k: number): Top {
  const [values, indices] = apply("topK", [x], { k }) as [Value, Value];
  return { values, indices };
}

/** The number of elements along `axes`, as a float32 scalar. */
export function countOf(dims: readonly Dim[]): Value {
  return dims.map((dim) => cast(size(dim), "float32")).reduce((a, b) => mul(a, b), constant(1));
}

/** The mean along the axes, which the result does not have. Default: all axes. */
export function mean(x: Value, axes: readonly number[] = allAxes(x)): Value {
  return div(sum(x, axes), countOf(axes.map((axis) => x.type.shape[axis] as Dim)));
}
