/** Look-ups by whole numbers, and what is made of lengths. */
import { UnsupportedOpError, type Value } from "@ostinato/core";
import { elementTypes } from "../file/schema.ts";
import type { Emission, Emitter } from "./emission.ts";
import { int32Scalar, range } from "./source.ts";

const int64 = (name: string, emission: Emission): string => emission.add("Cast", [name], { to: elementTypes.int64 });

/** `Gather` takes int32 ids as they are. An id below zero reads from the end in ONNX: ids are checked before a run, not in the graph. */
export const gather: Emitter<"gather"> = ({ inputs }, emission) => [emission.add("Gather", inputs.map(emission.name))];

export const scatterAdd: Emitter<"scatterAdd"> = ({ inputs, attrs }, emission) => {
  const [ids, updates] = inputs as [Value, Value];
  const rank = ids.type.shape.length;
  const zero = emission.store("scalar", { type: "float32", dims: [], data: Float32Array.of(0) });
  const zeros = emission.add("Expand", [zero, emission.shape([attrs.rows, ...updates.type.shape.slice(rank)])]);
  const places = emission.add("Unsqueeze", [int64(emission.name(ids), emission), emission.ints([rank])]);
  return [emission.add("ScatterND", [zeros, places, emission.name(updates)], { reduction: "add" })];
};

export const reverseSequence: Emitter<"reverseSequence"> = ({ inputs }, emission) => {
  const [x, lengths] = inputs as [Value, Value];
  const names = [emission.name(x), int64(emission.name(lengths), emission)];
  return [emission.add("ReverseSequence", names, { time_axis: 0, batch_axis: 1 })];
};

export const sequenceMask: Emitter<"sequenceMask"> = ({ inputs, attrs }, emission) => {
  const steps = emission.add("Unsqueeze", [range(attrs.time, emission), emission.ints([1])]);
  return [emission.add("Less", [steps, emission.name(inputs[0] as Value)])];
};

/** The last of 1, 2, …, time at which the id is not 0. */
export const sequenceLengths: Emitter<"sequenceLengths"> = ({ inputs }, emission) => {
  const ids = inputs[0] as Value;
  const time = ids.type.shape[0];
  if (time === undefined) throw new UnsupportedOpError("sequenceLengths takes ids [time, batch]");
  const ends = emission.add("Unsqueeze", [range(time, emission, 1), emission.ints([1])]);
  const given = emission.add("Cast", [emission.name(ids)], { to: elementTypes.bool });
  const reached = emission.add("Where", [given, ends, int32Scalar(0, emission)]);
  const axes = emission.opset >= 18 ? undefined : [0];
  const inputAxes = emission.opset >= 18 ? [emission.ints([0])] : [];
  return [emission.add("ReduceMax", [reached, ...inputAxes], { axes, keepdims: 0 })];
};
