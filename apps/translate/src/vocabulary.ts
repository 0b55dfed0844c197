/** The vocabularies of both sides: their options, and how they are made of the texts to train with. */
import { UsageError } from "@ostinato/app";
import type { parallelPairs } from "@ostinato/datasets";
import {
  type SideOptions,
  type TokenKind,
  type TranslatorVocabulary,
  translatorVocabulary,
} from "@ostinato/translator";
import { type TokenChoice, tokenKindOf } from "./data.ts";

/** How texts become tokens. */
export interface TokenOptions {
  readonly sourceTokens: TokenChoice;
  readonly targetTokens: TokenChoice;
  readonly lowercase: boolean;
  /** Of both sides; subwords are one vocabulary for both. */
  readonly tokens?: TokenKind;
  /** The most tokens that have an id. */
  readonly vocabularySize?: number;
  /** How often a token must occur to have an id. */
  readonly minCount: number;
}

/** Texts and what they become, one beside the other. */
export type Pairs = ReturnType<typeof parallelPairs>;

/** Ids of every vocabulary of subwords. */
const fixedSubwords = 260;

/** Throws `UsageError` for fewer subwords than every vocabulary has. */
export function vocabularyOf(options: TokenOptions, pairs: Pairs): TranslatorVocabulary {
  const { lowercase, tokens, vocabularySize } = options;
  const side = (choice: TokenChoice, texts: readonly string[], small: boolean): SideOptions => {
    const kind = tokenKindOf(choice, texts);
    const isSubwords = kind === "subwords";
    if (isSubwords && vocabularySize !== undefined && vocabularySize <= fixedSubwords)
      throw new UsageError(
        `--vocabulary-size must be above ${fixedSubwords} for subwords: 4 ids are reserved, and 256 are those of bytes`,
      );
    return {
      tokens: kind,
      lowercase: small,
      minCount: isSubwords ? Math.max(2, options.minCount) : options.minCount,
      ...(vocabularySize === undefined ? {} : { maxTokens: vocabularySize }),
    };
  };
  if (tokens === "subwords") return translatorVocabulary(pairs, { shared: side(tokens, [], lowercase) });
  return translatorVocabulary(pairs, {
    source: side(tokens ?? options.sourceTokens, pairs.sources, lowercase),
    target: side(tokens ?? options.targetTokens, pairs.targets, false),
  });
}
