/** What layers pass on: the kinds of data, as values of a graph. */
import { transpose } from "../ir/build/shape.ts";
import type { Dim, DType, Value } from "../ir/ops.ts";

/**
 * What inputs of a model are. `ids`: whole numbers [batch, time]. `sequence`: vectors over time [batch, time, features]. `features`: one vector a row
 * [batch, features].
 */
export const inputKinds = ["ids", "sequence", "features"] as const;
/** The kinds of inputs. */
export type InputKind = (typeof inputKinds)[number];

/** Those and `scores`: for each step of a query how much it attends to each step of a value [batch, queryTime, valueTime]; of a query of one step [batch, valueTime]. */
export const kinds = [...inputKinds, "scores"] as const;
/** The kinds of data that go between layers. */
export type Kind = (typeof kinds)[number];

/** How errors show the shape of a kind. */
export const shapeOfKind: { readonly [K in Kind]: string } = {
  ids: "[batch, time]",
  sequence: "[batch, time, features]",
  features: "[batch, features]",
  scores: "[batch, queryTime, valueTime]",
};

/** How the values of a kind lie inside of a graph. */
interface Layout {
  readonly dtype: Extract<DType, "int32" | "float32">;
  /** How many axes there may be. */
  readonly ranks: readonly number[];
  /** The place of the batch: 1 where time comes first. */
  readonly batchAxis: 0 | 1;
}

export const layoutOfKind: { readonly [K in Kind]: Layout } = {
  ids: { dtype: "int32", ranks: [2], batchAxis: 1 },
  sequence: { dtype: "float32", ranks: [3], batchAxis: 1 },
  features: { dtype: "float32", ranks: [2], batchAxis: 0 },
  scores: { dtype: "float32", ranks: [3, 2], batchAxis: 0 },
};

/** Inside a graph time comes first, and lengths travel with what they belong to, so that a mask cannot be lost on the way. */
export interface Flow {
  readonly kind: Kind;
  /** ids: int32 [time, batch]; sequence: float32 [time, batch, features]; features: float32 [batch, features]; scores: float32 [batch, queryTime, valueTime], or [batch, valueTime]. */
  readonly values: Value;
  /** int32 [batch]; absent: every row has all steps. Of scores those of the query. */
  readonly lengths?: Value;
}

/** The last dimension, which is always known but of scores. */
export function featuresOf(flow: Flow): number {
  return flow.values.type.shape.at(-1) as number;
}

/** The order of the axes that users hold, batch first, from that inside of a graph; and the other way round, for it only swaps the first two. */
function order({ kind, values }: Flow): number[] {
  const axes = values.type.shape.map((_, axis) => axis);
  return layoutOfKind[kind].batchAxis === 0 ? axes : [1, 0, ...axes.slice(2)];
}

/** The shape as users see it, batch first. */
export function batchMajorShape(flow: Flow): readonly Dim[] {
  return order(flow).map((axis) => flow.values.type.shape[axis] as Dim);
}

/** The values batch first, as users and exported models hold them. */
export function batchMajor(flow: Flow): Value {
  return transpose(flow.values, order(flow));
}

/** The time axis as users see it, batch first, where there is one: of scores that of the query. */
export function timeOf(flow: Flow): Dim | undefined {
  const shape = batchMajorShape(flow);
  return flow.kind === "ids" || shape.length > 2 ? shape[1] : undefined;
}
