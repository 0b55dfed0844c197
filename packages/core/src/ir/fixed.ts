/** What depends on the state alone: the same in each run until the state is written. */
import type { AnyNode } from "./value.ts";

/** Those of `nodes`, each after the nodes that it reads, that depend on the state alone. What has a named size is another with each run. */
export function fixedNodes(nodes: readonly AnyNode[]): Set<AnyNode> {
  const fixed = new Set<AnyNode>();
  for (const node of nodes) {
    const source = node.op === "input" ? node.attrs.kind === "state" : node.op !== "size";
    const known = node.outputs.every(({ shape }) => shape.every((dim) => typeof dim === "number"));
    if (source && known && node.inputs.every((input) => fixed.has(input.node))) fixed.add(node);
  }
  return fixed;
}
