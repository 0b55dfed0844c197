/** Recurrent layers as types: what they are applied to, and what they give. */
import type { RecurrenceName, recurrences } from "../../ir/recurrences.ts";
import type { Kind } from "../kinds.ts";
import type { AnyLayer, Symbolic } from "../layer.ts";

type Handles<S extends readonly string[]> = { readonly [I in keyof S]: Symbolic<"features"> };

/** A recurrence by its name, or the names of its states. */
export type Recurrent = RecurrenceName | readonly string[];

/** A handle for each state of a recurrence: h and c of an lstm, h of others. */
export type States<R extends Recurrent> = Handles<
  R extends RecurrenceName ? StatesOf[R] : R extends readonly string[] ? R : never
>;
type StatesOf = { readonly [R in RecurrenceName]: (typeof recurrences)[R]["states"] };

/** The handles of what a recurrence gives where it returns its states: the output, then the states after the last step. */
export type WithState<Out extends Kind, R extends Recurrent = "lstm"> = readonly [
  output: Symbolic<Out>,
  ...states: States<R>,
];

/** What a recurrence gives where only the program knows whether it returns sequences. */
export type SequenceOrFeatures = "sequence" | "features";

/** How a recurrence begins. */
export interface RecurrentCallOptions<R extends Recurrent = "lstm"> {
  /** The states before the first step, each [batch, units]. Default zeros. */
  readonly initialState?: States<R>;
}

/** A recurrence. The states it begins with come with the call, as in `layer(x, { initialState: [h, c] })`. */
export interface RecurrentLayer<Out extends Kind, R extends Recurrent = "lstm"> extends AnyLayer {
  (input: Symbolic<"sequence">, options?: RecurrentCallOptions<R>): Symbolic<Out>;
  /** For types alone. */
  readonly recurrence?: R;
  readonly pointwise?: never;
}

/** A recurrence that returns its states: `const [y, h, c] = layer(x)`. A chain has no place for them; apply it for a `model`. */
export interface StatefulLayer<Out extends Kind, R extends Recurrent = "lstm"> extends AnyLayer {
  (input: Symbolic<"sequence">, options?: RecurrentCallOptions<R>): WithState<Out, R>;
  /** For types alone. */
  readonly recurrence?: R;
  readonly pointwise?: never;
}

/** How a bidirectional recurrence begins: the states of the forward layer `R`, then those of the backward one `B`. */
export interface BidirectionalCallOptions<R extends Recurrent, B extends Recurrent = R> {
  readonly initialState?: readonly [...States<R>, ...States<B>];
}

/** Two recurrences in opposite directions; `Results` are their outputs, and the states that they return. */
export interface BidirectionalLayer<R extends Recurrent, Results, B extends Recurrent = R> extends AnyLayer {
  (input: Symbolic<"sequence">, options?: BidirectionalCallOptions<R, B>): Results;
  readonly pointwise?: never;
}
