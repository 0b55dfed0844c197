/** What one step of a recurrence computes: the form in which `lstm.ts`, `gru.ts` and `rnn.ts` say their formulas. */
import type { GateOf, RecurrenceName } from "../ir/recurrences.ts";
import type { Value } from "../ir/value.ts";

/** What a step is given. Sums over gates are [batch, gates * hidden], everything else is [batch, hidden]. */
export interface Step<R extends RecurrenceName = RecurrenceName> {
  /** Xt·Wᵀ + B, over all gates. */
  readonly x: Value;
  /** The states after the step before, in the order of the facts. */
  readonly states: readonly Value[];
  /** `state`·Rᵀ and the recurrent bias, for one of the cell's `products`: over its gates. */
  recur(state: Value, product: number): Value;
  /** The part of a sum over gates that belongs to one of them: over all gates, or over those of a product. */
  gate(sums: Value, name: GateOf<R>, product?: number): Value;
  /** `sum` and what the gate sees of a cell through its peephole, where there are any. */
  peep(sum: Value, name: GateOf<R>, cell: Value): Value;
  /** The activation functions in ONNX's order. */
  readonly activations: readonly ((x: Value) => Value)[];
  /** A sum within the clip. */
  clipped(sum: Value): Value;
  /** A truth value of the recurrence. */
  flag(name: string): boolean;
}

export interface Cell<R extends RecurrenceName = RecurrenceName> {
  /** The products with R that a step makes: each a run of gates, in their order. */
  products(flag: (name: string) => boolean): readonly (readonly GateOf<R>[])[];
  /** The states after the step, the output first, and what is kept of it for the gradient. */
  step(step: Step<R>): { readonly states: readonly Value[]; readonly kept: readonly Value[] };
}
