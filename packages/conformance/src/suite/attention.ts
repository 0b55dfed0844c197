/** What PyTorch and Keras compute for attention: results, weights, and of PyTorch all gradients. */
import { additiveAttention, attention, input, model, type Symbolic } from "@ostinato/core";
import keras from "../golden/keras-attention.json" with { type: "json" };
import pytorch from "../golden/pytorch-attention.json" with { type: "json" };
import type { GoldenCase } from "./goldenCase.ts";
import { layerCase, type StoredCase } from "./layerCase.ts";

/** One case of a file. What Keras computes has no gradients. */
interface Stored extends StoredCase {
  readonly layer: string;
  readonly options: object;
}

/** A time axis of the query, and one of value and key; a causal layer has one for all. */
function timeOf(name: string, { options }: Stored): string {
  return name === "query" && !("useCausalMask" in options) ? "queryTime" : "valueTime";
}

function caseOf(name: string, stored: Stored): GoldenCase {
  const { layer, options, lengths, inputs } = stored;
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
  const { spec } = model(xs as Symbolic[], { output, scores });
  return layerCase(name, stored, spec, layer, { batch: 4, queryTime: 5, valueTime: 5 });
}

/** Every case of attention. */
export function attentionCases(): GoldenCase[] {
  const casesOf = (from: string, cases: readonly unknown[]): GoldenCase[] =>
    cases.map((stored, i) => caseOf(`${from} ${(stored as Stored).layer} ${i}`, stored as Stored));
  return [...casesOf("pytorch", pytorch.cases), ...casesOf("keras", keras.cases)];
}
