/** The orders in which libraries store the four gates of an LSTM. */

/** Ours is ONNX's. */
export const lstmGates = ["i", "o", "f", "c"] as const;

/** For each foreign order, where the blocks of ours stand in it. */
export const lstmGateOrders = {
  onnx: ["i", "o", "f", "c"],
  keras: ["i", "f", "c", "o"],
  pytorch: ["i", "f", "c", "o"],
} as const satisfies Record<string, readonly (typeof lstmGates)[number][]>;

/** Reorders the blocks of rows of a `[4 * hidden, columns]` matrix, row-major, from a foreign order to ours. */
export function toOnnxGates(
  data: ArrayLike<number>,
  hidden: number,
  columns: number,
  from: keyof typeof lstmGateOrders,
): Float32Array {
  const order: readonly string[] = lstmGateOrders[from];
  const block = hidden * columns;
  const out = new Float32Array(4 * block);
  lstmGates.forEach((gate, to) => {
    const start = order.indexOf(gate) * block;
    for (let i = 0; i < block; i++) out[to * block + i] = data[start + i] as number;
  });
  return out;
}
