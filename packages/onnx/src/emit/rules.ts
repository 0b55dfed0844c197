/** Rules by which graphs are rewritten, their bodies too. */
import { type AnyNode, apply, type Graph, rewrite, type Value } from "@ostinato/core";

/** What stands for a node whose inputs are replaced already; `undefined` keeps it. */
export type Rule = (node: AnyNode, inputs: readonly Value[]) => readonly Value[] | undefined;

/** Applies a rule to every node below `roots`, those of bodies too. */
function everywhere(roots: readonly Value[], rule: Rule): Value[] {
  return rewrite(roots, (node, inputs) => {
    if (node.op !== "scan") return rule(node, inputs);
    const { body } = node.attrs;
    const results = everywhere(body.results, rule);
    if (results.every((result, i) => result === body.results[i])) return undefined;
    return apply("scan", inputs, { ...node.attrs, body: { ...body, results } });
  });
}

/** A graph for inference after the first of the rules that has something for a node. */
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
