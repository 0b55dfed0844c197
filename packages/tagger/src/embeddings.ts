/** The first layers of a tagger: an embedding for each feature of a token, side by side. */
import { concatenate, embedding, input, type Symbolic } from "@ostinato/core";
import { type FeatureName, featureNames } from "./features.ts";
import { type FeatureVocabulary, idCount } from "./vocabulary.ts";
import { wordDropout } from "./word-dropout.ts";

/** Options of `tokenEmbeddings`. */
export interface TokenEmbeddingOptions {
  /** Numbers that stand for a word. Default 100. */
  readonly word?: number;
  /** Numbers that stand for each of its prefixes and suffixes. Default 16. */
  readonly affix?: number;
  /** Numbers that stand for its shape. Default 8. */
  readonly shape?: number;
  /** The share of words that a training step hides, as `wordDropout` does. Default 0.05; 0 leaves the layer out. */
  readonly wordDropout?: number;
  /** The same for shapes: so a network learns to find names that are written without capitals. Default 0. */
  readonly shapeDropout?: number;
}

/** Inputs of a model, and what is made of them: vectors over time. */
export interface TokenEmbeddings {
  readonly inputs: readonly Symbolic<"ids">[];
  readonly output: Symbolic<"sequence">;
}

/**
 * The inputs of a tagger's network, one for each feature, and their embeddings side by side, [batch, time, word + 9 · affix + shape]. Steps past a sentence's end are masked.
 *
 * @example
 * const { inputs, output } = tokenEmbeddings(vocabulary);
 * const states = bidirectional(lstm({ units: 128, returnSequences: true }))(output);
 * const network = model(inputs, dense({ units: tags.length, activation: "softmax" })(states));
 */
export function tokenEmbeddings(vocabulary: FeatureVocabulary, options: TokenEmbeddingOptions = {}): TokenEmbeddings {
  const { word = 100, affix = 16, shape = 8 } = options;
  const hidden: { readonly [F in FeatureName]?: number } = {
    word: options.wordDropout ?? 0.05,
    shape: options.shapeDropout ?? 0,
  };
  const dimensions = (name: FeatureName): number => (name === "word" ? word : name === "shape" ? shape : affix);
  const inputs = featureNames.map((name) => input({ shape: ["time"], name }));
  const vectors = featureNames.map((name, i) => {
    const ids = inputs[i] as Symbolic<"ids">;
    const inputDim = idCount(vocabulary, name);
    const rate = hidden[name] ?? 0;
    const seen = rate > 0 ? wordDropout({ rate, inputDim })(ids) : ids;
    return embedding({ inputDim, outputDim: dimensions(name), maskZero: true, name: `${name}Embedding` })(seen);
  });
  return { inputs, output: concatenate()(vectors) };
}
