/**
 * The form of a recurrence: what is known of it, named as ONNX names it, and what one step computes. A formula is handed its arithmetic and does not
 * know what a value is, so that its file imports no other, and inference, gradients, layers, export and tests may all ask it.
 */
import type { RecurrentActivationFunction } from "./activations.ts";

/** What is known of a recurrence beside its formula. */
export interface RecurrenceFacts {
  /** The operator of ONNX; absent: it has none, and an exported recurrence is a Scan of its step. */
  readonly operator?: string;
  /** The blocks of rows of W, R and B, in ONNX's order. */
  readonly gates: readonly string[];
  /** The same blocks in the order in which other libraries store them; absent: in ours. */
  readonly foreign?: { readonly keras?: readonly string[]; readonly pytorch?: readonly string[] };
  /** What goes from step to step, each [batch, hidden]. The first is the output. */
  readonly states: readonly string[];
  /** What the forward op keeps of each step for a native gradient alone, and how wide it is in hidden sizes. */
  readonly kept: Readonly<Record<string, number>>;
  /** The activations by default, in ONNX's order: of the gates, of the candidate, of the output. */
  readonly activations: readonly RecurrentActivationFunction[];
  /** The gates that see a cell through the diagonal weights P, in the order of P. */
  readonly peepholes: readonly string[];
  /** Truth values of this recurrence alone, and their defaults. */
  readonly flags: Readonly<Record<string, boolean>>;
}

type Gate<F extends RecurrenceFacts> = F["gates"][number];
type Each<Names extends readonly unknown[], T> = { readonly [I in keyof Names]: T };

/** What a step is given. Sums over gates are [batch, gates * hidden], everything else is [batch, hidden]. */
export interface Step<F extends RecurrenceFacts, V> {
  /** Xt·Wᵀ + B, over all gates. */
  readonly x: V;
  /** The states after the step before. */
  readonly states: Each<F["states"], V>;
  /** `state`·Rᵀ and the recurrent bias, for one of the `products`: over its gates. */
  recur(state: V, product: number): V;
  /** The part of a sum over gates that belongs to one of them: over all gates, or over those of a product. */
  gate(sums: V, name: Gate<F>, product?: number): V;
  /** `sum` and what the gate sees of a cell through its peephole, where there are any. */
  peep(sum: V, name: F["peepholes"][number], cell: V): V;
  /** The activation functions in ONNX's order. */
  readonly activations: Each<F["activations"], (x: V) => V>;
  /** A sum within the clip. */
  clipped(sum: V): V;
  /** A truth value of the recurrence. */
  flag(name: keyof F["flags"]): boolean;
  /** Element by element, and with one number for all. */
  add(a: V | number, b: V | number): V;
  sub(a: V | number, b: V | number): V;
  mul(a: V | number, b: V | number): V;
  /** Side by side: [batch, parts * hidden]. */
  concat(parts: readonly V[]): V;
}

/** What a step computes. */
export interface Formula<F extends RecurrenceFacts> {
  /** The products with R that a step makes: each a run of gates, in their order. */
  products(flag: (name: keyof F["flags"]) => boolean): readonly (readonly Gate<F>[])[];
  /** The states after the step, and what is kept of it, in the order of the facts. */
  step<V>(step: Step<F, V>): { readonly states: Each<F["states"], V>; readonly kept: readonly V[] };
}

/** A recurrence: a row of the table. */
export type Cell<F extends RecurrenceFacts = RecurrenceFacts> = F & Formula<F>;

/** Facts and formula in one; the types of options and outputs follow from the facts. */
export const cell = <const F extends RecurrenceFacts>(facts: F, formula: Formula<F>): Cell<F> => ({
  ...facts,
  ...formula,
});
