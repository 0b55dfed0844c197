/** Biases: a product and a bias that is added to each of its rows become one op, which adds it when it writes the product. */
import type { Backend } from "../backend.ts";
import { apply } from "../ir/build/apply.ts";
import { mapGraph, rewrite } from "../ir/rewrite.ts";
import { type AnyNode, type Graph, type Node, nodesOf, rootsOf, type Value } from "../ir/value.ts";

type DotNode = Node<"dot"> & AnyNode;

/** How many nodes, fetches and updates read each node. */
function countReaders(roots: readonly Value[]): Map<AnyNode, number> {
  const counts = new Map<AnyNode, number>();
  const values = [...roots, ...nodesOf(roots).flatMap(({ inputs }) => inputs)];
  for (const { node } of values) counts.set(node, (counts.get(node) ?? 0) + 1);
  return counts;
}

/** What is added to each row of `product`, if `other` is that: a broadcast of the free axes of its second operand, or of the last of them. */
function biasOf(product: DotNode, { node }: Value): Value | undefined {
  if (node.op !== "broadcast") return undefined;
  const [bias] = node.inputs as [Value];
  const [, b] = product.inputs as [Value, Value];
  const { contract, batch } = product.attrs;
  const free = b.type.shape.length - contract[1].length - batch[1].length;
  const rank = product.outputs[0]?.shape.length ?? 0;
  const fits =
    free > 0 && node.attrs.axes.length === free && node.attrs.axes.every((axis, i) => axis === rank - free + i);
  return fits && bias.type.dtype === "float32" ? bias : undefined;
}

/** `graph` with biases added by the products they are added to, where the backend runs them so; where it does not, the same graph. */
export function joinBiases(graph: Graph, backend: Pick<Backend, "runs">): Graph {
  const readers = countReaders(rootsOf(graph));
  return mapGraph(graph, (roots) =>
    rewrite(roots, (node, inputs) => {
      if (node.op !== "add") return undefined;
      for (const [at, { node: product }] of inputs.entries()) {
        const original = node.inputs[at] as Value;
        if (product.op !== "dot" || readers.get(original.node) !== 1) continue;
        const bias = biasOf(product, inputs[1 - at] as Value);
        if (!bias) continue;
        const made = apply("biasedDot", [...product.inputs, bias], product.attrs);
        return backend.runs((made[0] as Value).node) ? made : undefined;
      }
      return undefined;
    }),
  );
}
