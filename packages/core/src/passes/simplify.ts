/** Simplification: equal expressions become one, and moves that cancel disappear. */

import { transpose } from "../ir/build/shape.ts";
import { mapGraph, type RewriteRule, rewrite, rewriteBody } from "../ir/rewrite.ts";
import { type Shares, shareEqual } from "../ir/share.ts";
import type { Graph, Value } from "../ir/value.ts";

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
