/** Tokens in, tags out: `@ostinato/tagger`. */
export { type CrfDescription, type TaggerDescription, taggerDescription } from "./description.ts";
export { type TokenEmbeddingOptions, type TokenEmbeddings, tokenEmbeddings } from "./embeddings.ts";
export { type FeatureName, featureNames } from "./features.ts";
export {
  type KnownTaggerSettings,
  type TaggerOutput,
  type TaggerSettings,
  taggerMetadata,
  taggerSettings,
} from "./settings.ts";
export { type Tagger, type TaggerOptions, type Tagging, type TagOptions, tagger } from "./tagger.ts";
export { tokenize } from "./tokenize.ts";
export {
  type FeatureVocabulary,
  type TaggerVocabulary,
  type TaggerVocabularyOptions,
  type TokenEncoder,
  type TokenIds,
  taggerVocabulary,
  tokenEncoder,
  unknownId,
  unknownWordId,
  type WordIds,
  type WordVocabulary,
  wordVocabulary,
} from "./vocabulary.ts";
export { type WordDropoutOptions, wordDropout } from "./word-dropout.ts";
