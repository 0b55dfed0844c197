/**
 * Recurrences of ONNX in plain loops, one row and one unit at a time, and their gradients by back-propagation through time (Werbos 1990): each row
 * walks its own valid steps, so nothing needs a mask. What is the same for all; the steps themselves are in `lstm.ts`, `gru.ts`, `rnn.ts`.
 */
import {
  factsOf,
  initialOf,
  type RecurrenceName,
  type RecurrentActivation,
  type RecurrentActivationFunction,
  recurrenceInputs,
  spelledOut,
} from "@ostinato/core";
import { type Dense, empty } from "../dense.ts";
import { relu, sigmoid } from "../elementwise.ts";

export interface Activation {
  readonly value: (x: number) => number;
  /** The derivative at x. */
  readonly slope: (x: number) => number;
}

const activations: { readonly [A in RecurrentActivationFunction]: (alpha: number, beta: number) => Activation } = {
  Sigmoid: () => ({ value: sigmoid, slope: (x) => sigmoid(x) * (1 - sigmoid(x)) }),
  Tanh: () => ({ value: Math.tanh, slope: (x) => 1 - Math.tanh(x) ** 2 }),
  Relu: () => ({ value: relu, slope: (x) => (x > 0 ? 1 : 0) }),
  Affine: (alpha, beta) => ({ value: (x) => alpha * x + beta, slope: () => alpha }),
  LeakyRelu: (alpha) => ({ value: (x) => (x < 0 ? alpha * x : x), slope: (x) => (x < 0 ? alpha : 1) }),
  ThresholdedRelu: (alpha) => ({ value: (x) => (x < alpha ? 0 : x), slope: (x) => (x < alpha ? 0 : 1) }),
  ScaledTanh: (alpha, beta) => ({
    value: (x) => alpha * Math.tanh(beta * x),
    slope: (x) => alpha * beta * (1 - Math.tanh(beta * x) ** 2),
  }),
  HardSigmoid: (alpha, beta) => ({
    value: (x) => Math.min(Math.max(alpha * x + beta, 0), 1),
    slope: (x) => (alpha * x + beta > 0 && alpha * x + beta < 1 ? alpha : 0),
  }),
  Elu: (alpha) => ({
    value: (x) => (x < 0 ? alpha * Math.expm1(x) : x),
    slope: (x) => (x < 0 ? alpha * Math.exp(x) : 1),
  }),
  Softsign: () => ({ value: (x) => x / (1 + Math.abs(x)), slope: (x) => 1 / (1 + Math.abs(x)) ** 2 }),
  Softplus: () => ({ value: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), slope: sigmoid }),
};

function activationOf(activation: RecurrentActivation): Activation {
  const { name, alpha, beta } = spelledOut(activation);
  return activations[name](alpha as number, beta as number);
}

/** The activation of an input that is bounded first. At the bound itself the gradient still flows. */
export function clipped({ value, slope }: Activation, clip: number): Activation {
  const bounded = (x: number): number => Math.max(Math.min(x, clip), -clip);
  return { value: (x) => value(bounded(x)), slope: (x) => (Math.abs(x) <= clip ? slope(x) : 0) };
}

/** The attributes as any of the recurrences has them. */
export interface Attrs {
  readonly hiddenSize: number;
  readonly direction: "forward" | "reverse";
  readonly activations: readonly RecurrentActivation[];
  readonly clip?: number;
  readonly options: readonly string[];
}

/** A recurrence with its inputs by name. */
export interface Recurrence {
  readonly time: number;
  readonly batch: number;
  readonly inputSize: number;
  readonly hidden: number;
  readonly clip: number;
  readonly activations: readonly Activation[];
  /** An input by its name; optional ones that are not there are zeros of the shape that they would have. */
  readonly input: (name: string) => Dense;
  readonly has: (name: string) => boolean;
  /** The factor of unit `n` of the state on its way to row `k` of R. */
  readonly kept: (k: number, row: number, n: number) => number;
  /** The valid steps of a row, in the order in which the recurrence takes them. */
  readonly stepsOf: (row: number) => readonly number[];
}

