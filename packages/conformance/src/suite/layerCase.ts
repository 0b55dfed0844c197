/** A golden case of a layer: its results, and the gradients of all that goes in, weights too. */
import {
  feed,
  gradients,
  inferenceGraph,
  int32,
  type ModelSpec,
  nodesOf,
  substitute,
  type Tensor,
  type Tensors,
  type Value,
} from "@ostinato/core";
import { feedsOf, type GoldenCase, type GoldenTensor, plain, single } from "./goldenCase.ts";

export type Named = Readonly<Record<string, GoldenTensor>>;

/** One case of a file. */
export interface StoredCase {
  /** By the name of the input. */
  readonly lengths: Readonly<Record<string, readonly number[]>>;
  readonly inputs: Named;
  readonly weights: Named;
  readonly results: Named;
  /** Of the results; absent where there are no gradients. */
  readonly cotangents?: Named;
  readonly gradients?: Named;
}

/** How a weight is stored, as ours, and its gradient with it. */
export type WeightOf = (name: string, stored: GoldenTensor) => Tensor;

/** The case of a model with one layer, called `layer`, whose outputs are called as the results. */
export function layerCase(
  name: string,
  stored: StoredCase,
  spec: ModelSpec,
  layer: string,
  capacities: Readonly<Record<string, number>>,
  weightOf: WeightOf = (_, tensor) => plain(tensor),
): GoldenCase {
  const { lengths, inputs, results } = stored;
  const tensorsOf = (named: Named, called: (of: string) => string): Record<string, Tensor> =>
    Object.fromEntries(Object.entries(named).map(([of, tensor]) => [called(of), weightOf(of, tensor)]));
  const { fetches } = inferenceGraph(spec);
  const wanted = Object.keys(results).map((result) => fetches[result]);

  // Weights are fed as everything else is.
  const weights = tensorsOf(stored.weights, (of) => `${layer}/${of}`);
  const fed = feedsOf(weights);
  const nodes = nodesOf(wanted).filter((node) => node.op === "input");
  const own = nodes.map((node): Value => ({ node, output: 0, type: node.outputs[0] }));
  const replaced = own.map((value, i) => fed[nodes[i].attrs.name] ?? value);
  const values = substitute(wanted, own, replaced);
  const byName = (of: string): Value => replaced[nodes.findIndex(({ attrs }) => attrs.name === of)];

  const cotangents = tensorsOf(stored.cotangents ?? {}, (of) => `cotangent ${of}`);
  const seeds = Object.keys(cotangents).map((of, i) => {
    return { value: values[i], cotangent: feed(of, "float32", values[i].type.shape) };
  });
  const nameOf = (of: string): string => (of in inputs ? of : `${layer}/${of}`);
  const expectedGradients = tensorsOf(stored.gradients ?? {}, (of) => `d ${nameOf(of)}`);
  const wrt = Object.keys(stored.gradients ?? {}).map(nameOf);
  const found = seeds.length > 0 ? gradients(seeds, wrt.map(byName)) : [];
  return {
    name,
    fetches: {
      ...Object.fromEntries(Object.keys(results).map((result, i) => [result, values[i]])),
      ...Object.fromEntries(wrt.map((of, i) => [`d ${of}`, found[i]])),
    },
    feeds: single({
      ...tensorsOf(inputs, (of) => of),
      ...weights,
      ...cotangents,
      ...(Object.fromEntries(
        Object.entries(lengths).map(([of, rows]) => [`${of}/lengths`, int32([rows.length], rows)]),
      ) as Tensors),
    }),
    capacities,
    expected: { ...tensorsOf(results, (of) => of), ...expectedGradients },
  };
}
