/** Tokenizers, vocabularies, padding, label encoding, error rates and scores of translations for sequence models. No dependencies. */
export { countEdits, type EditOperation, type Edits, editOperations } from "./edit-distance.ts";
export { type EmbeddingsOptions, parseEmbeddings, type WordVectors } from "./embeddings.ts";
export {
  type Confusion,
  confusions,
  type ErrorRates,
  errorRates,
  type NearestReference,
  nearestReference,
} from "./error-rate.ts";
export { TextDataError, TextError, TextOptionError, UnknownIdError, UnknownLabelError } from "./errors.ts";
export {
  decodeLabels,
  encodeLabels,
  type Label,
  type LabelEncoder,
  labelEncoder,
  parseLabelEncoder,
} from "./label-encoder.ts";
export { type TextPieces, textLines } from "./lines.ts";
export {
  type PaddedFloat32,
  type PaddedInt32,
  type PaddedNumbers,
  type PaddedVectors,
  type PaddingOptions,
  padSequences,
  type SequenceEnd,
} from "./pad-sequences.ts";
export { areSpanTags, type Span, type SpanReport, type SpanScores, spanReport, tagSpans } from "./spans.ts";
export type { SubwordEncoding } from "./subwords/dropout.ts";
export { parseSubwords, subwordsFromFile } from "./subwords/file.ts";
export type {
  AddedToken,
  Decoder,
  Normalizer,
  PreTokenizer,
  SubwordModel,
  Subwords,
  UnicodeForm,
} from "./subwords/format.ts";
export { type SubwordOptions, subwordsFromTexts } from "./subwords/learned.ts";
export {
  decodeSubwords,
  encodeSubwords,
  encodeSubwordTexts,
  idSubword,
  normalizeForSubwords,
  subwordCount,
  subwordId,
} from "./subwords/subwords.ts";
export {
  adapt,
  type TextVectorization,
  type TextVectorizationOptions,
  textVectorization,
  type VectorizationOutput,
  vectorizeTexts,
} from "./text-vectorization.ts";
export { parseTextVectorization } from "./text-vectorization-data.ts";
export {
  fitOnTexts,
  sequencesToTexts,
  type Tokenizer,
  type TokenizerOptions,
  type TokenizerSettings,
  type TokenizerText,
  textsToSequences,
  tokenizer,
} from "./tokenizer.ts";
export { tokenizerFromJson, tokenizerToJson } from "./tokenizer-json.ts";
export {
  type BleuOptions,
  type BleuScore,
  type BleuSmoothing,
  corpusBleu,
  sentenceBleu,
} from "./translation-scores/bleu.ts";
export type { BleuTokenizer } from "./translation-scores/bleu-tokenizers.ts";
export { type ChrfOptions, type ChrfScore, corpusChrf, sentenceChrf } from "./translation-scores/chrf.ts";
export type { Confidence, ConfidenceOptions } from "./translation-scores/confidence.ts";
export { formatTranslationScore } from "./translation-scores/format-score.ts";
export type { TranslationReferences, TranslationScore } from "./translation-scores/score.ts";
export type { Standardize, TokenSplit, VectorizationRuleOptions, VectorizationRules } from "./vectorization-rules.ts";
export {
  decodeIds,
  encodeText,
  encodeTexts,
  idWord,
  parseVocabulary,
  type UnknownWords,
  type Vocabulary,
  type VocabularyOptions,
  vocabularyFromTexts,
  vocabularyFromTextVectorization,
  vocabularyFromTokenizer,
  vocabularySize,
  wordId,
} from "./vocabulary.ts";
export { vocabularyFromFile, vocabularyFromJson, vocabularyFromWords, type WordsOptions } from "./vocabulary-file.ts";
export { kerasFilters, type Standardization, textToWordSequence } from "./words.ts";
