/** The functions that make tree layers. */
import type { Kind } from "../kinds.ts";
import type { AnyLayer, Symbolic } from "../layer.ts";
import { createLayer as create, type OptionsOf } from "../make.ts";
import {
  type RecursiveConfig,
  type RecursiveTensorConfig,
  recursive as recursiveLayer,
  recursiveTensor as tensorLayer,
} from "./recursive.ts";
import { type TreeGruConfig, treeGru as treeGruLayer } from "./treeGru.ts";
import { type TreeLstmConfig, treeLstm as treeLstmLayer } from "./treeLstm.ts";

/** A layer over the nodes of trees. Its input is `input({ …, tree: true })`, or the output of other layers over its nodes. */
export interface TreeLayer<Out extends Kind> extends AnyLayer {
  (input: Symbolic<"sequence">): Symbolic<Out>;
  readonly pointwise?: never;
}

/** Makes a tree layer; the kind of its output depends on `returnSequences`. */
interface TreeMaker<O> {
  (options: O & { readonly returnSequences: true }): TreeLayer<"sequence">;
  (options: O & { readonly returnSequences?: false }): TreeLayer<"features">;
  (options: O): TreeLayer<"sequence" | "features">;
}

/** `arity` is required where children have positions, and must be left out where they are summed. */
type Typed<C> = Omit<OptionsOf<C & { readonly units: number }, "units">, "type" | "arity"> &
  ({ readonly type?: "childSum"; readonly arity?: null } | { readonly type: "nary"; readonly arity: number });

/**
 * A Tree-LSTM (Tai, Socher and Manning 2015): computes the states of each node from its input and the states of its children. The nodes of a tree are the
 * steps of a sequence: [batch, nodes, features] → [batch, units], the state of the root, or with `returnSequences` [batch, nodes, units], the state of every node.
 *
 * - `type` ("childSum"): for any number of children in any order, as in dependency trees. The gates depend on the sum of their states, and each child has a
 *   forget gate; a chain of nodes is an `lstm` with the same weights. "nary": for up to `arity` (at most 256) children in order, as in binary parse trees. Each
 *   position has its own weights, and its forget gate depends on all children. A node with more children is a `DataError` that names the row and the node.
 * - `activation` ("tanh") is for the candidate and the output, `recurrentActivation` ("sigmoid") for the gates: any of `recurrentActivationNames`.
 * - `dropout` (0) drops features of the inputs of nodes, `recurrentDropout` (0) units of the states of children that enter the gates, in training only. Each
 *   tree has one mask for each of the two, the same at all of its nodes and gates.
 * - `kernelInitializer` ("glorotUniform"), `recurrentInitializer` ("orthogonal"), `biasInitializer` ("zeros", but ones for the forget gate by
 *   `unitForgetBias`, true); `useBias` (true).
 * - `kernelRegularizer`, `recurrentRegularizer`, `biasRegularizer` (none): { l1, l2 }.
 * - `trainable` (true): false freezes the weights.
 *
 * The weights are W [4 · units, features], R and B [4 · units], with the rows of the gates i, o, f, c. R is [4 · units, units]; with "nary"
 * [(3 + arity) · units, arity · units], with the rows of i, o, f of each child, c, and the columns of each child.
 *
 * @throws ConfigError where `arity` does not go with the type; ShapeError where the input has no trees
 * @example
 * const sentiment = sequential([
 *   input({ shape: ["nodes"], tree: true }),
 *   embedding({ inputDim: 5000, outputDim: 50, maskZero: true }), // 0: a node without a word
 *   treeLstm({ units: 100, type: "nary", arity: 2, returnSequences: true }),
 *   dense({ units: 5, activation: "softmax" }), // a label for each node
 * ]);
 */
export const treeLstm: TreeMaker<Typed<TreeLstmConfig>> = (options: object) =>
  create("treeLstm", treeLstmLayer, options);

/**
 * A gated recurrent unit over trees: [batch, nodes, features] → [batch, units], the state of the root, or with `returnSequences` [batch, nodes, units]. The
 * options are those of `treeLstm` without `unitForgetBias`. With `type` "childSum" (Zhou, Liu and Pan 2016) the previous state is the sum of the states of the
 * children; a chain is a `gru` with `resetAfter: false` and the same weights. With "nary" each of up to `arity` children has a reset gate and an update gate, which
 * depend on all children. The update gates are a softmax over the children and the candidate (Chen et al. 2015), whatever `recurrentActivation` is.
 *
 * The weights are W [3 · units, features], R and B [3 · units], with the rows of the gates z, r, h. R is [3 · units, units]; with "nary"
 * [(2 · arity + 1) · units, arity · units], with the rows of z of each child, r of each child, h.
 *
 * @throws ConfigError where `arity` does not go with the type; ShapeError where the input has no trees
 * @example treeGru({ units: 100, type: "nary", arity: 2 })
 */
export const treeGru: TreeMaker<Typed<TreeGruConfig>> = (options: object) => create("treeGru", treeGruLayer, options);

/**
 * The recursive network (Socher, Lin, Ng and Manning 2011). The state of a leaf is its input; the state of any other node is `activation(x + R · [h0; …] + B)` of up to `arity` (2) children
 * in order, where x is zero for a node without a word. [batch, nodes, units] → [batch, units], the root, or with `returnSequences` [batch, nodes, units].
 *
 * Inputs must be as wide as `units`; put `dense({ units })` before it if yours are not. There is no kernel: the options are those of `treeLstm` without `type`
 * and without those of the gates and of the kernel. The weights are R [units, arity · units] and B [units].
 *
 * @throws ShapeError where inputs are of another width, or have no trees
 * @example
 * sequential([
 *   input({ shape: ["nodes"], tree: true }),
 *   embedding({ inputDim: 5000, outputDim: 30, maskZero: true }),
 *   recursive({ units: 30 }),
 *   dense({ units: 5, activation: "softmax" }),
 * ]);
 */
export const recursive: TreeMaker<OptionsOf<RecursiveConfig, "units">> = (options: object) =>
  create("recursive", recursiveLayer, options);

/**
 * The recursive neural tensor network (Socher et al. 2013): `recursive` with a bilinear form of the states of the children,
 * `activation(x + sᵀ · V · s + R · s + B)`, where s is the concatenated states of all children. The options are those of `recursive`, and `tensorInitializer`
 * ("glorotUniform") and `tensorRegularizer` (none) for V [units, arity · units, arity · units]: its size grows with the cube of the units, which were 25 to 35 in
 * the paper.
 *
 * @throws ShapeError where inputs are of another width, or have no trees
 * @example recursiveTensor({ units: 25, returnSequences: true })
 */
export const recursiveTensor: TreeMaker<OptionsOf<RecursiveTensorConfig, "units">> = (options: object) =>
  create("recursiveTensor", tensorLayer, options);
