/** What a translator's model file carries beside weights and vocabulary: how long texts may be. */
import { type Described, takenAndGiven, takesText } from "@ostinato/classifier";
import { ConfigError, type Json, ModelFileError, type ModelSpec } from "@ostinato/core";
import { idCount, parseTranslatorVocabulary, type Side, sides, type TranslatorVocabulary } from "./vocabulary.ts";

/** What `translatorMetadata` writes, and a file tells. */
export interface TranslatorSettings {
  /** The most tokens that a text to translate may have: past the longest that training has seen, a network's answers are worth little. */
  readonly maxSourceLength: number;
  /** The most tokens of a translation: one that has not ended by then is cut. */
  readonly maxTargetLength: number;
}

/** The key in a file's metadata. */
const key = "translator";

/** What is wrong with settings; undefined where nothing is. */
function problemOf(settings: { [K in keyof TranslatorSettings]?: unknown }): string | undefined {
  for (const name of ["maxSourceLength", "maxTargetLength"] as const) {
    const length = settings[name];
    if (!(Number.isSafeInteger(length) && (length as number) >= 1))
      return `${name} must be a whole number from 1 on, got ${String(length).slice(0, 40)}`;
  }
  return undefined;
}

/**
 * The metadata that makes a saved model a translator: `translator` reads it. Twice the longest rows of training are good limits.
 *
 * @throws ConfigError for settings that cannot work
 *
 * @example
 * const metadata = translatorMetadata({ maxSourceLength: 50, maxTargetLength: 50 });
 * await saveModel("phones.safetensors", await trainer.snapshot({ vocabulary, metadata }));
 */
export function translatorMetadata(settings: TranslatorSettings): { [key: string]: Json } {
  const problem = problemOf(settings);
  if (problem !== undefined) throw new ConfigError(`translatorMetadata: ${problem}`);
  const { maxSourceLength, maxTargetLength } = settings;
  return { [key]: { maxSourceLength, maxTargetLength } };
}

/** What a translator's file tells of how texts go in and come out. */
export interface KnownTranslator {
  readonly settings: TranslatorSettings;
  readonly vocabulary: TranslatorVocabulary;
}

/** A model's settings and vocabulary. @throws ModelFileError where it carries none, or such as do not fit it */
export function translatorSettings({ spec, vocabulary, metadata }: Described): KnownTranslator {
  const kept = metadata?.[key];
  if (kept === undefined || vocabulary === undefined)
    throw new ModelFileError(
      `the model is not a translator: its file has no ${kept === undefined ? "limits of length" : "vocabulary"}; save it with trainer.snapshot({ vocabulary, metadata: translatorMetadata({ maxSourceLength, maxTargetLength }) })`,
    );
  const { maxSourceLength, maxTargetLength } = (typeof kept === "object" && kept !== null ? kept : {}) as Readonly<
    Record<string, unknown>
  >;
  const problem = problemOf({ maxSourceLength, maxTargetLength });
  if (problem !== undefined) throw new ModelFileError(`the model file is damaged: ${problem}`);
  const known = { settings: kept as never as TranslatorSettings, vocabulary: parseTranslatorVocabulary(vocabulary) };
  expectNetwork(spec, known.vocabulary);
  return known;
}

/** The inputs are ids of both sides, as many as the vocabulary has. What comes out is looked at when the model is cut into its halves. */
function expectNetwork(spec: ModelSpec, vocabulary: TranslatorVocabulary): void {
  for (const side of sides) {
    const input = spec.inputs.findIndex((each) => each.name === side && takesText(each));
    if (input < 0)
      throw new ModelFileError(
        `the model is no translator: it must take ids "source" and "target", and ${takenAndGiven(spec)}`,
      );
    expectIds(side, idCount(vocabulary[side]), idsOf(spec, input));
  }
}

/** @throws ModelFileError where a side of a model is for another number of ids than the vocabulary has */
export function expectIds(side: Side, ids: number, ofModel: readonly number[]): void {
  const other = ofModel.find((count) => count !== ids);
  if (other !== undefined)
    throw new ModelFileError(
      `the vocabulary does not fit the model: with 4 reserved ones its ${side} has ${ids} ids, and the model ${other}`,
    );
}

/** How many ids the layers take that read an input: all that have an `inputDim`, as embeddings do. */
function idsOf({ calls, layers }: ModelSpec, input: number): number[] {
  return calls
    .filter(({ sources }) => sources.some((source) => "input" in source && source.input === input))
    .map(({ layer }) => (layers[layer]?.config ?? {}) as { readonly inputDim?: unknown })
    .flatMap(({ inputDim }) => (typeof inputDim === "number" ? [inputDim] : []));
}
