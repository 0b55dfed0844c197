/** Where the nodes of a tree stand in a picture: leaves in a row at the bottom, each subtree in a strip of its own. */
import { type Children, childrenOf, type LabelledTree } from "./tree.ts";

/** How much of a tree is drawn. */
export interface Extent {
  readonly maxNodes: number;
  readonly maxLevels: number;
}

/** A node that is drawn, or what stands for nodes that are not. */
export interface DrawnNode {
  /** Its number in the tree; of what stands for others that of the first of them. */
  readonly node: number;
  /** Its parent among the drawn nodes; -1 for the root. */
  readonly parent: number;
  /** How many nodes it stands for; 0 for a node that is drawn itself. */
  readonly hidden: number;
  /** Levels below the root. */
  readonly depth: number;
}

/** The nodes to draw, each behind its parent and the children of one in a row: those nearest to the root, and behind them in place of children that are left out what stands for these. */
export function drawnNodes(tree: LabelledTree, { maxNodes, maxLevels }: Extent): DrawnNode[] {
  const all = childrenOf(tree);
  const sizes = subtreeSizes(tree);
  const drawn: DrawnNode[] = [{ node: tree.parents.length - 1, parent: -1, hidden: 0, depth: 0 }];
  let kept = 1;
  for (let parent = 0; parent < drawn.length; parent++) {
    const { node, hidden, depth } = drawn[parent]!;
    const [start, end] = hidden > 0 ? [0, 0] : rangeOf(all, node);
    const room = depth + 1 < maxLevels ? maxNodes - kept : 0;
    const last = Math.min(end, start + room);
    for (let place = start; place < last; place++)
      drawn.push({ node: all.children[place]!, parent, hidden: 0, depth: depth + 1 });
    kept += last - start;
    if (last === end) continue;
    let left = 0;
    for (let place = last; place < end; place++) left += sizes[all.children[place]!]!;
    drawn.push({ node: all.children[last]!, parent, hidden: left, depth: depth + 1 });
  }
  return drawn;
}

const rangeOf = ({ starts }: Children, node: number): [start: number, end: number] => [
  starts[node]!,
  starts[node + 1]!,
];

/** Nodes below each, itself among them. */
function subtreeSizes({ parents }: LabelledTree): Int32Array {
  const sizes = new Int32Array(parents.length).fill(1);
  for (const [node, parent] of parents.entries()) if (parent >= 0) sizes[parent]! += sizes[node]!;
  return sizes;
}

/** Places in units of the widths, and in levels. */
export interface Layout {
  /** The middle of each node. */
  readonly x: Float64Array;
  /** Levels above the lowest leaf below each node: 0 for leaves. */
  readonly heights: Int32Array;
  readonly width: number;
}

/** Puts each node in the middle above its first and its last child. A subtree is as wide as its children side by side, or as its root where that is wider, so that nothing covers anything else. */
export function layoutOf(drawn: readonly DrawnNode[], widths: readonly number[]): Layout {
  const count = drawn.length;
  const inner = new Float64Array(count);
  const heights = new Int32Array(count);
  const firstChild = new Int32Array(count).fill(-1);
  const lastChild = new Int32Array(count).fill(-1);
  const spread = (index: number) => Math.max(widths[index]!, inner[index]!);
  for (let index = count - 1; index > 0; index--) {
    const { parent } = drawn[index]!;
    inner[parent]! += spread(index);
    heights[parent] = Math.max(heights[parent]!, heights[index]! + 1);
    firstChild[parent] = index;
    if (lastChild[parent] === -1) lastChild[parent] = index;
  }
  const left = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    let start = left[index]! + (spread(index) - inner[index]!) / 2;
    if (firstChild[index] === -1) continue;
    for (let child = firstChild[index]!; child <= lastChild[index]!; child++) {
      left[child] = start;
      start += spread(child);
    }
  }
  const x = new Float64Array(count);
  for (let index = count - 1; index >= 0; index--) {
    const half = widths[index]! / 2;
    const [first, last] = [firstChild[index]!, lastChild[index]!];
    const middle = first === -1 ? left[index]! + half : (x[first]! + x[last]!) / 2;
    x[index] = Math.min(Math.max(middle, left[index]! + half), left[index]! + spread(index) - half);
  }
  return { x, heights, width: spread(0) };
}
