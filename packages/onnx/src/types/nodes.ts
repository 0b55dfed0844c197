/** Nodes that are written already, and what is changed in them: names, and which nodes there are; bodies too. */
import type { Message } from "../file/schema.ts";

type Node = Message<"Node">;

/** Each node with what `change` makes of it; bodies first. */
export function changedNodes(nodes: readonly Node[], change: (node: Node) => readonly Node[]): Node[] {
  return nodes.flatMap((node) => {
    const attributes = (node.attributes ?? []).map((attribute) =>
      attribute.graph
        ? {
            ...attribute,
            graph: { ...attribute.graph, nodes: changedNodes(attribute.graph.nodes ?? [], change) },
          }
        : attribute,
    );
    return change({ ...node, attributes });
  });
}

/** All names in the graph and in bodies. */
export function namesIn({ nodes = [], initializers = [], inputs = [], outputs = [] }: Message<"Graph">): string[] {
  const ofNodes = nodes.flatMap((node) => [
    ...(node.outputs ?? []),
    ...(node.attributes ?? []).flatMap(({ graph }) => (graph ? namesIn(graph) : [])),
  ]);
  return [...ofNodes, ...[...initializers, ...inputs, ...outputs].map(({ name = "" }) => name)];
}
