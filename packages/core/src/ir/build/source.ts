/** Values that come from outside the graph, or from nothing. */
import type { Dim, DType, Shape, Value } from "../value.ts";
import { apply1 } from "./apply.ts";
import { broadcastTo } from "./shape.ts";

/** A tensor that is given anew to each run. */
export function feed(name: string, dtype: DType, shape: Shape): Value {
  return apply1("input", [], { name, kind: "feed", dtype, shape });
}

/**
 * A tensor that is kept between runs: a parameter, an optimizer's slot, a counter. One with named sizes is held: it is what an update of that name wrote last,
 * in whichever program of the session, and as large. It may be read under other names of sizes than it is written.
 */
export function state(name: string, dtype: DType, shape: Shape): Value {
  return apply1("input", [], { name, kind: "state", dtype, shape });
}

/** A parameter of a body. */
export function parameter(name: string, dtype: DType, shape: Shape): Value {
  return apply1("input", [], { name, kind: "parameter", dtype, shape });
}

/** Data known beforehand; one number fills the shape. */
export function constant(
  data: number | readonly number[],
  dtype: DType = "float32",
  shape: readonly number[] = [],
): Value {
  return apply1("constant", [], { dtype, shape, data: typeof data === "number" ? [data] : data });
}

/** `value` in every place of `shape`, which may have named sizes. */
export function full(value: number, shape: Shape, dtype: DType = "float32"): Value {
  return broadcastTo(constant(value, dtype), shape);
}

/** int32 0, 1, …, dim - 1. */
export function iota(dim: Dim): Value {
  return apply1("iota", [], { dim });
}

/** A size as an int32 scalar. */
export function size(dim: Dim): Value {
  return typeof dim === "number" ? constant(dim, "int32") : apply1("size", [], { dim });
}

/** Numbers with mean 0 and deviation 1, normally distributed; see `fillNormalNoise`. */
export function normalNoise(step: Value, attrs: { seed: number; site: number; shape: Shape }): Value {
  return apply1("normalNoise", [step], attrs);
}

/** Inverted dropout: 0 with probability `rate`, else 1 / (1 - rate); see `fillDropoutMask`. */
export function dropoutMask(step: Value, attrs: { rate: number; seed: number; site: number; shape: Shape }): Value {
  return apply1("dropoutMask", [step], attrs);
}
