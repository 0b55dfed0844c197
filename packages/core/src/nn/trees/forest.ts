/** Forests: the trees of a batch level by level, as the index tensors that a backend gets. */
import { nodesPerLevel } from "../../ir/forest.ts";
import { type Int32Tensor, int32 } from "../../tensor.ts";
import { type Structure, structureOf, type Tree } from "./tree.ts";

/** How large the tensors of a forest may become. */
export interface ForestRoom {
  readonly nodes: number;
  readonly levels: number;
}

/** The trees of a batch. Its tensors are written anew for each. */
export interface ForestFeeds {
  /** [nodes, 2]: row and step of each node, ordered by level, in a level by row and step. */
  readonly nodes: Int32Tensor;
  /** [nodes, 3]: child, parent, both as numbers in `nodes`, and the child's place among its siblings; ordered by parent and place. Roots have none, so the rest is -1. */
  readonly edges: Int32Tensor;
  /** [levels, 2]: the end of each level in `nodes` and in `edges`. */
  readonly levels: Int32Tensor;
}

/** Room for any so many of the trees that have no more nodes than `reach`. */
export function forestRoom(
  { lengths, heights }: Structure,
  trees: number,
  reach = Number.POSITIVE_INFINITY,
): ForestRoom {
  const within = lengths.filter((length) => length <= reach).sort();
  const nodes = within.subarray(-trees).reduce((sum, length) => sum + length, 0);
  const highest = heights.reduce(
    (most, height, tree) => ((lengths[tree] as number) <= reach ? Math.max(most, height) : most),
    0,
  );
  return { nodes, levels: highest + Math.floor(nodes / nodesPerLevel) };
}

/** Writes the forests of trees `order[from]` … `order[from + count - 1]`, without allocating. */
export interface ForestWriter {
  readonly feeds: ForestFeeds;
  write(order: Int32Array, from: number, count: number): void;
}

