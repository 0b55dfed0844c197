/** A golden case as a graph with its feeds and what must come out, and the numbers of the JSON files as tensors. */
import {
  factsOf,
  feed,
  float32,
  float64,
  type RecurrenceName,
  type Tensor,
  type Tensors,
  toOnnxGates,
  type Value,
} from "@ostinato/core";

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export const plain = ({ shape, data }: GoldenTensor): Tensor => float64(shape, data);

/** Gates in PyTorch's or Keras's order to ours: [gates * hidden] or [gates * hidden, columns]. Moves positions, so that no digit is lost. */
export function gates(name: RecurrenceName, { shape, data }: GoldenTensor, from: "pytorch" | "keras"): Tensor {
  const hidden = shape[0] / factsOf(name).gates.length;
  const positions = toOnnxGates(name, [...data.keys()], hidden, shape[1] ?? 1, from);
  return float64(
    shape,
    Array.from(positions, (position) => data[position]),
  );
}

/** What to run, and what must come out. */
export interface GoldenCase {
  readonly name: string;
  readonly fetches: Readonly<Record<string, Value>>;
  readonly feeds: Tensors;
  /** Of named sizes. Default: there are none. */
  readonly capacities?: Readonly<Record<string, number>>;
  readonly expected: Tensors;
}

/** As feeds of the graph: shapes known, so that nothing needs a capacity. */
export function feedsOf(tensors: Tensors): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape }]) => [
      name,
      feed(name, dtype === "float64" ? "float32" : dtype, shape),
    ]),
  );
}

/** What a backend is fed: all inputs are exact in single precision. */
export function single(tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      tensor.dtype === "float64" ? float32(tensor.shape, tensor.data) : tensor,
    ]),
  );
}
