/** What layers of trees bring along for the host: how trees are read, checked and fed. Programs without such layers do without it. */
import { DataError } from "../../errors.ts";
import { type ForestRoom, type ForestWriter, forestRoom, forestWriter } from "./forest.ts";
import { type Structure, structureOf, type Tree } from "./tree.ts";

/** A layer that takes no more than so many children of a node, as errors call it. */
export interface ChildLimit {
  readonly owner: string;
  readonly arity: number;
}

/** The trees of an input, checked. */
export interface TreesRead {
  /** What the nodes hold, tree by tree. */
  readonly values: readonly Tree["values"][];
  /** The number of each node's parent, tree after tree. */
  readonly parents: Int32Array;
  /** The most nodes and levels of so many trees that have no more nodes than `reach`. */
  room(trees: number, reach?: number): ForestRoom;
  /** Writes the trees of batches. `take` gives arrays of at least a size, the same again for the same name where it can. */
  writer(room: ForestRoom, take: (name: string, size: number) => Int32Array): ForestWriter;
}

/** Reads the trees of an input, which errors call `label`. @throws DataError, ShapeError with the row and the node */
export type TreeReader = (label: string, data: unknown, limits: readonly ChildLimit[]) => TreesRead;

/** @throws DataError that names the layer, the row and the node, where a node has more children than the layer takes */
function expectArity(label: string, { places, starts, parents }: Structure, { owner, arity }: ChildLimit): void {
  const at = places.findIndex((place) => place >= arity);
  if (at < 0) return;
  const after = starts.findIndex((start) => start > at);
  const row = (after < 0 ? starts.length : after) - 1;
  const from = starts[row] as number;
  const own = parents.subarray(from, starts[row + 1]);
  const parent = parents[at] as number;
  const children = own.reduce((count, other) => count + Number(other === parent), 0);
  throw new DataError(`${owner}: ${label}, row ${row}: node ${parent} has ${children} children, and arity is ${arity}`);
}

/** Layers that read trees have it in their definitions, as `trees`. */
export const treeReader: TreeReader = (label, data, limits) => {
  const structure = structureOf(label, data);
  for (const limit of limits) expectArity(label, structure, limit);
  return {
    values: (data as readonly Tree[]).map(({ values }) => values),
    parents: structure.parents,
    room: (trees, reach) => forestRoom(structure, trees, reach),
    writer: (room, take) => forestWriter(structure, room, take),
  };
};
