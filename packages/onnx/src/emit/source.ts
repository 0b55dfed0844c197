/** What comes from outside the graph or from nothing, and what moves elements without changing them. */
import type { Dim, Node, Shape, Value, ValueType } from "@ostinato/core";
import { elementTypes } from "../file/schema.ts";
import { narrow } from "./elementwise.ts";
import { type Emission, type Emitter, isMatrix, type Known, type Stored } from "./emission.ts";

/** The ends of the int64 numbers, which `Slice` takes for "to the end" in either direction. */
const toTheEnd = 2n ** 63n - 1n;
const toTheStart = -(2n ** 63n);

/** The data of a tensor as a file stores it; float64 is stored in single precision. */
function stored(known: Known): Stored {
  const { dtype, shape, data } = known.tensor;
  const matrices = isMatrix(known);
  if (dtype === "float64") return { type: "float32", dims: shape, data: Float32Array.from(data), matrices };
  return { type: dtype, dims: shape, data, matrices };
}

/** A feed or a body's parameter has its name already; what is left is a weight. */
const data = (value: Value, emission: Emission): string[] => {
  const known = emission.known(value) as Known;
  return [emission.store(known.name, stored(known))];
};
const self = (node: Value["node"]): Value => ({ node, output: 0, type: node.outputs[0] }) as Value;

export const input: Emitter<"input"> = (node, emission) => data(self(node), emission);
export const constant: Emitter<"constant"> = (node, emission) => data(self(node), emission);

export function int32Scalar(value: number, emission: Emission): string {
  return emission.store("scalar", { type: "int32", dims: [], data: Int32Array.of(value) });
}

/** A size as a scalar; `Range` takes int32 as it is. */
function scalarSize(dim: Dim, emission: Emission): string {
  if (typeof dim === "number") return int32Scalar(dim, emission);
  const scalar = emission.add("Squeeze", [emission.shape([dim]), emission.ints([0])]);
  return emission.add("Cast", [scalar], { to: elementTypes.int32 });
}

/** `from`, `from` + 1, …: as many as the size. */
export function range(dim: Dim, emission: Emission, from = 0): string {
  if (typeof dim === "number") {
    const data = Int32Array.from({ length: dim }, (_, i) => i + from);
    return emission.store("range", { type: "int32", dims: [dim], data });
  }
  const size = scalarSize(dim, emission);
  const end = from === 0 ? size : emission.add("Add", [size, int32Scalar(from, emission)]);
  return emission.add("Range", [int32Scalar(from, emission), end, int32Scalar(1, emission)]);
}

export const iota: Emitter<"iota"> = ({ attrs }, emission) => [range(attrs.dim, emission)];
export const size: Emitter<"size"> = ({ attrs }, emission) => [scalarSize(attrs.dim, emission)];

/** The target of `Reshape`: 0 keeps the size of the same axis, one -1 takes what is left; only then is a shape computed. */
function target(from: Shape, to: Shape, emission: Emission): string {
  const entries = to.map((dim, axis) => (typeof dim === "number" ? dim : from[axis] === dim ? 0 : -1));
  const clear = !to.includes(0) && entries.filter((entry) => entry === -1).length <= 1;
  return clear ? emission.ints(entries) : emission.shape(to);
}

export const reshape: Emitter<"reshape"> = ({ inputs, attrs }, emission) => {
  const x = inputs[0] as Value;
  const keepZero = attrs.shape.includes(0) ? 1 : undefined;
  return [
    emission.add("Reshape", [emission.name(x), target(x.type.shape, attrs.shape, emission)], { allowzero: keepZero }),
  ];
};

export const transpose: Emitter<"transpose"> = ({ inputs, attrs }, emission) => [
  emission.add("Transpose", [emission.name(inputs[0] as Value)], { perm: attrs.permutation }),
];

export const broadcast: Emitter<"broadcast"> = (node, emission) => [
  emission.add("Expand", [narrow(node, emission), emission.shape(node.attrs.shape)]),
];

/** The parts of one value side by side again: that value, its axis moved next to theirs, and both made one. */
function rejoined({ inputs, attrs: { axis }, outputs }: Node<"concat">, emission: Emission): string | undefined {
  const parts = inputs.map(emission.part);
  const [first] = parts;
  const whole = parts.every((part, i) => part && part.whole === first?.whole && part.index === i);
  if (first === undefined || !whole || parts.length < first.size) return undefined;
  const { shape } = (inputs[0] as Value).type;
  const others = [...shape, first.size].map((_, i) => i).filter((i) => i !== first.axis);
  const perm = [...others.slice(0, axis), first.axis, ...others.slice(axis)];
  const from = [...shape.slice(0, axis), first.size, ...shape.slice(axis)];
  const moved = emission.add("Transpose", [first.whole], { perm });
  return emission.add("Reshape", [moved, target(from, (outputs[0] as ValueType).shape, emission)]);
}

export const concat: Emitter<"concat"> = (node, emission) => [
  rejoined(node, emission) ?? emission.add("Concat", node.inputs.map(emission.name), { axis: node.attrs.axis }),
];

export const slice: Emitter<"slice"> = ({ inputs, attrs: { axis, start, size } }, emission) => {
  const end = start + size === 0 ? toTheEnd : start + size;
  const bounds = [emission.ints([start]), emission.ints([end]), emission.ints([axis])];
  return [emission.add("Slice", [emission.name(inputs[0] as Value), ...bounds])];
};

export const reverse: Emitter<"reverse"> = ({ inputs, attrs: { axis } }, emission) => {
  const bounds = [[-1], [toTheStart], [axis], [-1]].map(emission.ints);
  return [emission.add("Slice", [emission.name(inputs[0] as Value), ...bounds])];
};

export const pad: Emitter<"pad"> = ({ inputs, attrs: { axis, start, dim } }, emission) => {
  const x = inputs[0] as Value;
  const rank = x.type.shape.length;
  const size = x.type.shape[axis] as number;
  // What stands before and after: counted from the front, or from the end where `start` is negative.
  const rest = (taken: number): string =>
    typeof dim === "number"
      ? emission.ints([dim - taken])
      : emission.add("Sub", [emission.shape([dim]), emission.ints([taken])]);
  const before = start < 0 ? rest(-start) : emission.ints([start]);
  const after = start < 0 ? emission.ints([-start - size]) : rest(start + size);
  const none = (count: number): string[] => (count === 0 ? [] : [emission.ints(new Array<number>(count).fill(0))]);
  const between = none(rank - 1);
  const pads = emission.add("Concat", [...none(axis), before, ...between, after, ...none(rank - 1 - axis)], {
    axis: 0,
  });
  return [emission.add("Pad", [emission.name(x), pads])];
};
