/** Rebuilding graphs: replace values, and let the nodes above them follow. */
import { apply } from "./build/apply.ts";
import type { OpAttrs, StructuredName } from "./ops.ts";
import { bodyOf } from "./structured.ts";
import { type AnyNode, type Graph, nodesOf, rootsOf, type Value } from "./value.ts";

/** What stands for the outputs of `node`, whose inputs are replaced already; `undefined` keeps the node. */
export type RewriteRule = (node: AnyNode, inputs: readonly Value[]) => readonly Value[] | undefined;

/** What makes of a graph another one that computes the same. */
export type Pass = (graph: Graph) => Graph;

function rebuild(node: AnyNode, inputs: readonly Value[]): Value[] {
  return apply(node.op, inputs, node.attrs);
}

/** `roots` after every node below them went through `rule`, children first. */
export function rewrite(roots: readonly Value[], rule: RewriteRule): Value[] {
  const replaced = new Map<AnyNode, readonly Value[]>();
  const follow = (value: Value): Value => replaced.get(value.node)?.[value.output] ?? value;
  for (const node of nodesOf(roots)) {
    const inputs = node.inputs.map(follow);
    const outputs = rule(node, inputs);
    if (outputs !== undefined) replaced.set(node, outputs);
    else if (inputs.some((input, i) => input !== node.inputs[i])) replaced.set(node, rebuild(node, inputs));
  }
  return roots.map(follow);
}

/** The outputs of a structured op whose body has other results; undefined where they are those it has, and where the op has no body. */
export function rewriteBody(
  node: AnyNode,
  inputs: readonly Value[],
  rewriteResults: (results: readonly Value[]) => readonly Value[],
): Value[] | undefined {
  const body = bodyOf(node);
  if (!body) return undefined;
  const results = rewriteResults(body.results);
  if (results.every((result, i) => result === body.results[i])) return undefined;
  const attrs = { ...node.attrs, body: { ...body, results } } as OpAttrs[StructuredName];
  return apply(node.op as StructuredName, inputs, attrs);
}

/** `roots` with each value of `from` replaced by the one of `to` in the same place. */
export function substitute(roots: readonly Value[], from: readonly Value[], to: readonly Value[]): Value[] {
  const byNode = new Map<AnyNode, Value[]>();
  from.forEach((value, i) => {
    const outputs = byNode.get(value.node) ?? [];
    outputs[value.output] = to[i] as Value;
    byNode.set(value.node, outputs);
  });
  return rewrite(roots, (node) => byNode.get(node));
}

/** `graph` with the same names, after `rewriteRoots` replaced its values. */
export function mapGraph(graph: Graph, rewriteRoots: (roots: readonly Value[]) => Value[]): Graph {
  const values = rewriteRoots(rootsOf(graph));
  let next = 0;
  const take = (): Value => values[next++] as Value;
  const fetches = Object.fromEntries(Object.keys(graph.fetches).map((name) => [name, take()]));
  const updates = graph.updates.map(({ name }) => ({ name, value: take() }));
  return graph.guard ? { fetches, updates, guard: take() } : { fetches, updates };
}
