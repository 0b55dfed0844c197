/** The door for cells of trees of one's own: what a node makes of its input and of its children, for the layer `treeRnn` to run. */
import type { Dim, Value } from "../../ir/value.ts";
import type { Parts } from "../define.ts";
import { type BuildContext, carried } from "../layer.ts";
import type { Json } from "../options.ts";
import { type CellForm, type CellKind, type CellMaker, cellMaker } from "../recurrent/cell.ts";

/** What a cell of trees reads. */
export interface TreeCellInput {
  /** How many features a node has. */
  readonly features: number;
  /** The size of the batch, for the shapes of masks on inputs: [batch, features]. */
  readonly batch: Dim;
}

/** What the nodes of a level are given, all together: [level, …]. */
export interface TreeNodes<S extends string = string> {
  /** What `prepare` made of the nodes; without it their inputs [level, features]. */
  readonly x: Value;
  /**
   * The states of the children. With `arity` one for each place, [level, size], zeros where a node has no child there. Without, a single one,
   * [children, size]: the children of the first node, then those of the second, and so on.
   */
  readonly children: readonly { readonly [K in S]: Value }[];
  /** Without `arity`: for each node the sum over its children, [children, …] → [level, …]. @throws ConfigError where there is an arity */
  sum(ofChildren: Value): Value;
  /** Without `arity`: for each child what its parent has, [level, …] → [children, …]. @throws ConfigError where there is an arity */
  ofParent(ofNodes: Value): Value;
}

/** A cell of trees with its parameters: what is computed once, and what at each node. */
export interface BuiltTreeCell<S extends string = string> {
  /** What can be computed for all nodes at once: of x [time, batch, features] a value [time, batch, …], such as its product with a kernel. */
  prepare?(x: Value): Value;
  /** The states of the nodes of a level, each [level, size]. It is called once, with placeholders. */
  node(nodes: TreeNodes<S>): { readonly states: { readonly [K in S]: Value } };
}

/** A kind of cell of trees of one's own. `O` are the options of its users, `C` what it makes of them, `S` the names of its states. */
export interface OwnTreeCell<O, C, S extends readonly string[]> extends CellKind<O, C, S> {
  /** The most children of a node, which then have places. Default: any number, in no order. */
  arity?(config: C): number | undefined;
  /** Asks for parameters and masks, once for all nodes. */
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
 * A cell of trees of one's own, for the layer `treeRnn`: `treeRnn(sumTree({ units: 8 }))`. What a node computes is written in the ops of
 * `@ostinato/core/graph`; its gradient, forests of any trees and its export to ONNX follow from it. A file that has it is read with it:
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
