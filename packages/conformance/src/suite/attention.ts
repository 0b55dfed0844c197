/** What PyTorch and Keras compute for attention: results, weights, and of PyTorch all gradients. */
import {
  additiveAttention,
  attention,
  feed,
  gradients,
  inferenceGraph,
  input,
  int32,
  model,
  nodesOf,
  type Symbolic,
  substitute,
  type Tensor,
  type Tensors,
  type Value,
} from "@ostinato/core";
import keras from "../golden/keras-attention.json" with { type: "json" };
import pytorch from "../golden/pytorch-attention.json" with { type: "json" };
import { feedsOf, type GoldenCase, type GoldenTensor, plain, single } from "./goldenCase.ts";

type Named = Readonly<Record<string, GoldenTensor>>;

/** One case of a file. What Keras computes has no gradients. */
interface Stored {
  readonly layer: string;
  readonly options: object;
  readonly lengths: Readonly<Record<string, readonly number[]>>;
  readonly inputs: Named;
  readonly weights: Named;
  readonly results: Named;
  readonly cotangents?: Named;
  readonly gradients?: Named;
}

const tensorsOf = (named: Named, prefix = ""): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(named).map(([name, tensor]) => [`${prefix}${name}`, plain(tensor)]));

/** A time axis of the query, and one of value and key; a causal layer has one for all. */
function timeOf(name: string, { options }: Stored): string {
  return name === "query" && !("useCausalMask" in options) ? "queryTime" : "valueTime";
}

function caseOf(name: string, stored: Stored): GoldenCase {
  const { layer, options, lengths, inputs, results } = stored;
  const made = (layer === "attention" ? attention : additiveAttention)({
    ...options,
    name: layer,
    returnAttentionScores: true,
  });
  const xs = Object.entries(inputs).map(([name, { shape }]) =>
    shape.length === 2
      ? input({ name, shape: [shape[1]] })
      : input({ name, shape: [timeOf(name, stored), shape[2]], lengths: name in lengths }),
  );
  const [output, scores] = made(xs as unknown as Parameters<typeof made>[0]);
  const { fetches } = inferenceGraph(model(xs as Symbolic[], { output, scores }).spec);
  const wanted = Object.keys(results).map((result) => fetches[result]);

  // Weights are fed as everything else is.
  const weights = tensorsOf(stored.weights, `${layer}/`);
  const fed = feedsOf(weights);
  const nodes = nodesOf(wanted).filter((node) => node.op === "input");
  const own = nodes.map((node): Value => ({ node, output: 0, type: node.outputs[0] }));
  const replaced = own.map((value, i) => fed[nodes[i].attrs.name] ?? value);
  const values = substitute(wanted, own, replaced);
  const byName = (of: string): Value => replaced[nodes.findIndex(({ attrs }) => attrs.name === of)];

  const cotangents = tensorsOf(stored.cotangents ?? {}, "cotangent ");
  const seeds = Object.keys(cotangents).map((name, i) => {
    return { value: values[i], cotangent: feed(name, "float32", values[i].type.shape) };
  });
  const wrt = Object.keys(stored.gradients ?? {}).map((of) => (of in inputs ? of : `${layer}/${of}`));
  const found = seeds.length > 0 ? gradients(seeds, wrt.map(byName)) : [];
  const expectedGradients = Object.values(stored.gradients ?? {}).map((tensor, i) => [`d ${wrt[i]}`, plain(tensor)]);
  return {
    name,
    fetches: {
      ...Object.fromEntries(Object.keys(results).map((result, i) => [result, values[i]])),
      ...Object.fromEntries(wrt.map((of, i) => [`d ${of}`, found[i]])),
    },
    feeds: single({
      ...tensorsOf(inputs),
      ...weights,
      ...cotangents,
      ...(Object.fromEntries(
        Object.entries(lengths).map(([of, own]) => [`${of}/lengths`, int32([own.length], own)]),
      ) as Tensors),
    }),
    capacities: { batch: 4, queryTime: 5, valueTime: 5 },
    expected: { ...tensorsOf(results), ...Object.fromEntries(expectedGradients) },
  };
}

/** Every case of attention. */
export function attentionCases(): GoldenCase[] {
  const casesOf = (from: string, cases: readonly unknown[]): GoldenCase[] =>
    cases.map((stored, i) => caseOf(`${from} ${(stored as Stored).layer} ${i}`, stored as Stored));
  return [...casesOf("pytorch", pytorch.cases), ...casesOf("keras", keras.cases)];
}
