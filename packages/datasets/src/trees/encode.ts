/** Trees of words and labels as a model takes them: trees of ids, and classes with weights. */
import { encodeLabels, encodeText, type LabelEncoder, type Vocabulary } from "@ostinato/text";
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
  expectTrees(trees);
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
  return trees.map(({ words, parents }) => ({ values: Int32Array.from(words, idOf), parents }));
}

/** The labels of trees' nodes for training; the fields are those of `fit` in `@ostinato/core`. */
export interface EncodedTreeLabels {
  /** For each tree the class of each node; 0 for a node without a label. */
  readonly y: readonly Int32Array[];
  /** For each tree the weight of each node: 1, or 0 for a node without a label. */
  readonly sampleWeights: readonly Float32Array[];
}

/**
 * The labels of all nodes as classes, for a model with an output at every node. Nodes without a label have a weight of 0, so they do not count in the loss.
 *
 * Throws `UnknownLabelError` of `@ostinato/text` for a label that the encoder does not know.
 *
 * @example
 * const encoder = labelEncoder(trees.flatMap(({ labels }) => labels.filter((label) => label !== null)));
 * await trainer.fit({ x: encodeTrees(vocabulary, trees), ...encodeTreeLabels(encoder, trees) });
 */
export function encodeTreeLabels(encoder: LabelEncoder<string>, trees: readonly LabelledTree[]): EncodedTreeLabels {
  expectTrees(trees);
  const [absent] = encoder.classes;
  return {
    y: trees.map(({ labels }) =>
      encodeLabels(
        encoder,
        labels.map((label) => label ?? (absent as string)),
      ),
    ),
    sampleWeights: trees.map(({ labels }) => Float32Array.from(labels, (label) => Number(label !== null))),
  };
}

function expectTrees(trees: readonly LabelledTree[]): void {
  if (!Array.isArray(trees)) throw new DatasetOptionError("trees", "be a list of trees", trees);
  // Holes, too, are no trees.
  for (const tree of trees) expectTree(tree);
}
