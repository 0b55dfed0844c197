/** Simplification: equal expressions become one, and moves that cancel disappear. */

import { apply } from "../ir/build/apply.ts";
import { transpose } from "../ir/build/shape.ts";
import { attrsKey } from "../ir/print.ts";
import { mapGraph, type RewriteRule, rewrite } from "../ir/rewrite.ts";
import type { AnyNode, Body, Graph, Value } from "../ir/value.ts";

/** A rule that sees each node once: it returns the first node with the same op, attributes and inputs. */
function shareEqual(): RewriteRule {
  const numbers = new Map<AnyNode, number>();
  const known = new Map<string, readonly Value[]>();
  const numberOf = (node: AnyNode): number => {
    const number = numbers.get(node) ?? numbers.size;
    numbers.set(node, number);
    return number;
  };
  return (node, inputs) => {
    if (node.op === "input" && node.attrs.kind === "parameter") return undefined;
    const reads = inputs.map((input) => `${numberOf(input.node)}.${input.output}`).join();
    const key = `${node.op}(${reads})${attrsKey(node)}`;
    const first = known.get(key);
    if (first) return first;
    const outputs = apply(node.op, inputs, node.attrs);
    known.set(key, outputs);
    return outputs;
  };
}

/** Two transposes in a row are one, or none. */
const joinTransposes: RewriteRule = (node, inputs) => {
  const [x] = inputs;
  if (node.op !== "transpose" || x?.node.op !== "transpose") return undefined;
  const inner = x.node.attrs.permutation;
  return [
    transpose(
      x.node.inputs[0] as Value,
      node.attrs.permutation.map((axis) => inner[axis] as number),
    ),
  ];
};

const simplifyScan: RewriteRule = (node, inputs) => {
  if (node.op !== "scan") return undefined;
  return apply("scan", inputs, { ...node.attrs, body: simplifyBody(node.attrs.body) });
};

function simplifyRoots(roots: readonly Value[]): Value[] {
  return rewrite(rewrite(rewrite(roots, joinTransposes), simplifyScan), shareEqual());
}

function simplifyBody(body: Body): Body {
  return { parameters: body.parameters, results: simplifyRoots(body.results) };
}

/** The same graph with equal expressions computed once. What nothing reads is not part of a graph in the first place. */
export function simplify(graph: Graph): Graph {
  return mapGraph(graph, simplifyRoots);
}
