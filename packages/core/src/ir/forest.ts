/** Forests as index tensors, made on the host and read level by level by ops on trees: the sizes of a level, and the check of the indices. */
import { DataError } from "../errors.ts";
import type { Dim, Value } from "./ops.ts";

/** The most nodes that are computed together. Larger levels are split. */
export const nodesPerLevel = 256;

const LEVEL = "/level";
const CHILDREN = "/children";

/** The names of sizes that change from level to level: its nodes, and the edges from them to their children. */
export function levelDims(nodes: Dim): { readonly level: string; readonly children: string } {
  return { level: `${nodes}${LEVEL}`, children: `${nodes}${CHILDREN}` };
}

/** What a name of `levelDims` becomes where its nodes have another; undefined for any other name. */
export function renamedLevelDim(name: string, rename: (nodes: string) => Dim): string | undefined {
  const end = [LEVEL, CHILDREN].find((each) => name.endsWith(each));
  return end && `${rename(name.slice(0, -end.length))}${end}`;
}

/** The trees of all rows of a batch, whose nodes are the steps of the rows, as int32 values of a graph. `Forest` has their meaning. */
export interface TreeValues {
  /** [nodes, 2] */
  readonly nodes: Value;
  /** [nodes, 3] */
  readonly edges: Value;
  /** [levels, 2] */
  readonly levels: Value;
}

/** Rows of whole numbers in a larger array, and their name for errors. */
export interface IndexRows {
  readonly name: string;
  data: ArrayLike<number>;
  /** Where the first row begins. */
  offset: number;
  rows: number;
}

/** The index tensors of a forest. */
export interface Forest {
  /** [nodes, 2]: row and step of each node, level by level. */
  readonly nodes: IndexRows;
  /** [nodes, 3]: the numbers of a child and its parent, and the child's position among its siblings; by parent, then position; -1 after the last. */
  readonly edges: IndexRows;
  /** [levels, 2]: where each level ends in `nodes`, and in `edges`. */
  readonly levels: IndexRows;
}

/** The sizes that the indices must fit. */
export interface ForestSizes {
  readonly time: number;
  readonly batch: number;
  /** The most children of a node; absent: any number. */
  readonly arity?: number | undefined;
}

function refuse({ name }: IndexRows, row: number, why: string): never {
  throw new DataError(`"${name}", row ${row}: ${why}`);
}

/** When a node was last seen as a child, and a step of a row as a node: `stamp` in the running check. It grows to the largest forest and stays. */
let seen = new Int32Array(0);
let stamp = 0;

/** Whether this was noted before, in this check. */
function isSeen(at: number): boolean {
  const known = seen[at] === stamp;
  seen[at] = stamp;
  return known;
}

/**
 * Checks that the index tensors are those of trees within [time, batch], with each node in a higher level than its children. Call it before
 * anything is read by these indices. It allocates only when a forest is larger than all before.
 *
 * @throws DataError that names the tensor and its row
 */
export function checkForest({ nodes, edges, levels }: Forest, { time, batch, arity }: ForestSizes): void {
  const places = time * batch;
  if (seen.length < places + nodes.rows) seen = new Int32Array(2 * (places + nodes.rows));
  stamp += 1;
  let node = 0;
  let edge = 0;
  for (let l = 0; l < levels.rows; l++) {
    const at = levels.offset + 2 * l;
    const nodeEnd = levels.data[at] as number;
    const edgeEnd = levels.data[at + 1] as number;
    const first = node;
    if (!(nodeEnd > first && nodeEnd <= Math.min(nodes.rows, first + nodesPerLevel)))
      refuse(levels, l, `nodes ${first} … ${nodeEnd - 1} are not 1 to ${nodesPerLevel} of the ${nodes.rows} there are`);
    if (!(edgeEnd >= edge && edgeEnd <= edges.rows))
      refuse(levels, l, `edges ${edge} … ${edgeEnd - 1} do not lie within the ${edges.rows} there are`);
    for (; node < nodeEnd; node++) {
      const row = nodes.data[nodes.offset + 2 * node] as number;
      const step = nodes.data[nodes.offset + 2 * node + 1] as number;
      if (!(row >= 0 && row < batch && step >= 0 && step < time))
        refuse(nodes, node, `step ${step} of row ${row} does not lie within ${time} steps of ${batch} rows`);
      if (isSeen(step * batch + row)) refuse(nodes, node, `step ${step} of row ${row} is another node already`);
    }
    let lastParent = first;
    let lastPosition = -1;
    for (; edge < edgeEnd; edge++) {
      const from = edges.offset + 3 * edge;
      const child = edges.data[from] as number;
      const parent = edges.data[from + 1] as number;
      const position = edges.data[from + 2] as number;
      if (!(parent >= lastParent && parent < nodeEnd))
        refuse(
          edges,
          edge,
          `the parent ${parent} is none of the nodes ${lastParent} … ${nodeEnd - 1}, which are next in its level`,
        );
      if (parent > lastParent) lastPosition = -1;
      lastParent = parent;
      if (!(position > lastPosition && (arity === undefined || position < arity)))
        refuse(
          edges,
          edge,
          `the position ${position} does not follow ${lastPosition}${arity === undefined ? "" : ` within an arity of ${arity}`}`,
        );
      lastPosition = position;
      if (!(child >= 0 && child < first))
        refuse(edges, edge, `the child ${child} is in no level below that of node ${parent}`);
      if (nodes.data[nodes.offset + 2 * child] !== nodes.data[nodes.offset + 2 * parent])
        refuse(edges, edge, `the child ${child} is in another row than its parent ${parent}`);
      if (isSeen(places + child)) refuse(edges, edge, `node ${child} has two parents`);
    }
  }
  if (node < nodes.rows) refuse(nodes, node, "it is in no level");
  for (; edge < edges.rows; edge++)
    if (edges.data[edges.offset + 3 * edge] !== -1)
      refuse(edges, edge, "it is in no level; behind the last edge each row must be -1");
}
