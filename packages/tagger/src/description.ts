/** All that it takes to use a tagger in another runtime: plain JSON to lie beside its ONNX file. */
import type { Described } from "@ostinato/classifier";
import { inferenceGraph } from "@ostinato/core";
import { type FeatureName, featureNames } from "./features.ts";
import { taggerSettings } from "./settings.ts";
import type { TaggerVocabulary } from "./vocabulary.ts";

/** What `taggerDescription` tells. */
export interface TaggerDescription {
  /** The model's inputs: int32 ids [batch, time] each, 0 past the end of a sentence. */
  readonly inputs: readonly FeatureName[];
  /** The model's output: float32 [batch, time, tags]. */
  readonly output: string;
  readonly tags: readonly string[];
  readonly vocabulary: TaggerVocabulary;
}

/**
 * The description of a tagger for runtimes that know nothing of Ostinato; write it beside what `exportOnnx` gives, as JSON.
 *
 * @throws ModelFileError where the model is not a tagger
 */
export function taggerDescription(trained: Described): TaggerDescription {
  const { settings, vocabulary } = taggerSettings(trained);
  const [output = ""] = Object.keys(inferenceGraph(trained.spec).fetches);
  return { inputs: featureNames, output, tags: settings.tags, vocabulary };
}
