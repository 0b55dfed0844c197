/** Labelled trees as plain data, whatever their depth: lists of nodes, never nodes within nodes. */
import { DatasetOptionError } from "../errors.ts";

/**
 * A tree with words and labels. Its nodes are in post-order: children before their parent, from left to right, and the root last. It is plain data: `JSON` and `structuredClone` take trees of any depth.
 *
 * @example
 * // (3 (2 The) (4 film))
 * const tree: LabelledTree = { words: ["The", "film", null], labels: ["2", "4", "3"], parents: [2, 2, -1] };
 */
export interface LabelledTree {
  /** The word of each node; null for a node without one. */
  readonly words: readonly (string | null)[];
  /** The index of each node's parent, which is larger than its own; -1 for the root. */
  readonly parents: readonly number[];
  /** The label of each node; null for a node without one. */
  readonly labels: readonly (string | null)[];
  /** The position of each node's word in the sentence, from 0. Absent if the words are in the order of their nodes, like the leaves of a parse tree. */
  readonly positions?: readonly number[];
}

/** The most nodes of a tree that a reader takes, open brackets counted, and so the greatest depth: far more than a sentence has. */
export const mostNodes = 1_000_000;

/** The children of each node, from left to right: those of node `i` are `children[starts[i]]` to `children[starts[i + 1] - 1]`. */
export interface Children {
  readonly starts: Int32Array;
  readonly children: Int32Array;
}

/** Throws `DatasetOptionError` for a value that is not a tree of words and labels in lists. Whether its parents make a tree, `childrenOf` finds out. */
export function expectTree(tree: LabelledTree): void {
  const given: unknown = tree;
  if (typeof given !== "object" || given === null)
    throw new DatasetOptionError("tree", "be an object with words, parents and labels", given);
  const { words, parents, labels, positions } = tree;
  for (const [name, list] of Object.entries({ words, parents, labels, ...(positions && { positions }) }))
    if (!Array.isArray(list)) throw new DatasetOptionError("tree", `have a list of ${name}`, list);
  for (const [name, list] of Object.entries({ words, labels })) {
    const other = list.findIndex((text) => !isTextOrNull(text));
    if (other >= 0) throw new DatasetOptionError("tree", `have a text or null for each of its ${name}`, list[other]);
  }
}

/** What stands for a word, a label or a prediction of a node. */
export const isTextOrNull = (value: unknown): boolean => value === null || typeof value === "string";

/** The children of each node of a tree. Throws `DatasetOptionError`, which names the node, for lists that are no tree. */
export function childrenOf(tree: LabelledTree): Children {
  expectTree(tree);
  const { words, parents, labels, positions } = tree;
  const count = parents.length;
  if (count === 0) throw new DatasetOptionError("tree", "have a node", count);
  for (const [name, list] of Object.entries({ words, labels, positions })) {
    if (list === undefined || list.length === count) continue;
    throw new DatasetOptionError("tree", `have as many ${name} as parents, which are ${count}`, list.length);
  }
  const starts = new Int32Array(count + 1);
  for (let node = 0; node < count; node++) {
    const parent = parents[node]!;
    const isRoot = node === count - 1;
    if (isRoot ? parent === -1 : Number.isInteger(parent) && parent > node && parent < count) {
      if (!isRoot) starts[parent + 1]! += 1;
      continue;
    }
    const rule = isRoot ? "end with its root, whose parent is -1" : `have a parent of node ${node} that comes after it`;
    throw new DatasetOptionError("tree", rule, parent);
  }
  for (let node = 0; node < count; node++) starts[node + 1]! += starts[node]!;
  const next = starts.slice();
  const children = new Int32Array(count - 1);
  for (let node = 0; node < count - 1; node++) children[next[parents[node]!]!++] = node;
  return { starts, children };
}

/**
 * The words of a tree in the order of its sentence, for a net that reads sequences. Nodes without a word are left out.
 *
 * @example
 * treeWords(parseTree("(3 (2 The) (4 film))")); // ["The", "film"]
 */
export function treeWords(tree: LabelledTree): string[] {
  expectTree(tree);
  const { words, positions } = tree;
  const order = Array.from(words.keys());
  if (positions !== undefined) order.sort((a, b) => positions[a]! - positions[b]!);
  return order.flatMap((node) => words[node] ?? []);
}
