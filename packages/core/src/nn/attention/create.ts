/** The functions that make layers of attention. */
import type { AnyLayer, Symbolic } from "../layer.ts";
import { createLayer as create, type OptionsOf } from "../make.ts";
import {
  type AdditiveAttentionConfig,
  type AttentionConfig,
  additiveAttention as additiveAttentionLayer,
  attention as attentionLayer,
} from "./attention.ts";

/** What attention is applied to. Without a key, the value is the key too. */
export type Attended<Query extends "sequence" | "features"> = readonly [
  query: Symbolic<Query>,
  value: Symbolic<"sequence">,
  key?: Symbolic<"sequence">,
];

/** A layer of a list, [query, value] or [query, value, key], which gives what its query is. A chain has no place for it. */
export interface AttentionLayer extends AnyLayer {
  <Query extends "sequence" | "features">(inputs: Attended<Query>): Symbolic<Query>;
  readonly pointwise?: never;
}

/** The same with the weights beside it: `const [context, scores] = layer([query, value])`. */
export interface ScoredAttentionLayer extends AnyLayer {
  <Query extends "sequence" | "features">(
    inputs: Attended<Query>,
  ): readonly [context: Symbolic<Query>, scores: Symbolic<"scores">];
  readonly pointwise?: never;
}

/** Makes a layer of attention; what it gives depends on whether it is to return the weights. */
export interface AttentionMaker<C extends { readonly returnAttentionScores: boolean }> {
  (options: OptionsOf<C, never> & { readonly returnAttentionScores: true }): ScoredAttentionLayer;
  (options?: OptionsOf<C, never> & { readonly returnAttentionScores?: false }): AttentionLayer;
}

/**
 * Attention by products (Luong et al. 2015): `attention()([query, value])` or `([query, value, key])`. Each step of the query [batch, queryTime, features]
 * is given the sum of the values [batch, valueTime, valueFeatures], weighed by the softmax of how the keys at their steps fit it:
 * [batch, queryTime, valueFeatures]. A query of features [batch, features], such as a state, is one step: the result is [batch, valueFeatures]. Without a key the
 * values are the keys; `layer([x, x])` is self-attention.
 *
 * Steps past the end of the value, or of the key, have weight 0; a row whose value has no steps gives zeros. The result has the query's lengths, with zeros past its end.
 *
 * - `scoreMode` ("dot"): "dot" is q · k, "scaled" q · k / √features, "general" qᵀ W k with a `kernel` [query features, key features], which need not have the same number of
 *   features, "concat" w Σ tanh(q + k) with one number w.
 * - `useScale` (false): scores are multiplied by one number that is learned; that of "concat" multiplies q + k.
 * - `useCausalMask` (false): each step attends to those up to itself. Query and value are over the same time axis.
 * - `dropout` (0): the share of weights that training drops.
 * - `returnAttentionScores` (false): two results, the second the weights [batch, queryTime, valueTime], or [batch, valueTime] for a query of features. They can be an
 *   output of the model, without a loss.
 * - `kernelInitializer` ("glorotUniform"), `kernelRegularizer` (none): of "general". `trainable` (true): false freezes the weights.
 *
 * @example
 * const [context, scores] = attention({ scoreMode: "general", returnAttentionScores: true })([state, encoded]);
 *
 * @throws ConfigError, ShapeError with the layer and the shapes, for other kinds of inputs, numbers of features or time axes that do not fit
 */
export const attention: AttentionMaker<AttentionConfig> = (options?: object): never =>
  create("attention", attentionLayer, options) as never;

/**
 * Additive attention (Bahdanau et al. 2015): as `attention`, with the scores Σ scale ∘ tanh(q + k).
 *
 * - `units` (null): query and key are projected to this number of features first, by a `queryKernel` and a `keyKernel`, as in the paper: vᵀ tanh(W q + U k). Without it, as
 *   in Keras, both have the same number of features.
 * - `useScale` (true): the vector `scale` is learned; with false it is ones.
 * - `useCausalMask`, `dropout`, `returnAttentionScores`, `kernelInitializer`, `kernelRegularizer`, `trainable`: as in `attention`.
 *
 * It computes queryTime · valueTime · units numbers for each row, and training keeps some copies of them.
 *
 * @example
 * const context = additiveAttention({ units: 32 })([state, encoded]);
 */
export const additiveAttention: AttentionMaker<AdditiveAttentionConfig> = (options?: object): never =>
  create("additiveAttention", additiveAttentionLayer, options) as never;
