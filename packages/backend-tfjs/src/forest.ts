/** The forest of a step on the host: which rows each level reads. */
import { checkForest, forestInputs, type IndexRows, type Step } from "@ostinato/core";
import { type Rows, rowsOf } from "./rows.ts";
import { type Run, read } from "./run.ts";
import type { TensorInfo } from "./tfjs.ts";

/** A step on trees. */
export type TreeStep = Step<"treeRecur"> | Step<"treeRecurGrad">;

/** The nodes and the edges of one level. */
export interface Level {
  readonly start: number;
  readonly end: number;
  readonly firstEdge: number;
  readonly lastEdge: number;
}

/** Trees as numbers of nodes and edges, which are checked. */
export interface Forest {
  /** Where each node lies in [time, batch]. */
  readonly places: Int32Array;
  /** Of each edge; those behind the last are -1. */
  readonly children: Int32Array;
  readonly parents: Int32Array;
  /** Of each child among its siblings. */
  readonly positions: Int32Array;
  /** From the leaves on. */
  readonly levels: readonly Level[];
}

/** An index tensor: as it was fed, or read from the device where it was computed. */
function indexesOf(run: Run, step: TreeStep, input: number, what: string): IndexRows {
  const number = step.inputs[input] as number;
  const { name = what, data = run.device.readNow(read(run, number)) } = run.fed.get(number) ?? {};
  return { name, data, offset: 0, rows: read(run, number).shape[0] as number };
}

const columnOf = ({ data, rows }: IndexRows, width: number, column: number): Int32Array =>
  Int32Array.from({ length: rows }, (_, row) => data[row * width + column] as number);

/** @throws DataError for indexes that are not those of trees within the sequences */
export function forestOf(run: Run, step: TreeStep): Forest {
  const nodes = indexesOf(run, step, 0, "nodes");
  const edges = indexesOf(run, step, 1, "edges");
  const levels = indexesOf(run, step, 2, "levels");
  const [time, batch] = read(run, step.inputs[forestInputs] as number).shape as [number, number];
  checkForest({ nodes, edges, levels }, { time, batch, arity: step.attrs.arity });
  const rows = columnOf(nodes, 2, 0);
  const [ends, lastEdges] = [columnOf(levels, 2, 0), columnOf(levels, 2, 1)];
  return {
    places: columnOf(nodes, 2, 1).map((step, node) => step * batch + (rows[node] as number)),
    children: columnOf(edges, 3, 0),
    parents: columnOf(edges, 3, 1),
    positions: columnOf(edges, 3, 2),
    levels: Array.from(ends, (end, l) => ({
      start: ends[l - 1] ?? 0,
      end,
      firstEdge: lastEdges[l - 1] ?? 0,
      lastEdge: lastEdges[l] as number,
    })),
  };
}

/** What a step reads at the nodes of a level, and what it reads of their children. */
export function readerOf({ device }: Run, { attrs: { arity } }: TreeStep, forest: Forest) {
  const { places, children, parents, positions } = forest;
  return {
    /** The steps of `x` [time, batch, …], for `atNodes`. */
    steps: (x: TensorInfo): Rows => {
      const [time = 0, batch = 0, ...row] = x.shape;
      return rowsOf(device, [device.reshape(x, [time * batch, ...row])]);
    },
    atNodes: (steps: Rows, { start, end }: Level): TensorInfo => steps.take(places.subarray(start, end)),
    /** Of rows by the number of their node. Without an arity the children one after another; with one, for each position those of all nodes. */
    ofChildren: (rows: Rows, { start, end, firstEdge, lastEdge }: Level): TensorInfo[] => {
      if (arity === undefined) return [rows.take(children.subarray(firstEdge, lastEdge))];
      const at = Array.from({ length: arity }, () => new Int32Array(end - start).fill(-1));
      for (let edge = firstEdge; edge < lastEdge; edge++)
        (at[positions[edge] as number] as Int32Array)[(parents[edge] as number) - start] = children[edge] as number;
      return at.map((numbers) => rows.take(numbers));
    },
    /** The row in the level of each child's parent, where the body asks for it. */
    ofParents: ({ start, firstEdge, lastEdge }: Level): TensorInfo[] => {
      if (arity !== undefined) return [];
      const rows = parents.subarray(firstEdge, lastEdge).map((parent) => parent - start);
      return [device.upload(rows, [rows.length], "int32")];
    },
    /** What is made for children in the form of `ofChildren`, by edge. It is released. */
    byEdge: (made: readonly TensorInfo[], { start, end, firstEdge, lastEdge }: Level): TensorInfo => {
      const parts = made as readonly [TensorInfo, ...TensorInfo[]];
      if (arity === undefined) return parts[0];
      const rows = rowsOf(device, parts);
      const numbers = Int32Array.from(
        { length: lastEdge - firstEdge },
        (_, i) => (positions[firstEdge + i] as number) * (end - start) + (parents[firstEdge + i] as number) - start,
      );
      const inOrder = rows.take(numbers);
      rows.release();
      return inOrder;
    },
  };
}
