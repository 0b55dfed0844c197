/** Text in, label out: `@ostinato/classifier`. */
export { type Classification, type ClassifierOptions, type TextClassifier, textClassifier } from "./classifier.ts";
export { type ClassifierDescription, classifierDescription } from "./description.ts";
export {
  type ClassifierSettings,
  classifierMetadata,
  classifierSettings,
  encodeForClassifier,
  type KnownClassifier,
  type KnownSettings,
  type RowSettings,
  type TextRows,
  takenAndGiven,
  takesText,
  type Vocabularies,
} from "./settings.ts";
export { type Described, type Opener, type Over, openTrained } from "./trained.ts";
