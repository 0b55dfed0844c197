/** Modifies ONNX nodes that have been written, including those in bodies. */
import type { Message } from "../file/schema.ts";

type Node = Message<"Node">;

/** Replaces each node with the result of `change`, in bodies first. */
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

/** All names in the graph and its bodies. */
export function namesIn({ nodes = [], initializers = [], inputs = [], outputs = [] }: Message<"Graph">): string[] {
  const ofNodes = nodes.flatMap((node) => [
    ...(node.outputs ?? []),
    ...(node.attributes ?? []).flatMap(({ graph }) => (graph ? namesIn(graph) : [])),
  ]);
  return [...ofNodes, ...[...initializers, ...inputs, ...outputs].map(({ name = "" }) => name)];
}
