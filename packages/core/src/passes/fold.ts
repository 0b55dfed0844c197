/**
 * Folding: where rows of a table are looked up and then multiplied with weights, the table is multiplied, and rows of the product are looked up. In a
 * program that does not train, the product of table and weights is the same in each run, so that it is made once: see `Program.prepared`.
 */
import type { Backend } from "../backend.ts";
import { apply } from "../ir/build/apply.ts";
import { gather } from "../ir/build/index.ts";
import { dot } from "../ir/build/linear.ts";
import { fixedNodes } from "../ir/fixed.ts";
import { ops } from "../ir/ops.ts";
import { mapGraph, rewrite } from "../ir/rewrite.ts";
import { type AnyNode, type Graph, nodesOf, rootsOf, type Value } from "../ir/value.ts";
import { sizeOf } from "../tensor.ts";

/** How many numbers all tables of a program may have: 64 MB. */
const ROOM = 2 ** 24;

/** Folds a lowered graph; one that trains stays as it is. Whether it pays hangs on the sizes of weights alone, so that no result hangs on the batch. */
export function fold(graph: Graph, backend: Pick<Backend, "runs">): Graph {
  if (graph.updates.length > 0) return graph;
  const fixed = fixedNodes(nodesOf(rootsOf(graph)));
  let room = ROOM;

  /** The product of a table's rows with weights; undefined where there is no room for it. */
  const product = (table: Value, weights: Value, axes: readonly number[]): Value | undefined => {
    const made = dot(table, weights, { contract: [[1], axes] });
    const size = sizeOf(made.type.shape as number[]);
    if (size > room) return undefined;
    room -= size;
    fixed.add(made.node);
    return made;
  };

  return mapGraph(graph, (roots) =>
    rewrite(roots, (node, inputs) => {
      const [rows, weights, ...rest] = inputs;
      if (rows?.node.op !== "gather" || fixed.has(node) || !weights || !fixed.has(weights.node)) return undefined;
      const [table, ids] = rows.node.inputs as [Value, Value];
      if (!fixed.has(table.node) || table.type.shape.length !== 2) return undefined;
      if (node.op === "dot") {
        const { batch, contract } = node.attrs;
        if (batch[0].length > 0 || contract[0].join() !== `${rows.type.shape.length - 1}`) return undefined;
        const made = product(table, weights, contract[1]);
        return made && [gather(made, ids)];
      }
      if (!ops[node.op].takesIds) return undefined;
      const made = product(table, weights, [1]);
      const outputs = made && apply(node.op, [ids, made, ...rest], node.attrs);
      return outputs && backend.runs(outputs[0]?.node as AnyNode) ? outputs : undefined;
    }),
  );
}