function read(name: RecurrenceName, inputs: readonly Dense[], attrs: Attrs): Recurrence {
  const { gates, states, peepholes } = factsOf(name);
  const roles: readonly string[] = [...recurrenceInputs, ...attrs.options];
  const [time, batch, inputSize] = inputs[0].shape;
  const hidden = attrs.hiddenSize;
  const rows = gates.length * hidden;
  const absent: Readonly<Record<string, readonly number[]>> = {
    ...Object.fromEntries(states.map((state) => [initialOf(state), [batch, hidden]])),
    P: [peepholes.length * hidden],
    recurrentBias: [rows],
  };
  const has = (role: string): boolean => roles.includes(role);
  const input = (role: string): Dense =>
    has(role) ? inputs[roles.indexOf(role)] : empty("float64", [...absent[role]]);
  return {
    ...{ time, batch, inputSize, hidden, has, input },
    clip: attrs.clip ?? Infinity,
    activations: attrs.activations.map(activationOf),
    kept: (k, row, n) =>
      has("recurrentMask") ? input("recurrentMask").data[(Math.floor(k / hidden) * batch + row) * hidden + n] : 1,
    stepsOf: (row) => {
      const steps = Array.from({ length: has("lengths") ? input("lengths").data[row] : time }, (_, t) => t);
      return attrs.direction === "reverse" ? steps.reverse() : steps;
    },
  };
}

/** Xt·Wᵀ + B of a row, or what W has for its id, and B. */
export function sumsOfInput({ input, batch, inputSize }: Recurrence, t: number, row: number): number[] {
  const [X, W, B] = [input("X"), input("W"), input("B")];
  const position = t * batch + row;
  const at = position * inputSize;
  if (X.shape.length === 2) return Array.from(B.data, (bias, k) => bias + W.data[X.data[position] * B.data.length + k]);
  return Array.from(B.data, (bias, k) => {
    let sum = bias;
    for (let n = 0; n < inputSize; n++) sum += W.data[k * inputSize + n] * X.data[at + n];
    return sum;
  });
}

/** `state`·Rᵀ and the recurrent bias, for the rows of R from `from` to `to`. */
export function sumsOfState(
  recurrence: Recurrence,
  row: number,
  state: readonly number[],
  from: number,
  to: number,
): number[] {
  const { input, hidden, kept } = recurrence;
  const [R, bias] = [input("R"), input("recurrentBias")];
  return Array.from({ length: to - from }, (_, i) => {
    const k = from + i;
    return state.reduce((sum, value, n) => sum + R.data[k * hidden + n] * value * kept(k, row, n), bias.data[k]);
  });
}

/** Gradients by the names of inputs, each of the input's shape. */
export type Gradients = Readonly<Record<string, Dense>>;

/** What the gradient of the sums Xt·Wᵀ + B tells of X, W and B. */
export function backToInput(
  { input, batch, inputSize }: Recurrence,
  gradients: Gradients,
  t: number,
  row: number,
  dSums: readonly number[],
): void {
  const position = t * batch + row;
  const [X, W] = [input("X"), input("W")];
  dSums.forEach((dSum, k) => {
    gradients.B.data[k] += dSum;
    for (let n = 0; n < inputSize; n++) {
      gradients.W.data[k * inputSize + n] += dSum * X.data[position * inputSize + n];
      gradients.X.data[position * inputSize + n] += dSum * W.data[k * inputSize + n];
    }
  });
}

/** What the gradient of sums of a state tells of R and the recurrent bias; returns that of the state. */
export function backToState(
  { input, hidden, kept }: Recurrence,
  gradients: Gradients,
  row: number,
  state: readonly number[],
  from: number,
  dSums: readonly number[],
): number[] {
  const R = input("R");
  const dState = state.map(() => 0);
  dSums.forEach((dSum, i) => {
    const k = from + i;
    gradients.recurrentBias.data[k] += dSum;
    for (let n = 0; n < hidden; n++) {
      gradients.R.data[k * hidden + n] += dSum * state[n] * kept(k, row, n);
      dState[n] += dSum * R.data[k * hidden + n] * kept(k, row, n);
    }
  });
  return dState;
}

/** One step of one row, with what its gradient needs. */
export interface Tape {
  /** The states after it, in the order of the facts; each [hidden]. */
  readonly states: readonly (readonly number[])[];
  /** What is kept of it, in the order of the facts. */
  readonly kept: readonly (readonly number[])[];
}

