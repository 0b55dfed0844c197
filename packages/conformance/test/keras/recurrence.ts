/** Keras's LSTM written out naively: one row, one step and one unit at a time, with the masks of its dropout. */

/** Where a row begins, and what is dropped of it: one mask of the input, one of the state for each gate, all steps alike. */
export interface LstmStart {
  readonly h?: readonly number[];
  readonly c?: readonly number[];
  readonly inputMask?: readonly number[];
  readonly recurrentMask?: Readonly<Record<Gate, readonly number[]>>;
}

/** The outputs of all steps, zeros past the row's length, and the last states. */
export interface LstmResult {
  readonly steps: readonly (readonly number[])[];
  readonly h: readonly number[];
  readonly c: readonly number[];
}

/** The weights lie in blocks of rows in the order i, o, f, c. */
export const gates = ["i", "o", "f", "c"] as const;
export type Gate = (typeof gates)[number];

const functions: Readonly<Record<string, (x: number) => number>> = {
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  relu: (x) => Math.max(x, 0),
};

export function kerasLstm(
  { steps, length }: { readonly steps: readonly (readonly number[])[]; readonly length: number },
  config: Readonly<Record<string, unknown>>,
  weights: (suffix: string) => ArrayLike<number>,
  { h: h0, c: c0, inputMask, recurrentMask }: LstmStart = {},
): LstmResult {
  const units = config.units as number;
  const [act, gate] = [functions[config.activation as string], functions[config.recurrentActivation as string]];
  const zeros = new Array<number>(units).fill(0);
  const [W, R, B] = [weights("W"), weights("R"), config.useBias ? weights("B") : new Float64Array(4 * units)];
  let h = h0 ?? zeros;
  let c = c0 ?? zeros;
  const sum = (name: Gate, unit: number, x: readonly number[]): number => {
    const r = gates.indexOf(name) * units + unit;
    let z = B[r];
    x.forEach((value, k) => {
      z += value * (inputMask?.[k] ?? 1) * W[r * x.length + k];
    });
    h.forEach((value, k) => {
      z += value * (recurrentMask?.[name][k] ?? 1) * R[r * units + k];
    });
    return z;
  };
  const outputs = steps.map(() => zeros as readonly number[]);
  const order = steps.map((_, t) => t).filter((t) => t < length);
  for (const t of config.reverse ? order.toReversed() : order) {
    const x = steps[t];
    const cells = c.map((before, u) => gate(sum("f", u, x)) * before + gate(sum("i", u, x)) * act(sum("c", u, x)));
    h = cells.map((cell, u) => gate(sum("o", u, x)) * act(cell));
    c = cells;
    outputs[t] = h;
  }
  return { steps: outputs, h, c };
}
