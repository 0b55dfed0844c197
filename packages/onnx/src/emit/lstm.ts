/** The op `lstm`: ONNX's LSTM has the same gate order, weight layout and lengths, so its weights are copied. */
import { lstmInputs, sizeOf, UnsupportedOpError, type Value } from "@ostinato/core";
import type { Emission, Emitter } from "./emission.ts";
import { int32Scalar, stored } from "./source.ts";

/** With the leading axis of size 1 for the one direction: [1, …]. */
function stacked(value: Value, emission: Emission): string {
  const known = emission.known(value);
  if (known) return emission.store(known.name, stored(known.tensor, [1, ...known.tensor.shape]));
  return emission.add("Unsqueeze", [emission.name(value), emission.ints([0])]);
}

/** Ours is one bias; ONNX has two, which it adds: [1, 8 * hidden] = B, then zeros. Absent where B is zeros too. */
function bias(value: Value, emission: Emission): string {
  const known = emission.known(value);
  const rows = value.type.shape[0] as number;
  if (known) {
    if (known.tensor.data.every((x) => x === 0)) return "";
    const data = new Float32Array(2 * sizeOf(known.tensor.shape));
    data.set(known.tensor.data);
    return emission.store(known.name, { type: "float32", dims: [1, 2 * rows], data });
  }
  const zeros = emission.store("zeros", { type: "float32", dims: [rows], data: new Float32Array(rows) });
  const both = emission.add("Concat", [emission.name(value), zeros], { axis: 0 });
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

const defaultActivations = "Sigmoid,Tanh,Tanh";

export const lstm: Emitter<"lstm"> = (node, emission) => {
  const { attrs } = node;
  if (emission.reads(node, 3) || emission.reads(node, 4)) {
    throw new UnsupportedOpError(
      "lstm: its gates and cells are kept for lstmGrad and have no ONNX output; export the inference graph",
    );
  }
  if (attrs.options.includes("recurrentMask")) {
    throw new UnsupportedOpError(
      "lstm: ONNX's LSTM has no mask on the recurrent input (recurrentMask); export the inference graph, which drops nothing",
    );
  }
  const { X, W, R, B, lengths, initialH, initialC, P } = lstmInputs(node.inputs, attrs);
  const optional = (value: Value | undefined, write: (value: Value) => string): string => (value ? write(value) : "");
  const inputs = [
    emission.name(X),
    stacked(W, emission),
    stacked(R, emission),
    bias(B, emission),
    optional(lengths, emission.name),
    optional(initialH, (value) => stacked(value, emission)),
    optional(initialC, (value) => stacked(value, emission)),
    optional(P, (value) => stacked(value, emission)),
  ];
  while (inputs.at(-1) === "") inputs.pop();
  const [y, h, c] = emission.addMany(
    "LSTM",
    inputs,
    {
      hidden_size: attrs.hiddenSize,
      direction: attrs.direction === "forward" ? undefined : attrs.direction,
      activations: attrs.activations.join() === defaultActivations ? undefined : attrs.activations,
      clip: attrs.clip === undefined ? undefined : { float: attrs.clip },
      input_forget: attrs.inputForget ? 1 : undefined,
    },
    [0, 1, 2].map((output) => emission.reads(node, output)),
  ) as [string, string, string];
  const squeezed = (name: string, axis: number): string =>
    name === "" ? "" : emission.add("Squeeze", [name, emission.ints([axis])]);
  const keep = keeper(lengths, emission);
  return [squeezed(y, 1), keep(squeezed(h, 0), initialH), keep(squeezed(c, 0), initialC)];
};
