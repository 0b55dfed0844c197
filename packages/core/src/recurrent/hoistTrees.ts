/**
 * Hoisting for trees: the gradient of a constant is a sum of products, one a level, and most levels have few nodes. The operands are kept of all nodes
 * instead, and become one product after the op.
 */
import { apply, apply1 } from "../ir/build/apply.ts";
import { levelDims } from "../ir/forest.ts";
import type { OpName } from "../ir/ops.ts";
import { mapGraph, type Pass, rewrite, rewriteBody } from "../ir/rewrite.ts";
import { type AnyNode, type Dim, type Node, nodesOf, type Value } from "../ir/value.ts";
import { sizeOf } from "../tensor.ts";

/** A value after the op, from what is kept of all nodes. */
type Made = (kept: readonly Value[]) => Value;

/** Ops that give the same before and after a sum over levels. */
const linear: readonly OpName[] = ["add", "sub", "neg", "reshape", "transpose", "pad", "slice", "concat"];

/** The most numbers that are kept of a node for one operand. */
const WIDEST = 4096;

/** The outputs of a gradient without what became a product after it; undefined where nothing did. */
function hoistGradient(
  { inputs, attrs }: Node<"treeRecurGrad">,
  isRead: (output: number) => boolean,
): Value[] | undefined {
  const { body, states, slices, rows, arity } = attrs;
  const { level, children } = levelDims(inputs[0]?.type.shape[0] as Dim);
  const firstSum = states + slices + rows;
  const ofLevels = body.results.slice(states * (arity ?? 1) + slices + rows);
  const kept: Value[] = [];

  const isKept = ({ type: { dtype, shape } }: Value): boolean => {
    const [first, ...rest] = shape;
    const known = rest.filter((dim) => typeof dim === "number");
    const fits = known.length === rest.length && sizeOf(known) <= WIDEST;
    return dtype === "float32" && (first === level || first === children) && fits;
  };
  const keep = (value: Value): Made => {
    const found = kept.findIndex(({ node, output }) => node === value.node && output === value.output);
    const at = found >= 0 ? found : kept.push(value) - 1;
    return (all) => all[at] as Value;
  };
  /** A sum over the nodes of a level, as one over all nodes. */
  const overAll = ({ node }: Value): Made | undefined => {
    const { op, attrs: own } = node;
    const summed =
      op === "dot"
        ? own.batch[0].length === 0 && own.contract.every(([axis]) => axis === 0)
        : op === "sum" && own.axes.includes(0);
    if (!summed && !linear.includes(op)) return undefined;
    if (summed && !node.inputs.every(isKept)) return undefined;
    const parts = node.inputs.map(summed ? keep : overAll);
    if (parts.includes(undefined)) return undefined;
    return (all) =>
      apply1(
        op,
        (parts as Made[]).map((part) => part(all)),
        own as never,
      );
  };

  const later = new Map<number, Made>();
  ofLevels.forEach((value, i) => {
    if (!isRead(firstSum + i)) return;
    const before = kept.length;
    const made = overAll(value);
    if (made) later.set(i, made);
    else kept.length = before;
  });
  if (later.size === 0) return undefined;

  const rest = ofLevels.flatMap((value, i) => (isRead(firstSum + i) && !later.has(i) ? [{ value, i }] : []));
  const results = [...body.results.slice(0, -ofLevels.length), ...kept, ...rest.map(({ value }) => value)];
  const made = apply("treeRecurGrad", inputs, { ...attrs, body: { ...body, results }, rows: rows + kept.length });
  const outputs = made.slice(0, firstSum);
  const all = made.slice(firstSum, firstSum + kept.length);
  for (const [i, make] of later) outputs[firstSum + i] = make(all);
  rest.forEach(({ i }, k) => {
    outputs[firstSum + i] = made[firstSum + kept.length + k] as Value;
  });
  return outputs;
}

function hoistRoots(roots: readonly Value[]): Value[] {
  const read = new Map<AnyNode, Set<number>>();
  for (const { node, output } of [...roots, ...nodesOf(roots).flatMap(({ inputs }) => inputs)])
    read.set(node, (read.get(node) ?? new Set()).add(output));
  return rewrite(roots, (node, inputs) =>
    node.op === "treeRecurGrad"
      ? hoistGradient({ ...node, inputs }, (output) => read.get(node)?.has(output) === true)
      : rewriteBody(node, inputs, hoistRoots),
  );
}

/**
 * `graph` with the gradients of constants as products over all nodes of trees, where the gradient op adds up one a level. So with sums over the nodes of a level.
 */
export const hoistTrees: Pass = (graph) => mapGraph(graph, hoistRoots);
