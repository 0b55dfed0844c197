/** What layers pass on: the kinds of data, as values of a graph. */
import { transpose } from "../ir/build/shape.ts";
import type { TreeValues } from "../ir/forest.ts";
import type { Dim, Value } from "../ir/ops.ts";

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

/** Whether the values of a kind have time first inside of a graph, and the batch second. */
export const isTimeFirst = (kind: Kind): boolean => kind === "ids" || kind === "sequence";

/** Inside a graph time comes first, and lengths travel with what they belong to, so that a mask cannot be lost on the way. */
export interface Flow {
  readonly kind: Kind;
  /** ids: int32 [time, batch]; sequence: float32 [time, batch, features]; features: float32 [batch, features]; scores: float32 [batch, queryTime, valueTime], or [batch, valueTime]. */
  readonly values: Value;
  /** int32 [batch]; absent: every row has all steps. Of scores those of the query. */
  readonly lengths?: Value;
  /** Of ids and sequences: each row is a tree, its steps are the nodes. Whatever keeps the time axis keeps it. */
  readonly tree?: TreeValues;
}

/** Results over the time axis of trees have these trees, too: each such axis is that of one input. */
export function withTrees(given: readonly Flow[], made: readonly Flow[]): readonly Flow[] {
  const trees = given.filter(({ tree }) => tree);
  if (trees.length === 0) return made;
  return made.map((flow) => {
    const [time] = flow.values.type.shape;
    const over = isTimeFirst(flow.kind) ? trees.find(({ values }) => values.type.shape[0] === time) : undefined;
    return over?.tree ? { ...flow, tree: over.tree } : flow;
  });
}

/** The last dimension, which is always known but of scores. */
export function featuresOf(flow: Flow): number {
  return flow.values.type.shape.at(-1) as number;
}

/** The shape as users see it, batch first. */
export function batchMajorShape({ kind, values }: Flow): readonly Dim[] {
  const { shape } = values.type;
  const [first, second, ...rest] = shape;
  return isTimeFirst(kind) ? [second as Dim, first as Dim, ...rest] : shape;
}

/** The values batch first, as users and exported models hold them; and what users hold with time first, as it is inside of a graph. */
export function turned({ kind, values }: Pick<Flow, "kind" | "values">): Value {
  return isTimeFirst(kind) ? transpose(values, [1, 0, 2].slice(0, values.type.shape.length)) : values;
}
