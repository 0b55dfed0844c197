/** Readers for public sequence data sets: IMDB reviews with the official split. Runs on Node only. */
export { DatasetError, DatasetFormatError, DatasetNotFoundError, DatasetOptionError } from "./errors.ts";
export { type Imdb, type ImdbClass, type ImdbOptions, readImdb } from "./imdb.ts";
export {
  type ImdbNpzOptions,
  type ImdbSequences,
  type LabelledSequences,
  readImdbNpz,
} from "./imdb-npz.ts";
export { type LabelledTexts, selectRows } from "./labelled-texts.ts";
export { type LengthSummary, summariseLengths } from "./length-summary.ts";
export { shuffledIndices } from "./shuffle.ts";
export { type Split, stratifiedSplit } from "./stratified-split.ts";
