/** All that it takes to use a model in another runtime: plain JSON to lie beside its ONNX file. */
import { inferenceGraph, type Trained } from "@ostinato/core";
import type { SequenceEnd, Vocabulary } from "@ostinato/text";
import { classifierSettings, type Vocabularies } from "./settings.ts";

/** What `classifierDescription` tells. */
export interface ClassifierDescription {
  /** The model's first input: ids [batch, time] of `vocabulary`, int32, or int64 if exported with `tokenType: "int64"`. */
  readonly input: string;
  /** The model's output: float32 probabilities [batch, units], one for each label, or one alone, that of the second label. */
  readonly output: string;
  readonly labels: readonly string[];
  readonly maxLength: number;
  readonly truncating: SequenceEnd;
  /** Where zeros fill every row up to `maxLength`; `null`: behind, up to the longest row of the batch. */
  readonly padding: SequenceEnd | null;
  readonly vocabulary: Vocabulary;
  /** The vocabularies of the other inputs, by their names; each has ids of the same texts, in rows of the same kind. Left out where there are none. */
  readonly others?: Vocabularies;
}

/**
 * The description of a classifier for runtimes that know nothing of Ostinato; write it beside what `exportOnnx` gives, as JSON.
 *
 * @throws ModelFileError where the model is not a text classifier
 */
export function classifierDescription(trained: Trained): ClassifierDescription {
  const { settings, vocabulary, vocabularies } = classifierSettings(trained);
  const { labels, maxLength, truncating, padding = null } = settings;
  const [output = ""] = Object.keys(inferenceGraph(trained.spec).fetches);
  const [input = "", ...names] = trained.spec.inputs.map(({ name }) => name);
  const others = Object.fromEntries(names.map((name) => [name, vocabularies[name] as Vocabulary]));
  const description = { input, output, labels, maxLength, truncating, padding, vocabulary };
  return names.length === 0 ? description : { ...description, others };
}
