/** What a model asks of its data, whatever its layers are: it is found in the graph. */
import { nodesOf, rootsOf, type ValueType } from "../ir/value.ts";
import { inferenceGraph } from "./build.ts";
import { type DataRules, rulesIn } from "./graph/rules.ts";
import type { ModelSpec } from "./spec.ts";

/**
 * What a model asks of the data of its inputs over time, by their names: how many ids they may hold, and what padding is.
 *
 * @example
 * const { inputDim } = dataRules(trained.spec).ids; // is it as many as the vocabulary has?
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
