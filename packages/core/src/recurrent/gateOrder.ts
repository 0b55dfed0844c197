/** The orders in which libraries store the gates of a recurrence. Ours is ONNX's. */
import { factsOf, type RecurrenceName } from "../ir/recurrences.ts";

/** Libraries with a layout of their own. */
export type GateOrder = "onnx" | "keras" | "pytorch";

/** Reorders the blocks of rows of a `[gates * hidden, columns]` matrix, row-major, from the order of a library to ours. */
export function toOnnxGates(
  name: RecurrenceName,
  data: ArrayLike<number>,
  hidden: number,
  columns: number,
  from: GateOrder,
): Float32Array {
  const { gates, foreign } = factsOf(name);
  const order = (from === "onnx" ? undefined : foreign?.[from]) ?? gates;
  const block = hidden * columns;
  const out = new Float32Array(gates.length * block);
  gates.forEach((gate, to) => {
    const start = order.indexOf(gate) * block;
    for (let i = 0; i < block; i++) out[to * block + i] = data[start + i] as number;
  });
  return out;
}

/** The inverse: from our order to that of a library. */
export function fromOnnxGates(
  name: RecurrenceName,
  data: ArrayLike<number>,
  hidden: number,
  columns: number,
  to: GateOrder,
): Float32Array {
  const { gates } = factsOf(name);
  // For each of our gates, its position in the library.
  const places = toOnnxGates(name, [...gates.keys()], 1, 1, to);
  const block = hidden * columns;
  const out = new Float32Array(gates.length * block);
  places.forEach((place, gate) => {
    for (let i = 0; i < block; i++) out[place * block + i] = data[gate * block + i] as number;
  });
  return out;
}
