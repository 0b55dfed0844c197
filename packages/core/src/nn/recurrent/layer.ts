/** Recurrent layers as types: what they are applied to, and what they give. */
import type { RecurrenceName, recurrences } from "../../ir/recurrences.ts";
import type { Kind } from "../kinds.ts";
import type { AnyLayer, Symbolic } from "../layer.ts";

type Handles<S extends readonly string[]> = { readonly [I in keyof S]: Symbolic<"features"> };

/** A handle for each state of a recurrence: h and c of an lstm, h of others. */
export type States<R extends RecurrenceName> = Handles<(typeof recurrences)[R]["states"]>;

/** The handles of what a recurrence gives where it returns its states: the output, then the states after the last step. */
export type WithState<Out extends Kind, R extends RecurrenceName = "lstm"> = readonly [
  output: Symbolic<Out>,
  ...states: States<R>,
];

/** How a recurrence begins. */
export interface RecurrentCallOptions<R extends RecurrenceName = "lstm"> {
  /** The states before the first step, each [batch, units]. Default zeros. */
  readonly initialState?: States<R>;
}

/** A recurrence. The states it begins with come with the call, as in `layer(x, { initialState: [h, c] })`. */
export interface RecurrentLayer<Out extends Kind, R extends RecurrenceName = "lstm"> extends AnyLayer {
  (input: Symbolic<"sequence">, options?: RecurrentCallOptions<R>): Symbolic<Out>;
  /** For types alone. */
  readonly recurrence?: R;
  readonly pointwise?: never;
}

/** A recurrence that returns its states: `const [y, h, c] = layer(x)`. A chain has no place for them; apply it for a `model`. */
export interface StatefulLayer<Out extends Kind, R extends RecurrenceName = "lstm"> extends AnyLayer {
  (input: Symbolic<"sequence">, options?: RecurrentCallOptions<R>): WithState<Out, R>;
  /** For types alone. */
  readonly recurrence?: R;
  readonly pointwise?: never;
}

/** How a bidirectional recurrence begins: the states of the forward layer, then those of the backward one. */
export interface BidirectionalCallOptions<R extends RecurrenceName> {
  readonly initialState?: readonly [...States<R>, ...States<R>];
}

/** Two recurrences in opposite directions; `Results` are their outputs, and the states that they return. */
export interface BidirectionalLayer<R extends RecurrenceName, Results> extends AnyLayer {
  (input: Symbolic<"sequence">, options?: BidirectionalCallOptions<R>): Results;
  readonly pointwise?: never;
}
