/** What a tagger's model file carries beside weights and vocabulary: its tags, and how they come of the network's output. */

import { type Described, takenAndGiven, takesText } from "@ostinato/classifier";
import { ConfigError, inferenceGraph, type Json, ModelFileError, type ModelSpec } from "@ostinato/core";
import { inputsOf, parseTaggerVocabulary, type TaggerVocabulary } from "./vocabulary.ts";

/** What `taggerMetadata` writes, and a file tells. */
export interface TaggerSettings {
  /** The tags in the order of the network's units. */
  readonly tags: readonly string[];
  /**
   * What the units are: of `"softmax"` probabilities, of which the largest counts; of `"crf"` those of a network that was trained with the loss `crf`, which finds the
   * best path. Default `"softmax"`.
   */
  readonly output?: TaggerOutput;
  /**
   * How much less likely `O` is made before tags are chosen: its probability counts exp(-outsideBias) times, of a CRF its unit is less by as much. Above 0 more spans are found, and
   * more wrong ones among them; choose it by sentences that training has not seen. Default 0.
   */
  readonly outsideBias?: number;
}

export const taggerOutputs = ["softmax", "crf"] as const;
/** What a tagger's network ends in. */
export type TaggerOutput = (typeof taggerOutputs)[number];

/** Settings that are checked and whole. */
export type KnownTaggerSettings = Required<TaggerSettings>;

/** The key in a file's metadata. */
const key = "tagger";

/** What is wrong with settings; undefined where nothing is. */
function problemOf({ tags, output, outsideBias }: { [K in keyof TaggerSettings]?: unknown }): string | undefined {
  if (!Array.isArray(tags) || tags.length < 2 || !tags.every((tag) => typeof tag === "string" && tag !== ""))
    return "tags must be a list of two texts or more";
  if (new Set(tags).size < tags.length) return "tags must be different texts";
  if (output !== undefined && !taggerOutputs.some((each) => each === output))
    return 'output must be "softmax" or "crf"';
  if (outsideBias !== undefined && !Number.isFinite(outsideBias)) return "outsideBias must be a finite number";
  return undefined;
}

/**
 * The metadata that makes a saved model a tagger: `tagger` reads it.
 *
 * @throws ConfigError for settings that cannot work
 *
 * @example
 * const metadata = taggerMetadata({ tags: ["O", "B-person", "I-person"] });
 * await saveModel("names.safetensors", await trainer.snapshot({ vocabulary, metadata }));
 */
export function taggerMetadata(settings: TaggerSettings): { [key: string]: Json } {
  const problem = problemOf(settings);
  if (problem !== undefined) throw new ConfigError(`taggerMetadata: ${problem}`);
  const { tags, output = "softmax", outsideBias = 0 } = settings;
  return { [key]: { tags: [...tags], output, outsideBias } };
}

/** A model's settings and vocabulary. @throws ModelFileError where it carries none, or such as do not fit it */
export function taggerSettings({ spec, vocabulary, metadata }: Described): {
  readonly settings: KnownTaggerSettings;
  readonly vocabulary: TaggerVocabulary;
} {
  const kept = metadata?.[key];
  if (kept === undefined || vocabulary === undefined)
    throw new ModelFileError(
      `the model is not a tagger: its file has no ${kept === undefined ? "tags" : "vocabulary"}; save it with trainer.snapshot({ vocabulary, metadata: taggerMetadata({ tags }) })`,
    );
  const { tags, output, outsideBias } = (typeof kept === "object" && kept !== null ? kept : {}) as Readonly<
    Record<string, unknown>
  >;
  const problem = problemOf({ tags, output, outsideBias });
  if (problem !== undefined) throw new ModelFileError(`the model file is damaged: ${problem}`);
  const settings = { output: "softmax", outsideBias: 0, ...(kept as object) } as KnownTaggerSettings;
  const known = parseTaggerVocabulary(vocabulary);
  expectNetwork(spec, inputsOf(known), settings.tags.length);
  return { settings, vocabulary: known };
}

/** The inputs must be those of `tokenEmbeddings`, or only the words, and each token gets one number per tag. */
function expectNetwork(spec: ModelSpec, wanted: readonly string[], tags: number): void {
  const [first, ...others] = Object.values(inferenceGraph(spec).fetches);
  const shape = first && "shape" in first.type ? first.type.shape : [];
  const inputs = spec.inputs.map(({ name }) => name).join();
  const areIds = spec.inputs.every(takesText);
  if (others.length === 0 && inputs === wanted.join() && areIds && shape.length === 3 && shape[2] === tags) return;
  throw new ModelFileError(
    `the model is not a tagger of ${tags} tags: it must take ${wanted.length === 1 ? `ids of words, the input "${wanted[0]}",` : "the inputs of tokenEmbeddings"} and end in ${tags} units for each token; ${takenAndGiven(spec)}`,
  );
}
