/** The function that makes decoders with attention. */
import type { AnyLayer, Symbolic } from "../layer.ts";
import { createLayer, type OptionsOf } from "../make.ts";
import { type AttentionDecoderConfig, attentionDecoder as definition } from "./attentionDecoder.ts";

/** Options of `attentionDecoder`. */
export interface AttentionDecoderOptions
  extends Omit<OptionsOf<AttentionDecoderConfig, never>, "layers" | "attention"> {
  readonly layers: readonly AnyLayer[];
  readonly attention: AnyLayer;
}

/** What a decoder is applied to: what it reads at each step, and the sequence that it attends to. */
export type Decoding = readonly [target: Symbolic<"sequence">, memory: Symbolic<"sequence">];

/** How a decoder begins. */
export interface DecoderCallOptions {
  /** The states of its layers before the first step, one after another, each [batch, units]. Default zeros. */
  readonly initialState?: readonly Symbolic<"features">[];
}

/** A layer of a list, [target, memory]. A chain has no place for it. */
export interface AttentionDecoderLayer extends AnyLayer {
  (inputs: Decoding, options?: DecoderCallOptions): Symbolic<"sequence">;
  readonly pointwise?: never;
}

/** The same with the weights of attention beside it. */
export interface ScoredAttentionDecoderLayer extends AnyLayer {
  (
    inputs: Decoding,
    options?: DecoderCallOptions,
  ): readonly [vectors: Symbolic<"sequence">, scores: Symbolic<"scores">];
  readonly pointwise?: never;
}

/**
 * Recurrences over the steps of a target, with attention to a memory at each of them: `layer([target, memory])`, [batch, targetTime, features] and
 * [batch, memoryTime, memoryFeatures] → the attentional vectors [batch, targetTime, attentionUnits], which an output layer reads. Both may have lengths: what is past the end
 * of a memory is not attended to, and past the end of a target the results are zero. `layer([target, memory], { initialState })` begins with the states of its layers in their order.
 *
 * - `layers`: recurrences that read from the first step on (`lstm`, `gru`, `simpleRnn`, `rnn`), each of which reads what the one before gives. Masks of their `dropout` and
 *   `recurrentDropout` are the same at every step.
 * - `attention`: `attention(…)` or `additiveAttention(…)`. What the layers give is the query, the memory key and value.
 * - `attentionUnits` (null): the attentional vector is tanh(W [context; h]) of so many units, with a `kernel` W (Luong et al. 2015); with null it is [context; h] itself.
 * - `inputFeeding` (false): each step reads the attentional vector of the step before beside its input, the first zeros (Luong et al. 2015, 3.3). Steps then follow one another; without it
 *   all of them are computed at once, as recurrences and attention one behind the other.
 * - `attentionOrder` ("after"): the query is what the layers give at the step. With "before" it is what they gave at the step before, at the first the first state of the last layer, and the layers read the
 *   context beside the input (Bahdanau et al. 2015).
 * - `dropout` (0): the share of features between two layers that training drops, of its own at each step.
 * - `returnAttentionScores` (false): two results, the second the weights of attention [batch, targetTime, memoryTime].
 * - `kernelInitializer` ("glorotUniform"), `kernelRegularizer` (none); `trainable` (true): false freezes W.
 *
 * Its parameters are called after its parts: `attentionDecoder/layer0/W`, `attentionDecoder/attention/kernel`, `attentionDecoder/kernel`.
 *
 * @throws ConfigError for layers that read backward or go on from batch to batch, and for what is no attention; ShapeError where sizes do not fit
 * @example
 * const decoder = attentionDecoder({
 *   layers: [lstm({ units: 64 }), lstm({ units: 64 })],
 *   attention: attention({ scoreMode: "general" }),
 *   attentionUnits: 64,
 *   inputFeeding: true,
 * });
 * const vectors = decoder([words, memory], { initialState: [h, c, h, c] });
 */
export function attentionDecoder(
  options: AttentionDecoderOptions & { readonly returnAttentionScores: true },
): ScoredAttentionDecoderLayer;
export function attentionDecoder(
  options: AttentionDecoderOptions & { readonly returnAttentionScores?: false },
): AttentionDecoderLayer;
export function attentionDecoder(options: AttentionDecoderOptions): AnyLayer {
  return createLayer("attentionDecoder", definition, options as object);
}
