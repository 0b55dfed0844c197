/** Values that are no trees, given to the functions that take one. */
import {
  DatasetOptionError,
  encodeTreeLabels,
  encodeTrees,
  formatDependencyTree,
  formatTree,
  type LabelledTree,
  treeSvg,
  treeWords,
} from "@ostinato/datasets";
import { labelEncoder, vocabularyFromTexts } from "@ostinato/text";
import { describe, expect, test } from "vitest";

const film: LabelledTree = { words: ["The", "film", null], labels: ["2", "4", "3"], parents: [2, 2, -1] };

describe("a value that is no tree is refused", () => {
  const vocabulary = vocabularyFromTexts(["the film"]);
  const takers: readonly (readonly [string, (tree: LabelledTree) => unknown])[] = [
    ["treeSvg", (tree) => treeSvg(tree)],
    ["treeSvg with predictions", (tree) => treeSvg(tree, { predictions: ["1", "2", "3"] })],
    ["formatTree", (tree) => formatTree(tree)],
    ["formatDependencyTree", (tree) => formatDependencyTree(tree)],
    ["treeWords", (tree) => treeWords(tree)],
    ["encodeTrees", (tree) => encodeTrees(vocabulary, [tree])],
    ["encodeTreeLabels", (tree) => encodeTreeLabels(labelEncoder(["2", "3", "4"]), [tree])],
  ];
  test.each<[unknown, string]>([
    [null, "tree must be an object with words, parents and labels, got null"],
    ["(3 film)", "tree must be an object with words, parents and labels, got"],
    [{ ...film, words: undefined }, "tree must have a list of words, got undefined"],
    [{ ...film, parents: 2 }, "tree must have a list of parents, got 2"],
    [{ ...film, labels: "243" }, 'tree must have a list of labels, got "243"'],
    [{ ...film, labels: [2, 4, 3] }, "tree must have a text or null for each of its labels, got 2"],
    [{ ...film, words: ["The", 5, null] }, "tree must have a text or null for each of its words, got 5"],
    [{ ...film, positions: 3 }, "tree must have a list of positions, got 3"],
  ])("%j", (tree, message) => {
    for (const [, take] of takers) {
      expect(() => take(tree as LabelledTree)).toThrow(DatasetOptionError);
      expect(() => take(tree as LabelledTree)).toThrow(message);
    }
  });

  test("nor a list of trees with a hole, or one tree in the place of a list", () => {
    const holes: LabelledTree[] = [film];
    holes[2] = film;
    expect(() => encodeTrees(vocabulary, holes)).toThrow(/tree must be an object .*, got undefined/);
    expect(() => encodeTrees(vocabulary, film as never)).toThrow(/trees must be a list of trees/);
  });
});
