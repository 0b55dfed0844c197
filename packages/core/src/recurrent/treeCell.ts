/** Every cell of trees as a `treeRecur`: its formula over the nodes of a level. The product with W is made for all nodes at once, before it. */
import type {
  PlacingCell,
  PlacingNode,
  SummingCell,
  SummingNode,
  TreeCell,
  TreeFacts,
} from "../cells/trees/treeCell.ts";
import { add, div, exp, less, maximum, mul, select, sub } from "../ir/build/elementwise.ts";
import { gather, scatterAdd } from "../ir/build/index.ts";
import { dot } from "../ir/build/linear.ts";
import { broadcast, concat, slice } from "../ir/build/shape.ts";
import { full } from "../ir/build/source.ts";
import type { TreeValues } from "../ir/forest.ts";
import type { RecurrentActivation } from "../ir/recurrences.ts";
import type { Dim, Value } from "../ir/value.ts";
import { functionOf } from "./recurrence.ts";
import { type TreeLevel, treeRecur } from "./treeRecur.ts";

/** Whether the children of a node have places. */
const isPlacing = (cell: TreeCell): cell is PlacingCell => "placing" in cell;

/** How many blocks of rows a run of gates of R has. */
const blocksOf = ({ ofEachChild }: TreeFacts, gates: readonly string[], arity: number): number =>
  gates.reduce((sum, gate) => sum + (ofEachChild.includes(gate) ? arity : 1), 0);

/** The shapes of the weights of a cell, for inputs of so many features. */
export function treeWeightShapes(
  cell: TreeCell,
  { features, units, arity = 1 }: { readonly features: number; readonly units: number; readonly arity?: number },
): { readonly [W in "W" | "R" | "B" | "V"]?: readonly number[] } {
  const own = cell.gates.length * units;
  const width = arity * units;
  return {
    ...(cell.leavesAreInputs ? {} : { W: [own, features] }),
    R: [blocksOf(cell, cell.gates, arity) * units, width],
    B: [own],
    ...(cell.bilinear ? { V: [units, width, width] } : {}),
  };
}

/** What a cell of trees reads. */
export interface TreeCellInputs {
  /** [time, batch, features]. */
  readonly X: Value;
  /** [gates * hidden, features]; of cells whose leaves are inputs there is none. */
  readonly W?: Value | undefined;
  /** The rows and columns of `treeWeightShapes`. */
  readonly R: Value;
  /** [gates * hidden]. Default zeros. */
  readonly B?: Value | undefined;
  /** [hidden, arity * hidden, arity * hidden], of cells with a bilinear form. */
  readonly V?: Value | undefined;
  /** [batch, hidden]: a dropout mask on the first state of children on its way to the gates. */
  readonly recurrentMask?: Value | undefined;
}

/** How a cell of trees is computed. */
export interface TreeCellSettings {
  readonly tree: TreeValues;
  readonly units: number;
  /** The places of children, of cells that have some. */
  readonly arity?: number | undefined;
  /** As many as the cell has by default, in that order. */
  readonly activations: readonly RecurrentActivation[];
}

/** What both kinds of formulas are given. */
const arithmetic = { add, sub, mul, div, maximum, exp };

/** The states of a cell at all nodes: [time, batch, hidden] each, zeros past the nodes of a row. */
export function treeStates(
  cell: TreeCell,
  { X, W, R, B, V, recurrentMask }: TreeCellInputs,
  { tree, units, arity, activations }: TreeCellSettings,
): Value[] {
  const { gates, products, states, leavesAreInputs } = cell;
  const places = isPlacing(cell) ? (arity as number) : 1;
  const [time, batch] = X.type.shape as [Dim, Dim, number];
  const x = W ? dot(X, W, { contract: [[2], [1]] }) : X;
  /** The rows of R of each product, where they are not all. */
  const rows = products.map((own) => {
    const size = blocksOf(cell, own, places) * units;
    const start = blocksOf(cell, gates.slice(0, gates.indexOf(own[0] as string)), places) * units;
    return size === R.type.shape[0] ? R : slice(R, 0, start, size);
  });
  const inside = leavesAreInputs ? B : undefined;
  const constants = [...rows, ...(inside ? [inside] : []), ...(V ? [V] : [])];
  const mask = recurrentMask && broadcast(recurrentMask, [time, batch, units], [1, 2]);

  const body = ({ children, slices, parents, constants: fixed, level }: TreeLevel): readonly Value[] => {
    const constant = (value: Value): Value => fixed[constants.indexOf(value)] as Value;
    const [own, ofRow] = slices as readonly [Value, Value | undefined];
    const product = (state: Value, k: number): Value =>
      dot(state, constant(rows[k] as Value), { contract: [[1], [1]] });
    const shared = {
      ...arithmetic,
      x: own,
      activations: activations.map(functionOf),
      gate(sums: Value, gate: string, k?: number, place = 0): Value {
        const run = k === undefined ? gates : (products[k] as readonly string[]);
        const before = run.slice(0, run.indexOf(gate));
        const block = k === undefined ? before.length : blocksOf(cell, before, places) + place;
        const width = sums.type.shape[1] as number;
        return width === units ? sums : slice(sums, 1, block * units, units);
      },
    };
    if (!isPlacing(cell)) {
      const of = parents as Value;
      const node: SummingNode<TreeFacts, Value> = {
        ...shared,
        children: children.map(([state]) => state as Value),
        sum: (ofChildren) => scatterAdd(of, ofChildren, level),
        ofParent: (ofNodes) => gather(ofNodes, of),
        recur(state, k) {
          const isOfNodes = state.type.shape[0] === level;
          return product(ofRow ? mul(state, isOfNodes ? ofRow : gather(ofRow, of)) : state, k);
        },
      };
      return (cell as SummingCell).summing(node);
    }
    const present = leavesAreInputs ? (children.at(-1) as readonly Value[]) : [];
    const sideBySide = (all: readonly Value[]): Value =>
      concat(
        all.map((state) => (ofRow ? mul(state, ofRow) : state)),
        1,
      );
    const node: PlacingNode<TreeFacts, Value> = {
      ...shared,
      children: Array.from({ length: places }, (_, place) => states.map((_, s) => children[s]?.[place] as Value)),
      recur(all, k) {
        const sum = product(sideBySide(all), k);
        return inside ? add(sum, broadcast(constant(inside), sum.type.shape, [1])) : sum;
      },
      bilinear(all) {
        const s = sideBySide(all);
        const once = dot(s, constant(V as Value), { contract: [[1], [2]] });
        return dot(once, s, { batch: [[0], [0]], contract: [[2], [1]] });
      },
      orLeaf(withChildren, leaf) {
        const some = less(0, present.reduce(maximum));
        return select(broadcast(some, leaf.type.shape, [0]), withChildren, leaf);
      },
    };
    const after = cell.placing(node);
    return leavesAreInputs ? [...after, full(1, [level])] : after;
  };

  return treeRecur({
    tree,
    sequences: [B && !leavesAreInputs ? add(x, B) : x, ...(mask ? [mask] : [])],
    constants,
    // Where leaves are another thing than nodes with children, a last state tells of a child that it is there.
    states: [...states.map(() => [units]), ...(leavesAreInputs ? [[]] : [])],
    arity: isPlacing(cell) ? places : undefined,
    body,
  }).slice(0, states.length);
}
