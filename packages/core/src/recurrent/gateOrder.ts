/** The orders in which libraries store the gates of a recurrence. Ours is ONNX's. */
import { factsOf, type RecurrenceName } from "../ir/recurrences.ts";

/** Libraries with a layout of their own. */
export type GateOrder = "onnx" | "keras" | "pytorch";

const orderOf = (name: RecurrenceName, library: GateOrder): readonly string[] => {
  const { gates, foreign } = factsOf(name);
  return (library === "onnx" ? undefined : foreign?.[library]) ?? gates;
};

/** The blocks of rows of a `[gates * hidden, columns]` matrix, one for each gate, in another order. */
function reordered(
  data: ArrayLike<number>,
  from: readonly string[],
  to: readonly string[],
  block: number,
): Float32Array {
  const out = new Float32Array(to.length * block);
  to.forEach((gate, place) => {
    const start = from.indexOf(gate) * block;
    for (let i = 0; i < block; i++) out[place * block + i] = data[start + i] as number;
  });
  return out;
}

/** Reorders the blocks of rows of a `[gates * hidden, columns]` matrix, row-major, from the order of a library to ours. */
export function toOnnxGates(
  name: RecurrenceName,
  data: ArrayLike<number>,
  hidden: number,
  columns: number,
  from: GateOrder,
): Float32Array {
  return reordered(data, orderOf(name, from), orderOf(name, "onnx"), hidden * columns);
}

/** The way back: from our order to that of a library. */
export function fromOnnxGates(
  name: RecurrenceName,
  data: ArrayLike<number>,
  hidden: number,
  columns: number,
  to: GateOrder,
): Float32Array {
  return reordered(data, orderOf(name, "onnx"), orderOf(name, to), hidden * columns);
}
