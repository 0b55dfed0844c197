/** Recurrences as ONNX's LSTM, GRU and RNN. */
import {
  factsOf,
  initialOf,
  type RecurrenceAttrs,
  type RecurrenceName,
  recurrenceInputsOf,
  UnsupportedOpError,
  type Value,
} from "@ostinato/core";
import type { Emission, Emitter } from "./emission.ts";
import { int32Scalar, stored } from "./source.ts";

/** With the leading axis of size 1 for the one direction: [1, …]. */
function stacked(value: Value, emission: Emission): string {
  const known = emission.known(value);
  if (known) return emission.store(known.name, stored(known.tensor, [1, ...known.tensor.shape]));
  return emission.add("Unsqueeze", [emission.name(value), emission.ints([0])]);
}

/** Zeros of a row of gates. */
function zeroRows(rows: number, emission: Emission): string {
  return emission.store("zeros", { type: "float32", dims: [rows], data: new Float32Array(rows) });
}

/** ONNX adds two biases, Wb and Rb: ours and the recurrent one, or zeros: [1, 2 * rows]. Absent where both are zeros. */
function bias(value: Value, recurrentBias: Value | undefined, emission: Emission): string {
  const known = emission.known(value);
  const recurrent = recurrentBias && emission.known(recurrentBias);
  const rows = value.type.shape[0] as number;
  if (known && (recurrent || recurrentBias === undefined)) {
    const data = new Float32Array(2 * rows);
    data.set(known.tensor.data.subarray(0, rows));
    if (recurrent) data.set(recurrent.tensor.data.subarray(0, rows), rows);
    if (data.every((x) => x === 0)) return "";
    return emission.store(known.name, { type: "float32", dims: [1, 2 * rows], data });
  }
  const second = recurrentBias ? emission.name(recurrentBias) : zeroRows(rows, emission);
  const both = emission.add("Concat", [emission.name(value), second], { axis: 0 });
  return emission.add("Unsqueeze", [both, emission.ints([0])]);
}

/** A row of length 0 keeps its initial state; onnxruntime gives zeros, and the standard does not say. */
function keeper(lengths: Value | undefined, emission: Emission): (state: string, initial: Value | undefined) => string {
  let begun: string | undefined;
  return (state, initial) => {
    if (initial === undefined || lengths === undefined || state === "") return state;
    begun ??= emission.add("Unsqueeze", [
      emission.add("Less", [int32Scalar(0, emission), emission.name(lengths)]),
      emission.ints([1]),
    ]);
    return emission.add("Where", [begun, state, emission.name(initial)]);
  };
}

/** `linearBeforeReset` → `linear_before_reset`. */
const attributeName = (flag: string): string => flag.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The op of a recurrence: ONNX's operator has the same gate order, weight layout and lengths, so its weights are copied. */
export const recurrence =
  <R extends RecurrenceName>(op: R, operator: string): Emitter<R> =>
  (node, emission) => {
    const { states, activations, flags, kept } = factsOf(op);
    const attrs = node.attrs as RecurrenceAttrs & Readonly<Record<string, unknown>>;
    const outputs = 1 + states.length;
    if (Object.keys(kept).some((_, i) => emission.reads(node, outputs + i))) {
      throw new UnsupportedOpError(
        `${op}: ${Object.keys(kept).join(" and ")} are kept for its gradient and have no ONNX output; export the inference graph`,
      );
    }
    if (attrs.options.includes("recurrentMask")) {
      throw new UnsupportedOpError(
        `${op}: ONNX's ${operator} has no mask on the recurrent input (recurrentMask); export the inference graph, which drops nothing`,
      );
    }
    const roles = recurrenceInputsOf(node.inputs, attrs) as Readonly<Record<string, Value | undefined>>;
    const { X, W, R, B, lengths, P, recurrentBias } = roles;
    const initial = states.map((state) => roles[initialOf(state)]);
    const optional = (value: Value | undefined, write: (value: Value) => string): string => (value ? write(value) : "");
    const inputs = [
      emission.name(X as Value),
      stacked(W as Value, emission),
      stacked(R as Value, emission),
      bias(B as Value, recurrentBias, emission),
      optional(lengths, emission.name),
      ...[...initial, P].map((value) => optional(value, (given) => stacked(given, emission))),
    ];
    while (inputs.at(-1) === "") inputs.pop();
    const ownFlags = Object.keys(flags).map((flag) => [attributeName(flag), attrs[flag] === true ? 1 : undefined]);
    const [y, ...last] = emission.addMany(
      operator,
      inputs,
      {
        hidden_size: attrs.hiddenSize,
        direction: attrs.direction === "forward" ? undefined : attrs.direction,
        activations: attrs.activations.join() === activations.join() ? undefined : attrs.activations,
        clip: attrs.clip === undefined ? undefined : { float: attrs.clip },
        ...Object.fromEntries(ownFlags),
      },
      Array.from({ length: outputs }, (_, output) => emission.reads(node, output)),
    );
    const squeezed = (name: string, axis: number): string =>
      name === "" ? "" : emission.add("Squeeze", [name, emission.ints([axis])]);
    const keep = keeper(lengths, emission);
    return [squeezed(y as string, 1), ...last.map((state, i) => keep(squeezed(state, 0), initial[i]))];
  };