/** The steps of a recurrence. */
export interface Steps<A extends Attrs, T extends Tape> {
  forward(recurrence: Recurrence, attrs: A, place: Place, states: readonly (readonly number[])[]): T;
  /** From the gradients of the states after the step to those before it; adds to the gradients of the inputs. */
  backward(
    recurrence: Recurrence,
    attrs: A,
    place: Place,
    tape: T,
    dStates: readonly (readonly number[])[],
    gradients: Gradients,
  ): number[][];
}

export interface Place {
  readonly t: number;
  readonly row: number;
}

function rowOf(x: Dense, row: number): number[] {
  const [, width] = x.shape;
  return Array.from(x.data.subarray(row * width, (row + 1) * width));
}

/** The op of a recurrence and that of its gradient, of its steps. */
export function recurrenceKernels<A extends Attrs, T extends Tape>(name: RecurrenceName, steps: Steps<A, T>) {
  const { states, kept } = factsOf(name);
  const initialsOf = ({ input }: Recurrence, row: number): number[][] =>
    states.map((state) => rowOf(input(initialOf(state)), row));

  function walk(recurrence: Recurrence, attrs: A, row: number): { place: Place; tape: T }[] {
    let before: readonly (readonly number[])[] = initialsOf(recurrence, row);
    return recurrence.stepsOf(row).map((t) => {
      const place = { t, row };
      const tape = steps.forward(recurrence, attrs, place, before);
      before = tape.states;
      return { place, tape };
    });
  }

  const forward = (inputs: readonly Dense[], attrs: A): Dense[] => {
    const recurrence = read(name, inputs, attrs);
    const { time, batch, hidden } = recurrence;
    const y = empty("float64", [time, batch, hidden]);
    const last = states.map(() => empty("float64", [batch, hidden]));
    const keeps = Object.values(kept).map((width) => empty("float64", [time, batch, width * hidden]));
    for (let row = 0; row < batch; row++) {
      const walked = walk(recurrence, attrs, row);
      for (const { place, tape } of walked) {
        const position = place.t * batch + row;
        y.data.set(tape.states[0], position * hidden);
        keeps.forEach((keep, i) => {
          keep.data.set(tape.kept[i], position * keep.shape[2]);
        });
      }
      const ends = walked.at(-1)?.tape.states ?? initialsOf(recurrence, row);
      last.forEach((state, i) => {
        state.data.set(ends[i], row * hidden);
      });
    }
    return [y, ...last, ...keeps];
  };

  // Runs the forward pass again instead of reading what was kept: the definition leans on nothing but its inputs.
  const gradient = (inputs: readonly Dense[], attrs: A & { readonly cotangents: readonly string[] }): Dense[] => {
    const recurrence = read(name, inputs, attrs);
    const { batch, hidden, input } = recurrence;
    const given = inputs.slice(inputs.length - attrs.cotangents.length);
    const cotangent = (output: string): Dense | undefined => given[attrs.cotangents.indexOf(output)];
    const roles: readonly string[] = [...recurrenceInputs, ...attrs.options].filter(
      (role) => role !== "lengths" && role !== "recurrentMask",
    );
    const all = [...recurrenceInputs, ...states.map(initialOf), "P", "recurrentBias"];
    const gradients: Gradients = Object.fromEntries(
      all.map((role) => [role, empty("float64", [...input(role).shape])]),
    );
    const dy = cotangent("y");
    for (let row = 0; row < batch; row++) {
      let dStates = states.map((state) => {
        const end = cotangent(state);
        return end ? rowOf(end, row) : new Array<number>(hidden).fill(0);
      });
      for (const { place, tape } of walk(recurrence, attrs, row).reverse()) {
        const position = place.t * batch + row;
        const [dh, ...others] = dStates;
        const output = dh.map((value, n) => value + (dy ? dy.data[position * hidden + n] : 0));
        dStates = steps.backward(recurrence, attrs, place, tape, [output, ...others], gradients);
      }
      states.forEach((state, i) => {
        gradients[initialOf(state)].data.set(dStates[i], row * hidden);
      });
    }
    return roles.map((role) => gradients[role]);
  };
  return { forward, gradient };
}
