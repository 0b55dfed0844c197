/** The requirements of a model on its data, found in its graph. */
import { nodesOf, rootsOf, type ValueType } from "../ir/value.ts";
import { inferenceGraph } from "./build.ts";
import { type DataRules, rulesIn } from "./graph/rules.ts";
import type { ModelSpec } from "./spec.ts";

/**
 * The requirements of a model on the data of its inputs with a time axis, by input name: the number of ids, the padding value, and the least number of steps.
 *
 * @example
 * const { inputDim } = dataRules(trained.spec).ids; // compare it with the size of the vocabulary
 */
export function dataRules(spec: ModelSpec): Readonly<Record<string, DataRules>> {
  const nodes = nodesOf(rootsOf(inferenceGraph(spec)));
  const timed = new Set(spec.inputs.filter(({ kind }) => kind !== "features").map(({ name }) => name));
  return Object.fromEntries(
    nodes.flatMap((node) => {
      if (node.op !== "input" || node.attrs.kind !== "feed" || !timed.has(node.attrs.name)) return [];
      return [[node.attrs.name, rulesIn(nodes, { node, output: 0, type: node.outputs[0] as ValueType })]];
    }),
  );
}
