/** Random forests as the index tensors that ops on trees read. */
import { nodesPerLevel, type TreeValues } from "@ostinato/core";
import type { Draw, DrawnDim } from "./draw.ts";

/** For each node of a tree the number of its parent, which is larger; -1 for the root, which is last. */
export type Parents = readonly number[];

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** A forest as plain lists. */
export interface ForestLists {
  readonly nodes: readonly number[];
  readonly edges: readonly number[];
  readonly levels: readonly number[];
  /** The steps of the longest row. */
  readonly time: number;
}

/** The index tensors of trees, a row each. `positionOf` may leave places of children free. */
function forestLists(
  trees: readonly Parents[],
  positionOf = (sibling: number, _siblings: number): number => sibling,
): ForestLists {
  const heights = trees.map((parents) => {
    const height = parents.map(() => 0);
    parents.forEach((parent, node) => {
      if (parent >= 0) height[parent] = Math.max(height[parent], height[node] + 1);
    });
    return height;
  });
  const highest = heights.flat().reduce((most, height) => Math.max(most, height), 0);
  const [nodes, edges, levels]: number[][] = [[], [], []];
  const numbers = trees.map((): number[] => []);
  for (let height = 0; height <= highest; height++) {
    const own = trees.flatMap((parents, row) =>
      parents.flatMap((_, step) => (heights[row][step] === height ? [{ row, step }] : [])),
    );
    for (let first = 0; first < own.length; first += nodesPerLevel) {
      for (const { row, step } of own.slice(first, first + nodesPerLevel)) {
        const number = nodes.length / 2;
        numbers[row][step] = number;
        nodes.push(row, step);
        const children = range(step).filter((child) => trees[row][child] === step);
        children.forEach((child, sibling) => {
          edges.push(numbers[row][child], number, positionOf(sibling, children.length));
        });
      }
      levels.push(nodes.length / 2, edges.length / 3);
    }
  }
  while (edges.length / 3 < nodes.length / 2) edges.push(-1, -1, -1);
  return { nodes, edges, levels, time: Math.max(...trees.map(({ length }) => length)) };
}

/** Which of the nodes that still have room becomes the parent, of those from the next one to the root. */
const choices = {
  chain: (_draw, [next]) => next,
  star: (_draw, open) => open.at(-1) as number,
  random: (draw, open) => draw.one(open),
} as const satisfies Readonly<Record<string, (draw: Draw, open: readonly number[]) => number>>;

/** The form of trees. */
export type Form = keyof typeof choices;

/** A random tree of so many nodes, each with at most `arity` children. */
export function drawParents(draw: Draw, form: Form, size: number, arity: number): Parents {
  const parents = range(size).map(() => -1);
  const room = range(size).map(() => arity);
  for (let node = size - 2; node >= 0; node--) {
    const open = range(size).filter((parent) => parent > node && room[parent] > 0);
    const parent = choices[form](draw, open);
    parents[node] = parent;
    room[parent] -= 1;
  }
  return parents;
}

/** A forest as feeds. */
export interface DrawnForest {
  readonly tree: TreeValues;
  readonly time: DrawnDim;
  readonly batch: DrawnDim;
}

/** The feeds of a forest, with more capacity than they need now and then. Steps past the longest row are padding. */
export function drawForest(draw: Draw, trees: readonly Parents[], arity?: number): DrawnForest {
  const { nodes, edges, levels, time } = forestLists(trees, (sibling, siblings) =>
    siblings === 1 && arity !== undefined ? draw.whole(0, arity - 1) : sibling,
  );
  const count = draw.sized("nodes", nodes.length / 2);
  const known = (size: number): DrawnDim => ({ dim: size, size });
  return {
    tree: {
      nodes: draw.given("forest/nodes", [count, known(2)], nodes),
      edges: draw.given("forest/edges", [count, known(3)], edges),
      levels: draw.given("forest/levels", [draw.sized("levels", levels.length / 2), known(2)], levels),
    },
    time: draw.sized("time", time + draw.whole(0, 1)),
    batch: draw.sized("batch", trees.length),
  };
}
