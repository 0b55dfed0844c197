/** Simplification: equal expressions become one, and moves that cancel disappear. */

import { apply } from "../ir/build/apply.ts";
import { transpose } from "../ir/build/shape.ts";
import { attrsKey } from "../ir/print.ts";
import { mapGraph, type RewriteRule, rewrite, rewriteBody } from "../ir/rewrite.ts";
import type { AnyNode, Graph, Value } from "../ir/value.ts";

/** Decides for each node, after its inputs, whether it may be merged with equal nodes. */
type Shares = (node: AnyNode) => boolean;

/** A rule that sees each node once: it returns the first node with the same op, attributes and inputs. */
function shareEqual(shares: Shares): RewriteRule {
  const numbers = new Map<AnyNode, number>();
  const known = new Map<string, readonly Value[]>();
  const numberOf = (node: AnyNode): number => {
    const number = numbers.get(node) ?? numbers.size;
    numbers.set(node, number);
    return number;
  };
  return (node, inputs) => {
    if (!shares(node) || (node.op === "input" && node.attrs.kind === "parameter")) return undefined;
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

const simplifyBody =
  (shares: Shares): RewriteRule =>
  (node, inputs) =>
    rewriteBody(node, inputs, (results) => simplifyRoots(results, shares));

function simplifyRoots(roots: readonly Value[], shares: Shares): Value[] {
  return rewrite(rewrite(rewrite(roots, joinTransposes), simplifyBody(shares)), shareEqual(shares));
}

/**
 * The same graph with equal expressions computed once. Unused nodes are not part of a graph in any case.
 *
 * @param shares decides which nodes may be merged; called for each node after its inputs. Default: all
 */
export function simplify(graph: Graph, shares: Shares = () => true): Graph {
  return mapGraph(graph, (roots) => simplifyRoots(roots, shares));
}
