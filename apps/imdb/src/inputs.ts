/** The inputs of the network, each with its vocabulary. */
import type { Vocabularies } from "@ostinato/classifier";
import type { Json } from "@ostinato/core";
import { type Vocabulary, vocabularyFromTexts, vocabularySize } from "@ostinato/text";
import { wordsInput } from "./ngram-network.ts";
import { type PresetName, presetOf } from "./presets.ts";

/** The words of the texts that the options leave, and of a preset with n-grams these, by the names of inputs. A network without n-grams has one, "input". */
export function vocabulariesOf(
  { preset, maxWords }: { readonly preset: PresetName; readonly maxWords: number },
  texts: readonly string[],
): Vocabularies {
  const { unknown, ngrams } = presetOf(preset);
  const words = vocabularyFromTexts(texts, { maxTokens: maxWords, unknown });
  if (ngrams === undefined) return { input: words };
  const { lengths, maxTokens, minCount } = ngrams;
  const grams = Object.entries(lengths).map(
    ([name, ngram]) => [name, vocabularyFromTexts(texts, { maxTokens, minCount, unknown, ngram })] as const,
  );
  return { [wordsInput]: words, ...Object.fromEntries(grams) };
}

/** What a model's file keeps of them: one alone as such. */
export function keptOf(vocabularies: Vocabularies): Json {
  const [first, ...others] = Object.values(vocabularies);
  return others.length === 0 ? (first as Vocabulary) : { ...vocabularies };
}

/** How many ids each has, by the names of inputs. */
export function sizesOf(vocabularies: Vocabularies): Record<string, number> {
  return Object.fromEntries(Object.entries(vocabularies).map(([name, each]) => [name, vocabularySize(each)]));
}
