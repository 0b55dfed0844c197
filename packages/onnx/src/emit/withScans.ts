/** Recurrences that ONNX has no operator for go out as what they mean: a Scan of their step. */
import {
  decomposeRecurrence,
  factsOf,
  type Graph,
  type RecurrenceAttrs,
  recurrenceNames,
  rewrite,
} from "@ostinato/core";

const withoutOperator = recurrenceNames.filter((name) => factsOf(name).operator === undefined);

/** `graph` with the decompositions of those recurrences in their places. */
export function withScans(graph: Graph): Graph {
  const roots = rewrite(Object.values(graph.fetches), ({ op, attrs }, inputs) => {
    const name = withoutOperator.find((known) => known === op);
    return name && decomposeRecurrence(name)(inputs, attrs as RecurrenceAttrs);
  });
  const fetches = Object.keys(graph.fetches).map((name, i) => [name, roots[i]]);
  return { ...graph, fetches: Object.fromEntries(fetches) };
}
