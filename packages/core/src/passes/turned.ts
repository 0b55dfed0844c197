/** Products of what is transposed read it as it lies: they go by strides, and a large operand is not written down once more. */
import { dot } from "../ir/build/linear.ts";
import { mapGraph, type RewriteRule, rewrite } from "../ir/rewrite.ts";
import type { Graph, Value } from "../ir/value.ts";

interface Operand {
  readonly value: Value;
  readonly contract: readonly number[];
  readonly batch: readonly number[];
}

const isRun = (axes: readonly number[]): boolean =>
  axes.every((axis, i) => i === 0 || axis === (axes[i - 1] as number) + 1);

/** The operand before it was transposed, if its groups of axes are in order there, too. */
function asItLies({ value, contract, batch }: Operand): Operand | undefined {
  const { node } = value;
  if (node.op !== "transpose") return undefined;
  const { permutation } = node.attrs;
  const before = (axes: readonly number[]): number[] => axes.map((axis) => permutation[axis] as number);
  const free = permutation.filter((_, axis) => !contract.includes(axis) && !batch.includes(axis));
  const [ownContract, ownBatch] = [before(contract), before(batch)];
  if (![ownContract, ownBatch, free].every(isRun)) return undefined;
  return { value: node.inputs[0] as Value, contract: ownContract, batch: ownBatch };
}

const readTurned: RewriteRule = (node, inputs) => {
  if (node.op !== "dot") return undefined;
  const { contract, batch } = node.attrs;
  const given = ([0, 1] as const).map((side) => ({
    value: inputs[side] as Value,
    contract: contract[side],
    batch: batch[side],
  }));
  const [a, b] = given.map((operand) => asItLies(operand) ?? operand) as [Operand, Operand];
  if (a === given[0] && b === given[1]) return undefined;
  return [dot(a.value, b.value, { contract: [a.contract, b.contract], batch: [a.batch, b.batch] })];
};

/** A pass for graphs that are not differentiated any more. */
export function turned(graph: Graph): Graph {
  return mapGraph(graph, (roots) => rewrite(roots, readTurned));
}
