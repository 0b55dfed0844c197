/** Readers for sequence data: IMDB reviews in three forms, texts with labels from tables, sentences with tags, labelled trees, texts with their translations. Runs on Node only. */
export { type BrownOptions, readBrown } from "./brown.ts";
export {
  type CleaningOptions,
  type CleaningReport,
  type CleanTextPairs,
  cleanTextPairs,
  type LeftOutReason,
  readTextPairs,
  type TextLength,
  type TextPairs,
} from "./clean-text-pairs.ts";
export { type CmudictOptions, readCmudict } from "./cmudict.ts";
export { type ConllOptions, type ConllSeparator, conllSentences, readConll, type TaggedSentence } from "./conll.ts";
export {
  type DataSource,
  detectDataSource,
  readTextData,
  type TextData,
  type TextDataOptions,
} from "./data-source.ts";
export { type ForeignEncoding, foreignEncoding } from "./encoding.ts";
export {
  DatasetError,
  DatasetFormatError,
  DatasetNotFoundError,
  DatasetOptionError,
  MissingClassError,
  MissingColumnError,
  TreeFormatError,
} from "./errors.ts";
export { type HashSplit, type HashSplitOptions, textHash } from "./hash-split.ts";
export { type Imdb, type ImdbClass, type ImdbOptions, readImdb } from "./imdb.ts";
export { type ImdbFolderOptions, readImdbFolder } from "./imdb-folder.ts";
export {
  type ImdbNpzOptions,
  type ImdbSequences,
  type LabelledSequences,
  readImdbNpz,
} from "./imdb-npz.ts";
export { readImdbVocabulary } from "./imdb-word-index.ts";
export { type LabelledTexts, selectRows } from "./labelled-texts.ts";
export { type LengthSummary, summariseLengths } from "./length-summary.ts";
export {
  generateListOps,
  type ListOps,
  type ListOpsOptions,
  type ListOpsTreeOptions,
  listOpsTokens,
  listOpsTree,
  listOpsValue,
} from "./listops.ts";
export { readParallelFiles, readParallelText } from "./parallel-files.ts";
export { type ParallelData, type ParallelText, parallelPairs, splitParallelText } from "./parallel-text.ts";
export { sentenceHash, splitSentences, type TaggedData } from "./sentence-split.ts";
export { shuffledIndices } from "./shuffle.ts";
export { type Examples, requireEveryClass, type SplitOptions, splitExamples } from "./split-examples.ts";
export { type Split, stratifiedSplit } from "./stratified-split.ts";
export { findTaggedData, readTaggedData, type TaggedDataOptions, type TaggedSource } from "./tagged-data.ts";
export {
  readTextClassification,
  type TableForm,
  type TableFormat,
  type TableOptions,
  type TextClassification,
  type TextClassificationOptions,
} from "./text-classification.ts";
export {
  type ParallelFormat,
  type ParallelTextOptions,
  type TextPair,
  type TextPairFiles,
  textPairsOf,
} from "./text-pairs.ts";
export {
  type ConlluColumn,
  type DependencyTreeOptions,
  dependencyTreesOf,
  formatDependencyTree,
  readDependencyTrees,
  writeDependencyTrees,
} from "./trees/dependencies.ts";
export { type EncodedTree, type EncodedTreeLabels, encodeTreeLabels, encodeTrees } from "./trees/encode.ts";
export {
  type FormatTreeOptions,
  formatTree,
  type ParseTreeOptions,
  parseTree,
  readTrees,
  type TreeOptions,
  treesOf,
  writeTrees,
} from "./trees/parenthesised.ts";
export { type TreePictureOptions, treeSvg } from "./trees/picture.ts";
export type { TreeLabels } from "./trees/scanner.ts";
export { type LabelledTree, treeWords } from "./trees/tree.ts";
export { type UniversalTag, universalTag, universalTags } from "./universal-tags.ts";
