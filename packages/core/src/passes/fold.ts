/**
 * Folding: where rows of a table are looked up and then multiplied with weights, the table is multiplied, and rows of the product are looked up. In a
 * program that does not train, the product of table and weights is the same in each run, so that it is made once: see `Program.prepared`. One that trains makes it
 * in each step, which takes less than products with all rows where the table has few: of letters, say.
 */
import type { Backend } from "../backend.ts";
import { apply } from "../ir/build/apply.ts";
import { gather } from "../ir/build/index.ts";
import { dot } from "../ir/build/linear.ts";
import { fixedNodes } from "../ir/fixed.ts";
import { ops } from "../ir/ops.ts";
import { mapGraph, type RewriteRule, rewrite } from "../ir/rewrite.ts";
import { type AnyNode, type Graph, isHeld, nodesOf, rootsOf, type Value } from "../ir/value.ts";
import { sizeOf } from "../tensor.ts";

/** How many numbers all tables of a program may have: 64 MB. */
const ROOM = 2 ** 24;

/** The most rows of a table that a program multiplies in each step. */
const FEW = 128;

const none = [[]];

/** Folds a lowered graph; in one that trains, small tables only. Whether it pays depends on the sizes of weights alone, so that no result depends on the batch. */
export function fold(graph: Graph, backend: Pick<Backend, "runs">): Graph {
  const trains = !graph.updates.every(({ value }) => isHeld(value.type));
  const fixed = fixedNodes(nodesOf(rootsOf(graph)));
  let room = ROOM;
  const rule: RewriteRule = (node, inputs) => {
    const [rows, weights, ...rest] = inputs;
    if (rows?.node.op !== "gather" || fixed.has(node) || !weights || !fixed.has(weights.node)) return undefined;
    const [table, ids] = rows.node.inputs as [Value, Value];
    const { batch, contract } = node.op === "dot" ? node.attrs : { batch: none, contract: [[2], [1]] };
    const last = `${rows.type.shape.length - 1}`;
    if (trains && (table.type.shape[0] as number) > FEW) return undefined;
    const fits = table.type.shape.length === 2 && batch[0].length === 0 && `${contract[0]}` === last;
    if (!(node.op === "dot" || ops[node.op].takesIds) || !fits || !fixed.has(table.node)) return undefined;
    const product = dot(table, weights, { contract: [[1], contract[1] as number[]] });
    const outputs = node.op === "dot" ? [gather(product, ids)] : apply(node.op, [ids, product, ...rest], node.attrs);
    const size = sizeOf(product.type.shape as number[]);
    if (size > room || !backend.runs(outputs[0]?.node as AnyNode)) return undefined;
    room -= size;
    fixed.add(product.node);
    return outputs;
  };
  return mapGraph(graph, (roots) => rewrite(roots, rule));
}
