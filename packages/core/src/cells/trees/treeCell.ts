/**
 * The form of a cell of trees: what is known of it, and what it computes at a node from the node's input and the states of its children. As that of a
 * recurrence, a formula is handed its arithmetic, for all nodes of a level together, and its file imports no other.
 */
import type { RecurrentActivationFunction } from "../activations.ts";

/** What is known of a cell beside its formula. */
export interface TreeFacts {
  /** The blocks of rows of W and B, and those of R but for `ofEachChild`. */
  readonly gates: readonly string[];
  /** The gates of which R has a block for each place of a child, one after another. */
  readonly ofEachChild: readonly string[];
  /** The products with R that a node makes: each a run of gates, in their order. */
  readonly products: readonly (readonly string[])[];
  /** What children hand to their parent, each [nodes, hidden]. The first is the output. */
  readonly states: readonly string[];
  /** The activations by default: of the gates where there are some, then of the candidate and of the output. */
  readonly activations: readonly RecurrentActivationFunction[];
  /** A node without children is its input, which is as wide as a state. There is no W, and B is added to the product with R. */
  readonly leavesAreInputs?: true;
  /** There is V [hidden, arity * hidden, arity * hidden], in which each two states of children meet. */
  readonly bilinear?: true;
}

type Gate<F extends TreeFacts> = F["gates"][number];
type Each<Names extends readonly unknown[], T> = { readonly [I in keyof Names]: T };

/** What every formula is given. Sums over gates are [nodes, gates * hidden], everything else is [nodes, hidden]. */
interface Arithmetic<F extends TreeFacts, V> {
  /** W·x + B, over all gates; where leaves are inputs x itself. */
  readonly x: V;
  /** The part of a sum over all gates that belongs to one of them, or that of a product; of a gate of each child, to the child at that place. */
  gate(sums: V, name: Gate<F>, product?: number, place?: number): V;
  /** The activation functions in the order of the facts. */
  readonly activations: Each<F["activations"], (x: V) => V>;
  /** Element by element, and with one number for all. */
  add(a: V | number, b: V | number): V;
  sub(a: V | number, b: V | number): V;
  mul(a: V | number, b: V | number): V;
  div(a: V | number, b: V | number): V;
  maximum(a: V | number, b: V | number): V;
  exp(x: V): V;
}

/** Nodes with any number of children, in no order. What is of children is [children, hidden]: those of all nodes, one after another. */
export interface SummingNode<F extends TreeFacts, V> extends Arithmetic<F, V> {
  /** The states of all children. */
  readonly children: Each<F["states"], V>;
  /** `state`·Rᵀ over the gates of a product, for each child or for each node. */
  recur(state: V, product: number): V;
  /** For each node the sum of what its children have. */
  sum(ofChildren: V): V;
  /** For each child what its parent has. */
  ofParent(ofNodes: V): V;
}

/** Nodes whose children have places, from 0 to below the arity. */
export interface PlacingNode<F extends TreeFacts, V> extends Arithmetic<F, V> {
  /** The states of the child at each place; zeros where there is none. */
  readonly children: readonly Each<F["states"], V>[];
  /** [states of all places, side by side]·Rᵀ over the gates of a product. */
  recur(states: readonly V[], product: number): V;
  /** `node` for a node that has children, `leaf` for one that has none. */
  orLeaf(node: V, leaf: V): V;
  /** With s, the states of all places side by side: sᵀ·Vj·s for each j of the hidden size. */
  bilinear(states: readonly V[]): V;
}

/** A cell that sums over children. */
export type SummingCell<F extends TreeFacts = TreeFacts> = F & {
  summing<V>(node: SummingNode<F, V>): Each<F["states"], V>;
};

/** A cell whose children have places. */
export type PlacingCell<F extends TreeFacts = TreeFacts> = F & {
  placing<V>(node: PlacingNode<F, V>): Each<F["states"], V>;
};

/** A cell of trees. */
export type TreeCell = SummingCell | PlacingCell;

/** Facts and formula in one. */
export const summingCell = <const F extends TreeFacts>(facts: F, summing: SummingCell<F>["summing"]): SummingCell =>
  ({ ...facts, summing }) as unknown as SummingCell;

/** Facts and formula in one. */
export const placingCell = <const F extends TreeFacts>(facts: F, placing: PlacingCell<F>["placing"]): PlacingCell =>
  ({ ...facts, placing }) as unknown as PlacingCell;
