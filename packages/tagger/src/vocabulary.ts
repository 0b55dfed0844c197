/** The ids of what the network reads of tokens: plain data that a model file carries. */
import { ConfigError, ModelFileError } from "@ostinato/core";
import { byFeature, type FeatureName, featureNames, features } from "./features.ts";

/** The texts of each feature that have an id of their own: `values.word[i]` has the id `i + 2`, most frequent first; 0 is padding, 1 any other text. */
export type FeatureVocabulary = {
  readonly version: 1;
  readonly values: { readonly [F in FeatureName]: readonly string[] };
};

/** The vocabulary of a network that reads only words, such as one from another library: `values.word[i]` has the id `reserved.length + i`. */
export type WordVocabulary = {
  readonly version: 2;
  readonly values: { readonly word: readonly string[] };
  /** Whether tokens are lowercased for the lookup. */
  readonly lower: boolean;
  /** The names of the ids before the first word; 0 is padding. */
  readonly reserved: readonly string[];
  /** The id of unknown tokens. */
  readonly unknownId: number;
};

/** The ids that a network reads for tokens. */
export type TaggerVocabulary = FeatureVocabulary | WordVocabulary;

/** Options of `taggerVocabulary`. */
export interface TaggerVocabularyOptions {
  /** How often the text of a feature must occur to have an id. Default 2 for words and 3 for all else: so there are rare ones to learn the unknown from. */
  readonly minCount?: { readonly [F in FeatureName]?: number };
}

/** Ids below stand for no text: padding and all unknown ones. */
const reserved = 2;
/** The id of texts that the vocabulary does not hold. */
export const unknownId = 1;

/** The id of tokens that are not in the vocabulary. */
export const unknownWordId = (vocabulary: TaggerVocabulary): number =>
  vocabulary.version === 1 ? unknownId : vocabulary.unknownId;

/** How many ids a feature has: the `inputDim` of its embedding. */
export function idCount({ values }: FeatureVocabulary, feature: FeatureName): number {
  return reserved + values[feature].length;
}

/** The names of the inputs of a network with this vocabulary. */
export const inputsOf = ({ version }: TaggerVocabulary): readonly FeatureName[] =>
  version === 1 ? featureNames : ["word"];

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
): FeatureVocabulary {
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

/**
 * The vocabulary of a network that reads only words. Its input must be named "word" and accept padding at the end: see `WordVocabulary`.
 *
 * @throws ConfigError for duplicate words, and for an unknown id that is not a reserved id
 *
 * @example
 * const vocabulary = wordVocabulary({ reserved: ["<pad>", "<unk>"], unknownId: 1, lower: true, words: ["the", "cat"] });
 */
export function wordVocabulary(
  options: Omit<WordVocabulary, "version" | "values"> & { readonly words: readonly string[] },
): WordVocabulary {
  const { words, lower, reserved: names, unknownId: unknown } = options;
  const vocabulary = { version: 2, values: { word: words }, lower, reserved: names, unknownId: unknown } as const;
  const problem = wordsProblem(vocabulary);
  if (problem !== undefined) throw new ConfigError(`wordVocabulary: it ${problem}`);
  return vocabulary;
}

const isTexts = (list: unknown): list is readonly string[] =>
  Array.isArray(list) && list.every((value) => typeof value === "string");

/** The problem with a list; undefined if there is none. */
function listProblem(list: unknown, name: string): string | undefined {
  if (!isTexts(list)) return `has no list of strings for "${name}"`;
  return new Set(list).size < list.length ? `has a duplicate string for "${name}"` : undefined;
}

function wordsProblem(data: Readonly<Record<string, unknown>>): string | undefined {
  const { values, lower, reserved: names, unknownId: unknown } = data;
  if (typeof lower !== "boolean") return "does not specify whether tokens are lowercased";
  if (!isTexts(names) || names.length === 0) return "has no names of reserved ids; id 0 is padding";
  if (!Number.isInteger(unknown) || names[unknown as number] === undefined)
    return `must have an id of unknown words below ${names.length}, got ${String(unknown).slice(0, 20)}`;
  return listProblem((values as Readonly<Record<string, unknown>> | null)?.word, "word");
}

/** Reads a vocabulary from a model file. @throws ModelFileError for anything else */
export function parseTaggerVocabulary(data: unknown): TaggerVocabulary {
  const damaged = (what: string) => new ModelFileError(`the model file is damaged: its vocabulary ${what}`);
  if (typeof data !== "object" || data === null || !("values" in data) || !("version" in data))
    throw damaged("is not that of a tagger");
  const { version, values } = data as { readonly version: unknown; readonly values: Record<string, unknown> | null };
  if (version !== 1 && version !== 2)
    throw damaged(`has version ${String(version).slice(0, 20)}, but only versions 1 and 2 are supported`);
  const problem =
    version === 2
      ? wordsProblem(data as Record<string, unknown>)
      : featureNames.map((name) => listProblem(values?.[name], name)).find((each) => each !== undefined);
  if (problem !== undefined) throw damaged(problem);
  return data as TaggerVocabulary;
}

/** Rows of ids, one for each sentence, for every input of a tagger's network. */
export type TokenIds = { readonly [F in FeatureName]: number[][] };

/** The same for a network that may read only words. */
export type WordIds = { readonly word: number[][] } & { readonly [F in FeatureName]?: number[][] };

/** Makes the rows of sentences. */
export type TokenEncoder<Ids = TokenIds> = (sentences: Iterable<readonly string[]>) => Ids;

/** The ids that a network reads for a token, in the order of its inputs. */
function lookup(vocabulary: TaggerVocabulary): (token: string) => number[] {
  if (vocabulary.version === 2) {
    const { values, lower, reserved: names, unknownId: unknown } = vocabulary;
    const ids = new Map(values.word.map((word, i) => [word, i + names.length]));
    return (token) => [ids.get(lower ? token.toLowerCase() : token) ?? unknown];
  }
  const { values } = vocabulary;
  const ids = featureNames.map((name) => new Map(values[name].map((value, i) => [value, i + reserved])));
  return (token) => featureNames.map((name, feature) => ids[feature]?.get(features[name].of(token)) ?? unknownId);
}

/**
 * The encoder of a vocabulary, for training and for every use afterwards. It looks at each different token of a call once.
 *
 * @example
 * const encode = tokenEncoder(vocabulary);
 * await trainer.fit({ x: encode(tokens), y: tags });
 */
export function tokenEncoder(vocabulary: FeatureVocabulary): TokenEncoder;
export function tokenEncoder(vocabulary: TaggerVocabulary): TokenEncoder<WordIds>;
export function tokenEncoder(vocabulary: TaggerVocabulary): TokenEncoder<WordIds> {
  const [encode, names] = [lookup(vocabulary), inputsOf(vocabulary)];
  return (sentences) => {
    const known = new Map<string, number[]>();
    const rows = names.map((): number[][] => []);
    for (const sentence of sentences) {
      const encoded = sentence.map((token) => {
        const found = known.get(token) ?? encode(token);
        known.set(token, found);
        return found;
      });
      for (const [feature, all] of rows.entries()) all.push(encoded.map((each) => each[feature] as number));
    }
    return Object.fromEntries(names.map((name, i) => [name, rows[i]])) as WordIds;
  };
}
