/** Trees of words as trees of ids, as a model reads them. */
import { encodeText, type Vocabulary } from "@ostinato/text";
import { DatasetOptionError } from "../errors.ts";
import { expectTree, type LabelledTree } from "./tree.ts";

/** A tree as the input of a model: a `Tree` of `@ostinato/core`. */
export interface EncodedTree {
  /** The id of each node's word; 0 for a node without one. */
  readonly values: Int32Array;
  /** For each node the number of its parent; -1 for the root. */
  readonly parents: readonly number[];
}

/**
 * The ids of the words of trees, node by node; a node without a word has the id 0. Words are normalised as the vocabulary says (to lower case, for example). Words that it does not know, or would split, get the id of
 * unknown words. If the vocabulary leaves out unknown words, their nodes stay, without a word.
 *
 * Make the vocabulary with `filters: ""`: the default filters leave out punctuation, which is among the words of a tree. The `inputDim` of the embedding is `vocabularySize(vocabulary)`.
 *
 * @example
 * const vocabulary = vocabularyFromTexts(trees.map((tree) => treeWords(tree).join(" ")), { filters: "" });
 * const x = encodeTrees(vocabulary, trees);
 */
export function encodeTrees(vocabulary: Vocabulary, trees: readonly LabelledTree[]): EncodedTree[] {
  if (!Array.isArray(trees)) throw new DatasetOptionError("trees", "be a list of trees", trees);
  const ids = new Map<string | null, number>([[null, 0]]);
  const idOf = (word: string | null): number => {
    let id = ids.get(word);
    if (id === undefined) {
      const found = encodeText(vocabulary, word ?? "");
      id = found.length === 1 ? found[0]! : (vocabulary.unknownId ?? 0);
      ids.set(word, id);
    }
    return id;
  };
  return Array.from(trees, (tree) => {
    expectTree(tree);
    return { values: Int32Array.from(tree.words, idOf), parents: tree.parents };
  });
}
