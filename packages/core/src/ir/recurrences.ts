/** What follows from the table of recurrences for their ops: names, inputs, attributes. */
import type { RecurrentActivation } from "../cells/activations.ts";
import type { Cell, RecurrenceFacts } from "../cells/cell.ts";
import { recurrences } from "../cells/table.ts";

export {
  type ActivationParameters,
  type RecurrentActivation,
  type RecurrentActivationFunction,
  recurrentActivations,
  spelledOut,
} from "../cells/activations.ts";
export type { RecurrenceFacts } from "../cells/cell.ts";
export { recurrences } from "../cells/table.ts";

/** The name of a recurrence. */
export type RecurrenceName = keyof typeof recurrences;
type Facts<R extends RecurrenceName> = (typeof recurrences)[R];

/** All names, in the order of the table. */
export const recurrenceNames = Object.keys(recurrences) as RecurrenceName[];

/** A recurrence that is not known by name. */
export const cellOf = (name: RecurrenceName): Cell => recurrences[name] as unknown as Cell;
/** The facts of a recurrence that is not known by name. */
export const factsOf = (name: RecurrenceName): RecurrenceFacts => recurrences[name];

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

/**
 * Inputs that every recurrence has: X [time, batch, input], W [gates * hidden, input], R [gates * hidden, hidden], B [gates * hidden]. Or X are
 * ids, int32 [time, batch], and W has what each of them gives to the gates, [ids, gates * hidden]: as if X were one-hot. Then there is no gradient.
 */
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
