/** Texts in, texts out: `@ostinato/translator`. */
export {
  type HeldDescription,
  type TranslatorDescription,
  translatorDescription,
} from "./description.ts";
export {
  type KnownTranslator,
  type TranslatorSettings,
  translatorMetadata,
  translatorSettings,
} from "./settings.ts";
export {
  type ListRules,
  likelyTokens,
  type SubwordRules,
  type TokenKind,
  type TokenRules,
  textOf,
  tokenKinds,
  tokensOf,
} from "./tokens.ts";
export {
  type Candidate,
  type TextLimits,
  type TranslateOptions,
  type Translation,
  type Translator,
  type TranslatorOptions,
  translator,
  translatorOver,
} from "./translator.ts";
export {
  endId,
  idCount,
  type ListVocabulary,
  paddingId,
  type Side,
  type SideOptions,
  type SideVocabulary,
  sides,
  startId,
  type TextEncoder,
  type TrainingTexts,
  type TranslatorVocabulary,
  type TranslatorVocabularyOptions,
  textEncoder,
  tokenizerFiles,
  translatorVocabulary,
  unknownId,
  vocabularyTokens,
} from "./vocabulary.ts";
