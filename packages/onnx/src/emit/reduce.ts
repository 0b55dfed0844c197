/** Reductions, which drop their axes. */
import type { Value } from "@ostinato/core";
import { elementTypes } from "../file/schema.ts";
import type { Emitter } from "./emission.ts";

export const sum: Emitter<"sum"> = ({ inputs, attrs }, emission) => {
  const x = emission.name(inputs[0] as Value);
  if (attrs.axes.length === 0) return [emission.add("Identity", [x])];
  return [emission.add("ReduceSum", [x, emission.ints(attrs.axes)], { keepdims: 0 })];
};

const reduction =
  (operator: string): Emitter<"max" | "logSumExp"> =>
  ({ inputs, attrs }, emission) => {
    const x = emission.name(inputs[0] as Value);
    if (attrs.axes.length === 0) return [emission.add("Identity", [x])];
    // From opset 18 on the axes are an input.
    if (emission.opset >= 18) return [emission.add(operator, [x, emission.ints(attrs.axes)], { keepdims: 0 })];
    return [emission.add(operator, [x], { axes: attrs.axes, keepdims: 0 })];
  };

export const max = reduction("ReduceMax");
export const logSumExp = reduction("ReduceLogSumExp");

export const argMax: Emitter<"argMax"> = ({ inputs, attrs }, emission) => {
  const index = emission.add("ArgMax", [emission.name(inputs[0] as Value)], { axis: attrs.axis, keepdims: 0 });
  return [emission.add("Cast", [index], { to: elementTypes.int32 })];
};

/** Of equal elements the lower index comes first in both; NaN has no place of its own in ONNX. */
export const topK: Emitter<"topK"> = (node, emission) => {
  const { inputs, attrs } = node;
  const taken = [emission.name(inputs[0] as Value), emission.ints([attrs.k])];
  const wanted = [0, 1].map((output) => emission.reads(node, output));
  const [values, indices] = emission.addMany("TopK", taken, {}, wanted) as [string, string];
  return [values, indices && emission.add("Cast", [indices], { to: elementTypes.int32 })];
};