/** @param take gives arrays of at least a size; the same again for the same name where it can */
export function forestWriter(
  { lengths, starts, heights, levels: levelOf, parents, places }: Structure,
  room: ForestRoom,
  take: (name: string, size: number) => Int32Array = (_, size) => new Int32Array(size),
): ForestWriter {
  const shapes = { nodes: [0, 2], edges: [0, 3], levels: [0, 2] };
  const nodes = take("nodes", 2 * room.nodes);
  const edges = take("edges", 3 * room.nodes);
  const levels = take("levels", 2 * room.levels);
  /** The number in `nodes` of each node, in the order of rows and steps. */
  const numbers = take("numbers", room.nodes);
  /** First how many children the node of each number has, then where its edges begin. */
  const edgesOf = take("edgesOf", room.nodes + 1);
  /** First how many nodes each level has, then where the next of them goes. */
  const next = take("next", room.levels + 1);

  /** Where each level begins; the number of levels. */
  function countLevels(order: Int32Array, from: number, count: number): number {
    let highest = 0;
    for (let i = 0; i < count; i++) highest = Math.max(highest, heights[order[from + i] as number] as number);
    next.fill(0, 0, highest + 1);
    for (let i = 0; i < count; i++) {
      const tree = order[from + i] as number;
      const start = starts[tree] as number;
      const end = start + (lengths[tree] as number);
      for (let node = start; node < end; node++) {
        const after = (levelOf[node] as number) + 1;
        next[after] = (next[after] as number) + 1;
      }
    }
    for (let level = 1; level <= highest; level++) next[level] = (next[level] as number) + (next[level - 1] as number);
    return highest;
  }

  /** Numbers the nodes, and counts the children of each; the number of nodes. */
  function writeNodes(order: Int32Array, from: number, count: number): number {
    let all = 0;
    for (let i = 0; i < count; i++) {
      const tree = order[from + i] as number;
      const start = starts[tree] as number;
      const length = lengths[tree] as number;
      for (let step = 0; step < length; step++) {
        const level = levelOf[start + step] as number;
        const number = next[level] as number;
        next[level] = number + 1;
        numbers[all + step] = number;
        nodes[2 * number] = i;
        nodes[2 * number + 1] = step;
      }
      all += length;
    }
    edgesOf.fill(0, 0, all + 1);
    for (let i = 0, base = 0; i < count; i++) {
      const tree = order[from + i] as number;
      const start = starts[tree] as number;
      const length = lengths[tree] as number;
      for (let step = 0; step < length - 1; step++) {
        const after = (numbers[base + (parents[start + step] as number)] as number) + 1;
        edgesOf[after] = (edgesOf[after] as number) + 1;
      }
      base += length;
    }
    for (let number = 1; number <= all; number++)
      edgesOf[number] = (edgesOf[number] as number) + (edgesOf[number - 1] as number);
    return all;
  }

  function writeEdges(order: Int32Array, from: number, count: number): void {
    let base = 0;
    for (let i = 0; i < count; i++) {
      const tree = order[from + i] as number;
      const start = starts[tree] as number;
      const length = lengths[tree] as number;
      for (let step = 0; step < length - 1; step++) {
        const parent = numbers[base + (parents[start + step] as number)] as number;
        const place = places[start + step] as number;
        const at = 3 * ((edgesOf[parent] as number) + place);
        edges[at] = numbers[base + step] as number;
        edges[at + 1] = parent;
        edges[at + 2] = place;
      }
      base += length;
    }
    edges.fill(-1, 3 * (base - count), 3 * base);
  }

  /** `next` has the end of each level by now; the number of levels with those that were split. */
  function writeLevels(highest: number): number {
    let written = 0;
    let start = 0;
    for (let level = 0; level < highest; level++) {
      const end = next[level] as number;
      while (start < end) {
        start = Math.min(start + nodesPerLevel, end);
        levels[2 * written] = start;
        levels[2 * written + 1] = edgesOf[start] as number;
        written += 1;
      }
    }
    return written;
  }

  return {
    feeds: {
      nodes: { dtype: "int32", shape: shapes.nodes, data: nodes },
      edges: { dtype: "int32", shape: shapes.edges, data: edges },
      levels: { dtype: "int32", shape: shapes.levels, data: levels },
    },
    write(order, from, count) {
      const highest = countLevels(order, from, count);
      shapes.nodes[0] = writeNodes(order, from, count);
      shapes.edges[0] = shapes.nodes[0];
      writeEdges(order, from, count);
      shapes.levels[0] = writeLevels(highest);
    },
  };
}

/** Trees as a batch of a graph: the tensors of a forest, and the number of nodes of each row. */
export interface ForestTensors extends ForestFeeds {
  /** [trees] */
  readonly lengths: Int32Tensor;
}

/**
 * The tensors of trees, for running a graph directly. Trainers and predictors make them from the trees that they get.
 *
 * @throws DataError, ShapeError with the row and the node
 * @example
 * const { nodes, edges, levels, lengths } = forestOf([{ values: [7, 5, 0], parents: [2, 2, -1] }]);
 * // nodes [[0, 0], [0, 1], [0, 2]], edges [[0, 2, 0], [1, 2, 1], [-1, -1, -1]], levels [[2, 0], [3, 2]], lengths [3]
 */
export function forestOf(trees: readonly Tree[]): ForestTensors {
  const structure = structureOf("forestOf: trees", trees);
  const { feeds, write } = forestWriter(structure, forestRoom(structure, structure.trees));
  write(
    Int32Array.from(structure.lengths, (_, tree) => tree),
    0,
    structure.trees,
  );
  const whole = ({ shape, data }: Int32Tensor): Int32Tensor =>
    int32(
      shape,
      data.subarray(
        0,
        shape.reduce((size, dim) => size * dim, 1),
      ),
    );
  return {
    nodes: whole(feeds.nodes),
    edges: whole(feeds.edges),
    levels: whole(feeds.levels),
    lengths: int32([structure.trees], structure.lengths),
  };
}
