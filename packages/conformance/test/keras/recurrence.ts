/** Keras's recurrences written out naively: one row, one step and one unit at a time, with the masks of their dropout. */
import { functions } from "./activations.ts";

/** Where a row begins, and what is dropped of it: one mask of the input, one of the state for each gate, all steps alike. */
export interface Start {
  readonly states?: readonly (readonly number[])[];
  readonly inputMask?: readonly number[];
  readonly recurrentMask?: Readonly<Record<string, readonly number[]>>;
}

/** The outputs of all steps, zeros past the row's length, and the last states. */
export interface Result {
  readonly steps: readonly (readonly number[])[];
  readonly states: readonly (readonly number[])[];
}

type Vector = readonly number[];

/** What one step is computed from. */
interface Step {
  readonly states: readonly Vector[];
  /** One column of x · kernel + bias: a unit of a gate. */
  readonly input: (gate: string, unit: number) => number;
  /** One column of state · recurrent kernel, with the recurrent bias where there is one. */
  readonly recur: (gate: string, unit: number, state: Vector) => number;
  /** `activation`, and `recurrentActivation` where there are gates. */
  readonly act: (x: number) => number;
  readonly gate: (x: number) => number;
  readonly resetAfter: boolean;
}

interface Formula {
  /** The weights lie in blocks of rows in this order. */
  readonly gates: readonly string[];
  /** How many states there are. The first is the output. */
  readonly states: number;
  readonly step: (step: Step) => readonly Vector[];
}

/** The formulas, by the kinds of layers. */
export const formulas = {
  lstm: {
    gates: ["i", "o", "f", "c"],
    states: 2,
    step({ states: [h, c], input, recur, act, gate }) {
      const sum = (name: string, u: number) => input(name, u) + recur(name, u, h);
      const cells = c.map((before, u) => gate(sum("f", u)) * before + gate(sum("i", u)) * act(sum("c", u)));
      return [cells.map((cell, u) => gate(sum("o", u)) * act(cell)), cells];
    },
  },
  gru: {
    gates: ["z", "r", "h"],
    states: 1,
    step({ states: [h], input, recur, act, gate, resetAfter }) {
      const z = h.map((_, u) => gate(input("z", u) + recur("z", u, h)));
      const r = h.map((_, u) => gate(input("r", u) + recur("r", u, h)));
      const reset = h.map((value, k) => r[k] * value);
      const fromState = (u: number) => (resetAfter ? r[u] * recur("h", u, h) : recur("h", u, reset));
      return [h.map((value, u) => z[u] * value + (1 - z[u]) * act(input("h", u) + fromState(u)))];
    },
  },
  simpleRnn: {
    gates: ["h"],
    states: 1,
    step: ({ states: [h], input, recur, act }) => [h.map((_, u) => act(input("h", u) + recur("h", u, h)))],
  },
} as const satisfies Readonly<Record<string, Formula>>;

/** The kinds of recurrent layers. */
export type RecurrentKind = keyof typeof formulas;
export const recurrentKinds = Object.keys(formulas) as RecurrentKind[];

export function kerasRecurrence(
  kind: RecurrentKind,
  { steps, length }: { readonly steps: readonly Vector[]; readonly length: number },
  config: Readonly<Record<string, unknown>>,
  weights: (suffix: string) => ArrayLike<number>,
  { states: begin, inputMask, recurrentMask }: Start = {},
): Result {
  const { gates, states: count, step }: Formula = formulas[kind];
  const units = config.units as number;
  const none = new Float64Array(gates.length * units);
  const [W, R, B] = [weights("W"), weights("R"), config.useBias ? weights("B") : none];
  const recurrentBias = config.useBias && config.resetAfter ? weights("recurrentBias") : none;
  const zeros = new Array<number>(units).fill(0);
  let states = begin ?? Array.from({ length: count }, () => zeros);
  const outputs = steps.map((): Vector => zeros);
  const order = steps.map((_, t) => t).filter((t) => t < length);
  for (const t of config.reverse ? order.toReversed() : order) {
    const row = (gate: string, unit: number) => gates.indexOf(gate) * units + unit;
    states = step({
      states,
      input(gate, unit) {
        const r = row(gate, unit);
        return steps[t].reduce((z, x, k) => z + x * (inputMask?.[k] ?? 1) * W[r * steps[t].length + k], B[r]);
      },
      recur(gate, unit, state) {
        const r = row(gate, unit);
        const mask = recurrentMask?.[gate];
        return state.reduce((z, h, k) => z + h * (mask?.[k] ?? 1) * R[r * units + k], recurrentBias[r]);
      },
      act: functions[config.activation as string],
      gate: functions[(config.recurrentActivation ?? "sigmoid") as string],
      resetAfter: config.resetAfter === true,
    });
    outputs[t] = states[0];
  }
  return { steps: outputs, states };
}
