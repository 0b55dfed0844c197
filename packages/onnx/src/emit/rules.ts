/** Applies rewrite rules to graphs, including bodies. */
import { type AnyNode, type Graph, isStructured, rewrite, rewriteBody, type Value } from "@ostinato/core";

/** Returns the replacement of a node whose inputs have been rewritten; `undefined` keeps the node. */
export type Rule = (node: AnyNode, inputs: readonly Value[]) => readonly Value[] | undefined;

/** Applies a rule to every node that `roots` depend on, including nodes in bodies. */
function everywhere(roots: readonly Value[], rule: Rule): Value[] {
  return rewrite(roots, (node, inputs) => {
    if (!isStructured(node.op)) return rule(node, inputs);
    return rewriteBody(node, inputs, (results) => everywhere(results, rule));
  });
}

/** The inference graph after applying, for each node, the first rule that matches. */
export function rewritten(graph: Graph, rules: readonly Rule[]): Graph {
  const values = everywhere(Object.values(graph.fetches), (node, inputs) => {
    for (const rule of rules) {
      const values = rule(node, inputs);
      if (values) return values;
    }
    return undefined;
  });
  const fetches = Object.keys(graph.fetches).map((name, i) => [name, values[i] as Value]);
  return { ...graph, fetches: Object.fromEntries(fetches) };
}
