/** What layers pass on: the kinds of data, as values of a graph. */
import type { Dim, Value } from "../ir/ops.ts";

/** `ids`: whole numbers [batch, time]. `sequence`: vectors over time [batch, time, features]. `features`: one vector a row [batch, features]. */
export const kinds = ["ids", "sequence", "features"] as const;
/** The kinds of data that go between layers. */
export type Kind = (typeof kinds)[number];

/** How errors show the shape of a kind. */
export const shapeOfKind: { readonly [K in Kind]: string } = {
  ids: "[batch, time]",
  sequence: "[batch, time, features]",
  features: "[batch, features]",
};

/** Inside a graph time comes first, and lengths travel with what they belong to, so that a mask cannot be lost on the way. */
export interface Flow {
  readonly kind: Kind;
  /** ids: int32 [time, batch]; sequence: float32 [time, batch, features]; features: float32 [batch, features]. */
  readonly values: Value;
  /** int32 [batch]; absent: every row has all steps. */
  readonly lengths?: Value;
}

/** The last dimension, which is always known. */
export function featuresOf(flow: Flow): number {
  return flow.values.type.shape.at(-1) as number;
}

/** The shape as users see it, batch first. */
export function batchMajorShape(flow: Flow): readonly Dim[] {
  const [first, second, ...rest] = flow.values.type.shape;
  return flow.kind === "features" ? flow.values.type.shape : [second as Dim, first as Dim, ...rest];
}
