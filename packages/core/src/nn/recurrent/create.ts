/** The functions that make recurrent layers. */
import type { Kind } from "../kinds.ts";
import type { AnyLayer, Symbolic } from "../layer.ts";
import { createLayer as create, type OptionsOf } from "../make.ts";
import { bidirectional as bidirectionalLayer, type MergeMode } from "./bidirectional.ts";
import { type GruConfig, gru as gruLayer } from "./gru.ts";
import type {
  BidirectionalLayer,
  Recurrent,
  RecurrentLayer,
  SequenceOrFeatures,
  StatefulLayer,
  States,
} from "./layer.ts";
import { type LstmConfig, lstm as lstmLayer } from "./lstm.ts";
import { type SimpleRnnConfig, simpleRnn as simpleRnnLayer } from "./simpleRnn.ts";

/** Makes a recurrent layer; what it gives depends on what it is to return. */
interface RecurrentMaker<O, R extends Recurrent> {
  (options: O & { readonly returnSequences: true; readonly returnState: true }): StatefulLayer<"sequence", R>;
  (options: O & { readonly returnSequences?: false; readonly returnState: true }): StatefulLayer<"features", R>;
  (options: O & { readonly returnSequences: true; readonly returnState?: false }): RecurrentLayer<"sequence", R>;
  (options: O & { readonly returnSequences?: false; readonly returnState?: false }): RecurrentLayer<"features", R>;
  (options: O & { readonly returnState: true }): StatefulLayer<SequenceOrFeatures, R>;
  (options: O & { readonly returnState?: false }): RecurrentLayer<SequenceOrFeatures, R>;
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997): [batch, time, features] → [batch, units], the state at the end of each
 * row, or with `returnSequences` [batch, time, units]. With `returnState` three results, `[y, h, c]`: that output, and the hidden and the cell
 * state at the end, each [batch, units]. The states it begins with are zeros, or come with the call: `layer(x, { initialState: [h, c] })`.
 *
 * - `activation` ("tanh") makes the candidate and the output, `recurrentActivation` ("sigmoid") the gates: any of `recurrentActivationNames`, as Keras 3 has them. Backends are
 *   fastest by default.
 * - `reverse` (false) reads from the end of each row to its start; outputs stay in their places.
 * - `stateful` (false): each row begins with the states at the end of that row in the batch before, so that a text longer than a batch is read on. The
 *   gradient ends where a batch begins. `fit` begins every epoch anew; see `continuousBatches`, and `resetStates` of trainers and predictors.
 * - `dropout` (0) drops features of the input, `recurrentDropout` (0) units of the state on its way to the gates, in training only. Each
 *   batch has new masks, the same at every step: one [batch, features] for the input, one [batch, units] for each gate for the state.
 *   (Keras makes four masks of the input's too where there is recurrent dropout; here the gates share one.)
 * - `kernelInitializer` ("glorotUniform"), `recurrentInitializer` ("orthogonal"), `biasInitializer` ("zeros", but ones for the forget gate
 *   by `unitForgetBias`, true); `useBias` (true).
 * - `kernelRegularizer`, `recurrentRegularizer`, `biasRegularizer` (none): { l1, l2 }.
 * - `trainable` (true): false freezes the weights.
 *
 * @example
 * const [y, h, c] = lstm({ units: 32, returnSequences: true, returnState: true })(x);
 * const next = lstm({ units: 32 })(y, { initialState: [h, c] });
 */
export const lstm: RecurrentMaker<OptionsOf<LstmConfig, "units">, "lstm"> = (options) =>
  create("lstm", lstmLayer, options);

/**
 * Gated recurrent unit (Cho et al. 2014): [batch, time, features] → [batch, units], or with `returnSequences` [batch, time, units]. With
 * `returnState` two results, `[y, h]`; a call takes `{ initialState: [h] }`. The options of `lstm` but `unitForgetBias`, and
 *
 * - `resetAfter` (true): the reset gate comes after the product with the recurrent weights, which then has a bias of its own, as in Keras and
 *   PyTorch; with false before it, as in the paper.
 *
 * @example
 * const [y, h] = gru({ units: 32, returnSequences: true, returnState: true })(x);
 */
export const gru: RecurrentMaker<OptionsOf<GruConfig, "units">, "gru"> = (options) => create("gru", gruLayer, options);

/**
 * The simple recurrent network (Elman 1990), `activation(x · W + h · R + B)`: [batch, time, features] → [batch, units], or with `returnSequences`
 * [batch, time, units]. With `returnState` two results, `[y, h]`; a call takes `{ initialState: [h] }`. The options of `lstm` but those of gates.
 */
export const simpleRnn: RecurrentMaker<OptionsOf<SimpleRnnConfig, "units">, "rnn"> = (options) =>
  create("simpleRnn", simpleRnnLayer, options);

/** Options of `bidirectional`; `L` is the type of the backward layer. */
export interface BidirectionalOptions<L> {
  /** How the outputs of both directions become one: side by side ("concat", default), their sum, product or mean. */
  readonly mergeMode?: MergeMode;
  /** The layer that reads backward, with `reverse: true`: of any kind of recurrence that returns the same. Default: the same as `layer`, with weights of its own. */
  readonly backwardLayer?: L;
  readonly name?: string;
}

type WithMode<L, M> = Omit<BidirectionalOptions<L>, "mergeMode"> & { readonly mergeMode: M };
type Apart<Out extends Kind> = readonly [forward: Symbolic<Out>, backward: Symbolic<Out>];

/**
 * A recurrence in both directions (Schuster and Paliwal 1997): `layer` reads each row from its start, a second one with weights of its own from its
 * end, and their outputs are merged by `mergeMode`: [batch, time, features] → [batch, 2 · units], or with `returnSequences` of the layer
 * [batch, time, 2 · units], both directions at the place of the same step. `mergeMode: null` gives two results. Where the layer has `returnState`,
 * the states follow, first those of the forward layer; a call takes `{ initialState }` in the same order.
 *
 * @throws ConfigError where the two layers do not return the same; ShapeError where outputs of unlike size are to be added or multiplied
 * @example
 * const y = bidirectional(lstm({ units: 32, returnSequences: true }))(x); // 64 features
 */
export function bidirectional<Out extends Kind, R extends Recurrent, B extends Recurrent = R>(
  layer: RecurrentLayer<Out, R>,
  options: WithMode<RecurrentLayer<NoInfer<Out>, B>, null>,
): BidirectionalLayer<R, Apart<Out>, B>;
export function bidirectional<Out extends Kind, R extends Recurrent, B extends Recurrent = R>(
  layer: RecurrentLayer<Out, R>,
  options?: BidirectionalOptions<RecurrentLayer<NoInfer<Out>, B>>,
): BidirectionalLayer<R, Symbolic<Out>, B>;
export function bidirectional<Out extends Kind, R extends Recurrent, B extends Recurrent = R>(
  layer: RecurrentLayer<Out, R>,
  options: WithMode<RecurrentLayer<NoInfer<Out>, B>, MergeMode | null>,
): BidirectionalLayer<R, Symbolic<Out> | Apart<Out>, B>;
export function bidirectional<Out extends Kind, R extends Recurrent, B extends Recurrent = R>(
  layer: StatefulLayer<Out, R>,
  options: WithMode<StatefulLayer<NoInfer<Out>, B>, null>,
): BidirectionalLayer<R, readonly [...Apart<Out>, ...forwardStates: States<R>, ...backwardStates: States<B>], B>;
export function bidirectional<Out extends Kind, R extends Recurrent, B extends Recurrent = R>(
  layer: StatefulLayer<Out, R>,
  options?: BidirectionalOptions<StatefulLayer<NoInfer<Out>, B>>,
): BidirectionalLayer<
  R,
  readonly [output: Symbolic<Out>, ...forwardStates: States<R>, ...backwardStates: States<B>],
  B
>;
export function bidirectional(
  layer: AnyLayer,
  given: { readonly mergeMode?: MergeMode | null; readonly backwardLayer?: AnyLayer; readonly name?: string } = {},
): AnyLayer {
  return create("bidirectional", bidirectionalLayer, { ...given, layer } as { readonly name?: string });
}
