/** The ids of what the network reads of tokens: plain data that a model file carries. */
import { ConfigError, ModelFileError } from "@ostinato/core";
import { byFeature, type FeatureName, featureNames, features } from "./features.ts";

/** The texts of each feature that have an id of their own: `values.word[i]` has the id `i + 2`, most frequent first; 0 is padding, 1 any other text. */
export type TaggerVocabulary = {
  readonly version: 1;
  readonly values: { readonly [F in FeatureName]: readonly string[] };
};

/** Options of `taggerVocabulary`. */
export interface TaggerVocabularyOptions {
  /** How often the text of a feature must occur to have an id. Default 2 for words and 3 for all else: so there are rare ones to learn the unknown from. */
  readonly minCount?: { readonly [F in FeatureName]?: number };
}

/** Ids below stand for no text: padding and all unknown ones. */
const reserved = 2;
/** The id of texts that the vocabulary does not hold. */
export const unknownId = 1;

/** How many ids a feature has: the `inputDim` of its embedding. */
export function idCount({ values }: TaggerVocabulary, feature: FeatureName): number {
  return reserved + values[feature].length;
}

/**
 * The vocabulary of a tagger from the tokens of its training sentences; ties keep first-seen order.
 *
 * @throws ConfigError for counts that cannot work
 *
 * @example
 * const vocabulary = taggerVocabulary([["The", "cat", "sat"], ["the", "dog"]]);
 * vocabulary.values.word; // ["the"]: the only word that occurs twice
 */
export function taggerVocabulary(
  sentences: Iterable<readonly string[]>,
  { minCount = {} }: TaggerVocabularyOptions = {},
): TaggerVocabulary {
  const tokens = new Map<string, number>();
  for (const sentence of sentences) for (const token of sentence) tokens.set(token, (tokens.get(token) ?? 0) + 1);
  const values = byFeature((name) => {
    const least = minCount[name] ?? features[name].minCount;
    if (!(Number.isSafeInteger(least) && least >= 1))
      throw new ConfigError(`taggerVocabulary: minCount.${name} must be a whole number from 1 on, got ${least}`);
    const counts = new Map<string, number>();
    for (const [token, count] of tokens) {
      const value = features[name].of(token);
      counts.set(value, (counts.get(value) ?? 0) + count);
    }
    const kept = [...counts].filter(([, count]) => count >= least).sort(([, a], [, b]) => b - a);
    return kept.map(([value]) => value);
  });
  return { version: 1, values };
}

/** Reads a vocabulary from a model file. @throws ModelFileError for anything else */
export function parseTaggerVocabulary(data: unknown): TaggerVocabulary {
  const damaged = (what: string) => new ModelFileError(`the model file is damaged: its vocabulary ${what}`);
  if (typeof data !== "object" || data === null || !("values" in data) || !("version" in data))
    throw damaged("is not that of a tagger");
  if (data.version !== 1)
    throw damaged(`has version ${String(data.version).slice(0, 20)}, and this program reads version 1`);
  const values = data.values as Readonly<Record<string, unknown>> | null;
  for (const name of featureNames) {
    const list = values?.[name];
    if (!Array.isArray(list) || !list.every((value) => typeof value === "string"))
      throw damaged(`has no list of texts for "${name}"`);
    if (new Set(list).size < list.length) throw damaged(`has a text twice for "${name}"`);
  }
  return data as TaggerVocabulary;
}

/** Rows of ids, one for each sentence, for every input of a tagger's network. */
export type TokenIds = { readonly [F in FeatureName]: number[][] };

/** Makes the rows of sentences. */
export type TokenEncoder = (sentences: Iterable<readonly string[]>) => TokenIds;

/**
 * The encoder of a vocabulary, for training and for every use afterwards. It looks at each different token of a call once.
 *
 * @example
 * const encode = tokenEncoder(vocabulary);
 * await trainer.fit({ x: encode(tokens), y: tags });
 */
export function tokenEncoder({ values }: TaggerVocabulary): TokenEncoder {
  const ids = featureNames.map((name) => new Map(values[name].map((value, i) => [value, i + reserved])));
  const encode = (token: string): number[] =>
    featureNames.map((name, feature) => ids[feature]?.get(features[name].of(token)) ?? unknownId);
  return (sentences) => {
    const known = new Map<string, number[]>();
    const rows = byFeature((): number[][] => []);
    for (const sentence of sentences) {
      const encoded = sentence.map((token) => {
        const found = known.get(token) ?? encode(token);
        known.set(token, found);
        return found;
      });
      for (const [feature, name] of featureNames.entries())
        rows[name].push(encoded.map((each) => each[feature] as number));
    }
    return rows;
  };
}
