/** The `Tree` type of users, and its reader: it joins trees end to end, with the level of each node. */
import { DataError, ShapeError } from "../../errors.ts";
import { isRecord, shown } from "../options.ts";

/**
 * A tree. Its nodes are in an order in which children come before their parents, so the root is last. The children of a node are in the order of the nodes.
 *
 * @example
 * // (very (good film)): the words have the ids 7, 5 and 9; the two nodes above them have none.
 * const tree: Tree = { values: [7, 5, 9, 0, 0], parents: [4, 3, 3, 4, -1] };
 */
export interface Tree {
  /** The id or the vector of each node. With `maskZero`, an id of 0 is a node without a word. */
  readonly values: ArrayLike<number> | readonly ArrayLike<number>[];
  /** The index of each node's parent, which is larger than its own; -1 for the root. */
  readonly parents: ArrayLike<number>;
}

/** The structure of trees, one after the other: a number for each node. */
export interface Structure {
  readonly trees: number;
  /** Where the nodes of each tree begin. */
  readonly starts: Int32Array;
  /** The nodes of each tree. */
  readonly lengths: Int32Array;
  /** The levels of each tree: 1 for a single node. */
  readonly heights: Int32Array;
  /** The number of its parent in its tree; -1 for the root. */
  readonly parents: Int32Array;
  /** Leaves are at level 0, a node is one above the highest of its children. */
  readonly levels: Int32Array;
  /** Its place among the children of its parent, from 0. */
  readonly places: Int32Array;
}

const isList = (data: unknown): data is ArrayLike<unknown> =>
  Array.isArray(data) || (ArrayBuffer.isView(data) && "length" in data);

const isTree = (data: unknown): data is Tree => isRecord(data) && isList(data.values) && isList(data.parents);

const FORM = "{ values, parents }";

/** What stands in the place of a tree, and what to do about it. */
function insteadOf(data: unknown): string {
  if (isList(data))
    return "a list; give its nodes their parents, or build the model without tree: true, and with layers of sequences";
  if (isRecord(data) && "dtype" in data) return "a tensor; a tree has a list of values and one of parents";
  if (isRecord(data) && "words" in data && "parents" in data)
    return "a tree of words; encodeTrees(vocabulary, trees) of @ostinato/datasets gives them ids";
  return shown(data);
}

/** @throws DataError, ShapeError where it is no list of trees that have nodes */
function expectTrees(label: string, data: unknown): asserts data is readonly Tree[] {
  if (!Array.isArray(data)) {
    const way = isTree(data) ? "one tree; give a list of one, [tree]" : insteadOf(data);
    throw new ShapeError(`${label} takes a list of trees ${FORM}, got ${way}`);
  }
  // A hole is no tree either: `forEach` would leave it out.
  for (const [row, tree] of data.entries()) {
    if (!isTree(tree)) throw new ShapeError(`${label} takes trees ${FORM}, row ${row} is ${insteadOf(tree)}`);
    const nodes = tree.parents.length;
    if (nodes === 0) throw new DataError(`${label}, row ${row} has no nodes; a tree has at least a root`);
    if (tree.values.length !== nodes)
      throw new DataError(
        `${label}, row ${row} has ${tree.values.length} values and ${nodes} parents; each node has one of each`,
      );
  }
}

/** What is wrong with the parent of a node. */
function wrongParent(node: number, parent: unknown, nodes: number): string {
  const last = nodes - 1;
  if (typeof parent === "bigint")
    return `node ${node} has the parent ${parent}n, a bigint; parents are numbers: Int32Array.from(parents, Number)`;
  if (node === last) return `node ${node}, the last, has the parent ${shown(parent)}; it must be the root, with -1`;
  if (parent === -1)
    return `node ${node} has the parent -1, and node ${last} comes after it; a tree has one root, its last node`;
  const whole = Number.isInteger(parent) && (parent as number) >= 0 && (parent as number) <= last;
  return `node ${node} has the parent ${shown(parent)}${whole ? ", which does not come after it; children come before their parents" : `; its parent must be one of the nodes ${node + 1} … ${last}`}`;
}

/**
 * Reads trees. `label` is how errors call them.
 *
 * @throws DataError, ShapeError with the row and the node
 */
export function structureOf(label: string, data: unknown): Structure {
  expectTrees(label, data);
  const lengths = Int32Array.from(data, ({ parents }) => parents.length);
  const starts = new Int32Array(lengths.length);
  for (let row = 1; row < starts.length; row++)
    starts[row] = (starts[row - 1] as number) + (lengths[row - 1] as number);
  const nodes = lengths.reduce((sum, length) => sum + length, 0);
  const [parents, levels, places] = [new Int32Array(nodes), new Int32Array(nodes), new Int32Array(nodes)];
  const children = new Int32Array(nodes);
  const heights = new Int32Array(lengths.length);
  data.forEach((tree, row) => {
    const length = lengths[row] as number;
    const start = starts[row] as number;
    for (let node = 0; node < length; node++) {
      const parent = tree.parents[node] as number;
      const isRoot = node === length - 1;
      if (isRoot ? parent !== -1 : !(Number.isInteger(parent) && parent > node && parent < length))
        throw new DataError(`${label}, row ${row}: ${wrongParent(node, parent, length)}`);
      const level = levels[start + node] as number;
      parents[start + node] = parent;
      if (isRoot) {
        heights[row] = level + 1;
        break;
      }
      const above = start + parent;
      levels[above] = Math.max(levels[above] as number, level + 1);
      places[start + node] = children[above] as number;
      children[above] = (children[above] as number) + 1;
    }
  });
  return { trees: lengths.length, starts, lengths, heights, parents, levels, places };
}
