/** Reverse mode, graph to graph: one walk from the results back to what they depend on. */
import { UnsupportedOpError } from "../errors.ts";
import { add } from "../ir/build/elementwise.ts";
import { full } from "../ir/build/source.ts";
import { isComposite, type OpName, ops } from "../ir/ops.ts";
import { type AnyNode, type Node, nodesOf, type Value } from "../ir/value.ts";
import { type GradientRule, gradientRules } from "./rules.ts";

/** A result and the cotangent that flows into it, of the same type. */
export interface Seed {
  readonly value: Value;
  readonly cotangent: Value;
}

function applyRule<O extends OpName>(
  node: Node<O>,
  cotangents: readonly (Value | undefined)[],
  needs: readonly boolean[],
): (Value | undefined)[] {
  const rule = gradientRules[node.op] as GradientRule<O>;
  return rule(node, cotangents, { needs, gradients });
}

/**
 * The gradients of `seeds` with respect to each value of `wrt`, as graph values: the sum over all paths of cotangent times derivative.
 * Where nothing depends on a value its gradient is zeros.
 *
 * @example gradients([{ value: loss, cotangent: constant(1) }], [weights])
 */
export function gradients(seeds: readonly Seed[], wrt: readonly Value[]): Value[] {
  const nodes = nodesOf(seeds.map((seed) => seed.value));
  const active = new Set<AnyNode>(wrt.map((value) => value.node));
  for (const node of nodes) if (node.inputs.some((input) => active.has(input.node))) active.add(node);

  const cotangents = new Map<AnyNode, (Value | undefined)[]>();
  const accumulate = (value: Value, cotangent: Value): void => {
    const outputs = cotangents.get(value.node) ?? value.node.outputs.map(() => undefined);
    const known = outputs[value.output];
    outputs[value.output] = known ? add(known, cotangent) : cotangent;
    cotangents.set(value.node, outputs);
  };
  for (const { value, cotangent } of seeds) accumulate(value, cotangent);

  for (const node of nodes.toReversed()) {
    const outputs = cotangents.get(node);
    const needs = node.inputs.map((input) => active.has(input.node) && input.type.dtype === "float32");
    if (!outputs || !needs.includes(true)) continue;
    if (ops[node.op].gradientOf) {
      const wayOut = isComposite(node.op) ? "; lower the graph first, its decomposition has one" : "";
      throw new UnsupportedOpError(`${node.op} has no gradient of its own${wayOut}`);
    }
    applyRule(node, outputs, needs).forEach((cotangent, i) => {
      if (cotangent && needs[i]) accumulate(node.inputs[i] as Value, cotangent);
    });
  }
  return wrt.map((value) => cotangents.get(value.node)?.[value.output] ?? full(0, value.type.shape));
}
