/** Applies rewrite rules to graphs, including the bodies of scans. */
import { type AnyNode, apply, type Graph, rewrite, type Value } from "@ostinato/core";

/** Returns the replacement of a node whose inputs have been rewritten; `undefined` keeps the node. */
export type Rule = (node: AnyNode, inputs: readonly Value[]) => readonly Value[] | undefined;

/** Applies a rule to every node that `roots` depend on, including nodes in bodies. */
function everywhere(roots: readonly Value[], rule: Rule): Value[] {
  return rewrite(roots, (node, inputs) => {
    if (node.op !== "scan") return rule(node, inputs);
    const { body } = node.attrs;
    const results = everywhere(body.results, rule);
    if (results.every((result, i) => result === body.results[i])) return undefined;
    return apply("scan", inputs, { ...node.attrs, body: { ...body, results } });
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
