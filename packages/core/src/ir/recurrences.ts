/** The recurrences as facts, named as ONNX names them: what inference, gradients, layers, export and tests ask of one. Their formulas are in `recurrent/`. */

/** Activation functions of a recurrence, by ONNX's names. */
export type RecurrentActivation = "Sigmoid" | "Tanh" | "Relu";

/** What is known of a recurrence beside its formula. */
export interface RecurrenceFacts {
  /** The operator of ONNX. */
  readonly operator: string;
  /** The blocks of rows of W, R and B, in ONNX's order. */
  readonly gates: readonly string[];
  /** The same blocks in the order in which other libraries store them. */
  readonly foreign: { readonly keras: readonly string[]; readonly pytorch: readonly string[] };
  /** What goes from step to step, each [batch, hidden]. The first is the output. */
  readonly states: readonly string[];
  /** What the forward op keeps of each step for its gradient alone, and how wide it is in hidden sizes. */
  readonly kept: Readonly<Record<string, number>>;
  /** The activations by default, in ONNX's order: of the gates, of the candidate, of the output. */
  readonly activations: readonly RecurrentActivation[];
  /** The gates that see a cell through the diagonal weights P, in the order of P. */
  readonly peepholes: readonly string[];
  /** Truth values of this recurrence alone, and their defaults. */
  readonly flags: Readonly<Record<string, boolean>>;
}

/** The table of recurrences. A new one is a row here and a cell in `recurrent/`. */
export const recurrences = {
  /** Long short-term memory. `inputForget` couples the gates: f = 1 - i. */
  lstm: {
    operator: "LSTM",
    gates: ["i", "o", "f", "c"],
    foreign: { keras: ["i", "f", "c", "o"], pytorch: ["i", "f", "c", "o"] },
    states: ["h", "c"],
    kept: { gates: 4, cells: 1 },
    activations: ["Sigmoid", "Tanh", "Tanh"],
    peepholes: ["i", "o", "f"],
    flags: { inputForget: false },
  },
  /** Gated recurrent unit. `linearBeforeReset`: the reset gate comes after the product with R, as in Keras's `reset_after` and in PyTorch. */
  gru: {
    operator: "GRU",
    gates: ["z", "r", "h"],
    foreign: { keras: ["z", "r", "h"], pytorch: ["r", "z", "h"] },
    states: ["h"],
    kept: { gates: 3 },
    activations: ["Sigmoid", "Tanh"],
    peepholes: [],
    flags: { linearBeforeReset: false },
  },
  /** The simple recurrent network (Elman 1990). */
  rnn: {
    operator: "RNN",
    gates: ["h"],
    foreign: { keras: ["h"], pytorch: ["h"] },
    states: ["h"],
    kept: {},
    activations: ["Tanh"],
    peepholes: [],
    flags: {},
  },
} as const satisfies Readonly<Record<string, RecurrenceFacts>>;

/** The name of a recurrence. */
export type RecurrenceName = keyof typeof recurrences;
type Facts<R extends RecurrenceName> = (typeof recurrences)[R];

/** All names, in the order of the table. */
export const recurrenceNames = Object.keys(recurrences) as RecurrenceName[];

/** The facts of a recurrence that is not known by name. */
export const factsOf = (name: RecurrenceName): RecurrenceFacts => recurrences[name];

/** The gates of a recurrence. */
export type GateOf<R extends RecurrenceName> = Facts<R>["gates"][number];
/** The states of a recurrence. */
export type StateOf<R extends RecurrenceName> = Facts<R>["states"][number];

/** `c` → `initialC`. */
export type InitialOf<S extends string> = `initial${Uppercase<S>}`;
/** The optional input with the state before the first step: `c` → `initialC`. */
export const initialOf = <S extends string>(state: S): InitialOf<S> => `initial${state.toUpperCase()}` as InitialOf<S>;

/**
 * The optional inputs: ONNX's in its order; `recurrentBias` [gates * hidden], which is added to the product with R (ONNX's Rb, where it cannot be
 * added to B beforehand); and `recurrentMask` [gates, batch, hidden], a dropout mask on the state on its way to each gate, which ONNX lacks.
 */
export type RecurrenceOption<R extends RecurrenceName = RecurrenceName> =
  | "lengths"
  | InitialOf<StateOf<R>>
  | (Facts<R>["peepholes"][number] extends never ? never : "P")
  | "recurrentBias"
  | "recurrentMask";

/** The optional inputs that a recurrence may have, in the order of its op. */
export function optionsOf<R extends RecurrenceName>(name: R): RecurrenceOption<R>[] {
  const { states, peepholes } = factsOf(name);
  const options = [
    "lengths",
    ...states.map(initialOf),
    ...(peepholes.length > 0 ? ["P"] : []),
    "recurrentBias",
    "recurrentMask",
  ];
  return options as RecurrenceOption<R>[];
}

/** Optional inputs without a gradient. */
export const constantOptions: readonly string[] = ["lengths", "recurrentMask"];

/** Inputs that every recurrence has: X [time, batch, input], W [gates * hidden, input], R [gates * hidden, hidden], B [gates * hidden]. */
export const recurrenceInputs = ["X", "W", "R", "B"] as const;

/** The attributes of a recurrence. */
export type RecurrenceAttrs<R extends RecurrenceName = RecurrenceName> = {
  readonly hiddenSize: number;
  readonly direction: "forward" | "reverse";
  /** As many as the recurrence has by default, in that order. */
  readonly activations: readonly RecurrentActivation[];
  /** Bound on the sums that go into the gates. Absent: none. */
  readonly clip?: number;
  /** Which optional inputs follow X, W, R and B. */
  readonly options: readonly RecurrenceOption<R>[];
} & { readonly [F in keyof Facts<R>["flags"]]: boolean };

/** The op that computes the gradients of a recurrence. */
export type RecurrenceGradName = `${RecurrenceName}Grad`;
/** The gradient op of a recurrence: `lstm` → `lstmGrad`. */
export const gradOf = <R extends RecurrenceName>(name: R): `${R}Grad` => `${name}Grad`;

/** The attributes of that op: the outputs whose cotangents follow its other inputs. */
export type RecurrenceGradAttrs<R extends RecurrenceName = RecurrenceName> = RecurrenceAttrs<R> & {
  readonly cotangents: readonly ("y" | StateOf<R>)[];
};

/** A table for all recurrences, from a function of the name. */
export function byRecurrence<T>(make: (name: RecurrenceName) => T): { readonly [R in RecurrenceName]: T } {
  return Object.fromEntries(recurrenceNames.map((name) => [name, make(name)])) as { readonly [R in RecurrenceName]: T };
}
/** A table for the gradient ops of all recurrences, from a function of the recurrence's name. */
export function byRecurrenceGrad<T>(make: (name: RecurrenceName) => T): { readonly [G in RecurrenceGradName]: T } {
  return Object.fromEntries(recurrenceNames.map((name) => [gradOf(name), make(name)])) as {
    readonly [G in RecurrenceGradName]: T;
  };
}
