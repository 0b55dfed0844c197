/** Tree cells that users define: how a node's states follow from its input and its children. The layer `treeRnn` runs them. */
import type { Dim, Value } from "../../ir/value.ts";
import type { Parts } from "../define.ts";
import { type BuildContext, carried } from "../layer.ts";
import type { Json } from "../options.ts";
import { type CellForm, type CellKind, type CellMaker, cellMaker } from "../recurrent/cell.ts";

/** The input of a tree cell. */
export interface TreeCellInput {
  /** The number of features of a node. */
  readonly features: number;
  /** The size of the batch, for the shapes of masks on inputs: [batch, features]. */
  readonly batch: Dim;
}

/** The inputs of all nodes of a level together: [level, …]. */
export interface TreeNodes<S extends string = string> {
  /** The result of `prepare` for these nodes; without `prepare` their inputs [level, features]. */
  readonly x: Value;
  /**
   * The states of the children. With `arity` there is an entry for each position, [level, size], with zeros for missing children. Without, there is one entry,
   * [children, size]: the children of the first node, then those of the second, and so on.
   */
  readonly children: readonly { readonly [K in S]: Value }[];
  /** Without `arity`: the sum over the children of each node, [children, …] → [level, …]. @throws ConfigError where there is an arity */
  sum(ofChildren: Value): Value;
  /** Without `arity`: the value of the parent of each child, [level, …] → [children, …]. @throws ConfigError where there is an arity */
  ofParent(ofNodes: Value): Value;
}

/** A tree cell with its parameters: a part that runs once for all nodes, and a part that runs for each level. */
export interface BuiltTreeCell<S extends string = string> {
  /** Computes what depends only on the inputs, for all nodes at once: x [time, batch, features] → [time, batch, …], such as a product with a kernel. */
  prepare?(x: Value): Value;
  /** The states of the nodes of a level, each [level, size]. It is called once, with placeholders. */
  node(nodes: TreeNodes<S>): { readonly states: { readonly [K in S]: Value } };
}

/** A kind of tree cell. `O` are its options, `C` its parsed options, `S` the names of its states. */
export interface OwnTreeCell<O, C, S extends readonly string[]> extends CellKind<O, C, S> {
  /** The most children of a node, which then have positions. Default: any number of children, in any order. */
  arity?(config: C): number | undefined;
  /** Makes parameters and masks, once for all nodes. */
  build(context: BuildContext, config: C, input: TreeCellInput): BuiltTreeCell<S[number]>;
}

/** A cell of trees as the layer `treeRnn` knows it. */
export type TreeCellDefinition = OwnTreeCell<unknown, Json, readonly string[]>;

/** Where cells of trees come from, and what runs them. */
export const ofTrees: CellForm = { maker: "defineTreeCell", layer: "treeRnn" };

/** What builds a cell that `parseCell` gave. */
export const treeCellOf = (cell: object): TreeCellDefinition => carried(cell) as TreeCellDefinition;

const parts: Parts<TreeCellDefinition> = {
  kind: "data",
  parse: "function",
  states: "data",
  sizes: "function",
  arity: "function or nothing",
  build: "function",
};

/**
 * Defines a tree cell for the layer `treeRnn`: `treeRnn(sumTree({ units: 8 }))`. Write the computation of a node in the ops of `@ostinato/core/graph`; its
 * gradient, batches of trees of any shape, and export to ONNX need no further code. Pass the cell to `loadModel` to read a file with it:
 * `loadModel(path, { layers: [sumTree] })`.
 *
 * @throws ConfigError where the definition is not complete, or its kind is a layer of the library
 *
 * @example
 * // h = tanh(W · x + R · Σ h of the children)
 * const sumTree = defineTreeCell({
 *   kind: "sumTree",
 *   parse: (options: { units: number }, owner) => ({ units: new OptionReader(owner, options, ["units"]).integer("units", 1) }),
 *   states: ["h"],
 *   sizes: ({ units }) => ({ h: units }),
 *   build({ parameter }, { units }, { features }) {
 *     const kernel = parameter("kernel", [features, units], "glorotUniform");
 *     const recurrent = parameter("recurrent", [units, units], "orthogonal");
 *     return {
 *       prepare: (x) => matmul(x, kernel),
 *       node: ({ x, children: [{ h }], sum }) => ({ states: { h: tanh(add(x, sum(matmul(h, recurrent)))) } }),
 *     };
 *   },
 * });
 */
export function defineTreeCell<O, C extends object, const S extends readonly string[]>(
  own: OwnTreeCell<O, C, S>,
): CellMaker<O, S> {
  return cellMaker(ofTrees, own, parts, {
    arity: (config: C) => own.arity?.(config),
    build: (context: BuildContext, config: C, input: TreeCellInput) => own.build(context, config, input),
  });
}
