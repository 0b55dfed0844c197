/** Penalties on the size of weights. */

// A type alias, not an interface: only aliases are assignable to Json.

/** Adds `l1 · Σ |w| + l2 · Σ w²` to the loss. */
export type Regularizer = { readonly l1: number; readonly l2: number };

/** A regularizer as users write it: what is left out is 0. */
export type RegularizerOptions = Partial<Regularizer>;
