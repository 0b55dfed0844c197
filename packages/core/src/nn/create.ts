/** The functions that make layers and inputs: Keras's names and options in camel case. */
import { ConfigError, ShapeError } from "../errors.ts";
import type { RecurrenceName } from "../ir/recurrences.ts";
import { type EmbeddingConfig, embedding as embeddingLayer } from "./embedding.ts";
import type { Kind } from "./kinds.ts";
import {
  type AnyLayer,
  applyLayer,
  type BidirectionalLayer,
  type Layer,
  type LayerDefinition,
  type MergingLayer,
  type PointwiseLayer,
  type RecurrentLayer,
  type StatefulLayer,
  type States,
  type Symbolic,
  withDefinition,
} from "./layer.ts";
import type { LayerKind } from "./layers.ts";
import {
  addLayer,
  averageLayer,
  concatenateLayer,
  maximumLayer,
  minimumLayer,
  multiplyLayer,
  subtractLayer,
} from "./merging.ts";
import { isName, isRecord, isSizeName, type Json, NAME_RULE, OptionReader, shown } from "./options.ts";
import {
  type ActivationConfig,
  activation as activationLayer,
  type DenseConfig,
  type DropoutConfig,
  dense as denseLayer,
  dropout as dropoutLayer,
} from "./pointwise.ts";
import { bidirectional as bidirectionalLayer, type MergeMode } from "./recurrent/bidirectional.ts";
import { type GruConfig, gru as gruLayer } from "./recurrent/gru.ts";
import { type LstmConfig, lstm as lstmLayer } from "./recurrent/lstm.ts";
import { type SimpleRnnConfig, simpleRnn as simpleRnnLayer } from "./recurrent/simpleRnn.ts";
import type { Regularizer, RegularizerOptions } from "./regularizers.ts";

/** What users may write for an option. */
type Written<T> = Regularizer extends T ? RegularizerOptions | null : T;

/** The required options, and any of the others; and a name, by which errors, parameters and files call the layer. */
type OptionsOf<C, Required extends keyof C> = Pick<C, Required> & { readonly [K in keyof C]?: Written<C[K]> } & {
  readonly name?: string;
};

/** A layer of any kind from options of unknown origin, which are checked. */
function createLayer<C>(kind: LayerKind, own: LayerDefinition<C>, options: unknown, name?: string): AnyLayer {
  const definition = own as unknown as LayerDefinition<Json>;
  if (name !== undefined && !isName(name)) {
    throw new ConfigError(`${kind}: name must be ${NAME_RULE}, got ${shown(name)}`);
  }
  const config = definition.parse(options, name === undefined ? kind : `${kind} "${name}"`);
  const layer = (input: Symbolic, options?: unknown): Symbolic | readonly Symbolic[] =>
    applyLayer(made, definition, input, options);
  const spec = withDefinition({ kind, config, ...(name === undefined ? {} : { name }) }, definition);
  const made: AnyLayer = Object.assign(layer, { spec });
  return made;
}

function create<L extends AnyLayer, C>(
  kind: LayerKind,
  definition: LayerDefinition<C>,
  given: { readonly name?: string } | undefined,
): L {
  if (!isRecord(given ?? {})) throw new ConfigError(`${kind} takes an object of options, got ${shown(given)}`);
  const { name, ...options } = given ?? {};
  return createLayer(kind, definition, options, name) as L;
}

/**
 * Turns ids into vectors: [batch, time] → [batch, time, outputDim]. `inputDim` counts the ids, reserved ones included. With
 * `maskZero` (default false) id 0 is padding: a row ends at its last other id, and what follows sees nothing after it.
 * `embeddingsInitializer` defaults to "uniform", U(-0.05, 0.05), `embeddingsRegularizer` ({ l1, l2 }) to none. With `trainable: false`
 * training leaves the vectors as they are. Vectors made elsewhere are no option: `compile(model, { weights: { "embedding/embeddings":
 * float32([inputDim, outputDim], vectors) } })` begins with them. `parseEmbeddings` of @ostinato/text reads GloVe's and word2vec's.
 */
export function embedding(options: OptionsOf<EmbeddingConfig, "inputDim" | "outputDim">): Layer<"ids", "sequence"> {
  return create("embedding", embeddingLayer, options);
}

/** Makes a recurrent layer; what it gives depends on what it is to return. */
interface RecurrentMaker<O, R extends RecurrenceName> {
  (options: O & { readonly returnSequences: true; readonly returnState: true }): StatefulLayer<"sequence", R>;
  (options: O & { readonly returnSequences?: false; readonly returnState: true }): StatefulLayer<"features", R>;
  (options: O & { readonly returnSequences: true; readonly returnState?: false }): RecurrentLayer<"sequence", R>;
  (options: O & { readonly returnSequences?: false; readonly returnState?: false }): RecurrentLayer<"features", R>;
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997): [batch, time, features] → [batch, units], the state at the end of each
 * row, or with `returnSequences` [batch, time, units]. With `returnState` three results, `[y, h, c]`: that output, and the hidden and the cell
 * state at the end, each [batch, units]. The states it begins with are zeros, or come with the call: `layer(x, { initialState: [h, c] })`.
 *
 * - `activation` ("tanh") makes the candidate and the output, `recurrentActivation` ("sigmoid") the gates: "tanh", "sigmoid" or "relu".
 * - `reverse` (false) reads from the end of each row to its start; outputs stay in their places.
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

/** Options of `bidirectional`. */
export interface BidirectionalOptions<L> {
  /** How the outputs of both directions become one: side by side ("concat", default), their sum, product or mean. */
  readonly mergeMode?: MergeMode;
  /** The layer that reads backward, with `reverse: true`. Default: the same as `layer`, with weights of its own. */
  readonly backwardLayer?: L;
  readonly name?: string;
}

type Apart<L> = Omit<BidirectionalOptions<L>, "mergeMode"> & { readonly mergeMode: null };

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
export function bidirectional<Out extends Kind, R extends RecurrenceName>(
  layer: RecurrentLayer<Out, R>,
  options: Apart<RecurrentLayer<Out, R>>,
): BidirectionalLayer<R, readonly [forward: Symbolic<Out>, backward: Symbolic<Out>]>;
export function bidirectional<Out extends Kind, R extends RecurrenceName>(
  layer: RecurrentLayer<Out, R>,
  options?: BidirectionalOptions<RecurrentLayer<Out, R>>,
): BidirectionalLayer<R, Symbolic<Out>>;
export function bidirectional<Out extends Kind, R extends RecurrenceName>(
  layer: StatefulLayer<Out, R>,
  options: Apart<StatefulLayer<Out, R>>,
): BidirectionalLayer<
  R,
  readonly [forward: Symbolic<Out>, backward: Symbolic<Out>, ...forwardStates: States<R>, ...backwardStates: States<R>]
>;
export function bidirectional<Out extends Kind, R extends RecurrenceName>(
  layer: StatefulLayer<Out, R>,
  options?: BidirectionalOptions<StatefulLayer<Out, R>>,
): BidirectionalLayer<R, readonly [output: Symbolic<Out>, ...forwardStates: States<R>, ...backwardStates: States<R>]>;
export function bidirectional(
  layer: AnyLayer,
  given: { readonly mergeMode?: MergeMode | null; readonly backwardLayer?: AnyLayer; readonly name?: string } = {},
): AnyLayer {
  const { name, backwardLayer, ...rest } = given;
  // What is no layer is reported by its definition.
  const specOf = (wrapped: unknown): unknown =>
    typeof wrapped === "function" && "spec" in wrapped ? wrapped.spec : wrapped;
  const options = {
    ...rest,
    layer: specOf(layer),
    ...(backwardLayer === undefined ? {} : { backwardLayer: specOf(backwardLayer) }),
  };
  return createLayer("bidirectional", bidirectionalLayer, options, name);
}

/**
 * activation(x · kernel + bias) on the last axis. `activation` defaults to "linear", the kernel to "glorotUniform", the bias to zeros;
 * `kernelRegularizer` and `biasRegularizer` ({ l1, l2 }) to none. `trainable: false` freezes both.
 */
export function dense(options: OptionsOf<DenseConfig, "units">): PointwiseLayer {
  return create("dense", denseLayer, options);
}

/** In training sets each element to 0 with probability `rate` and scales the others by 1 / (1 - rate); else passes all through. */
export function dropout(options: OptionsOf<DropoutConfig, "rate">): PointwiseLayer {
  return create("dropout", dropoutLayer, options);
}

/** An activation function as a layer: `activation({ activation: "tanh" })`. */
export function activation(options: OptionsOf<ActivationConfig, "activation">): PointwiseLayer {
  return create("activation", activationLayer, options);
}

/** Options of layers that put inputs together. */
export interface MergingOptions {
  /** How errors, summaries and files call the layer. Default its kind, with a number where there are several. */
  readonly name?: string;
}

/**
 * Puts inputs side by side along the last axis: [batch, …, a] and [batch, …, b] → [batch, …, a + b]. Applied to a list of two or more sequences
 * over the same time axis, or of two or more features.
 *
 * Rows of sequences may differ in length, here and in the other layers of this kind: the result is as long as the longest input of the row, and
 * an input takes no part in the steps after its end. Here there are zeros in its place; elsewhere the others are combined without it. An input
 * without lengths has every step.
 *
 * @example
 * const both = concatenate()([lstm({ units: 8 })(x), lstm({ units: 8, reverse: true })(x)]); // [batch, 16]
 *
 * @throws ConfigError, ShapeError with the layer and the shapes, for one input, different kinds, or different time axes
 */
export function concatenate(options?: MergingOptions): MergingLayer {
  return create("concatenate", concatenateLayer, options);
}

/**
 * The sum of the inputs, element by element: `add()([a, b, c])`. The inputs have the same shape; lengths are as in `concatenate`. The op of the
 * same name is in `@ostinato/core/graph`.
 *
 * @throws ConfigError, ShapeError with the layer and the shapes, for one input, different kinds, time axes or numbers of features
 */
export function add(options?: MergingOptions): MergingLayer {
  return create("add", addLayer, options);
}

/** The first of two inputs less the second: `subtract()([a, b])`. As `add`; where one has ended, the other is a or -b. */
export function subtract(options?: MergingOptions): MergingLayer {
  return create("subtract", subtractLayer, options);
}

/** The product of the inputs, element by element: `multiply()([a, b])`. As `add`. */
export function multiply(options?: MergingOptions): MergingLayer {
  return create("multiply", multiplyLayer, options);
}

/** The mean of the inputs, element by element: `average()([a, b])`. As `add`; at each step of those that have not ended. */
export function average(options?: MergingOptions): MergingLayer {
  return create("average", averageLayer, options);
}

/** The largest of the inputs, element by element: `maximum()([a, b])`. As `add`. The op of the same name is in `@ostinato/core/graph`. */
export function maximum(options?: MergingOptions): MergingLayer {
  return create("maximum", maximumLayer, options);
}

/** The smallest of the inputs, element by element: `minimum()([a, b])`. As `add`. The op of the same name is in `@ostinato/core/graph`. */
export function minimum(options?: MergingOptions): MergingLayer {
  return create("minimum", minimumLayer, options);
}

/** Shapes without the batch axis. */
type InputShape = readonly [string] | readonly [string, number] | readonly [number];

/** Options of `input`: the shape without the batch axis. */
export interface InputOptions<S extends InputShape> {
  /** `["time"]` for ids, `["time", 8]` for sequences of 8 features, `[8]` for features. A name is a size that is told by the data. */
  readonly shape: S;
  /** How the data is found in a record of several inputs. Default "input". */
  readonly name?: string;
  /** The rows of a sequence have lengths of their own, told by ragged data or `{ values, lengths }`. Default false. */
  readonly lengths?: boolean;
}

/** The kind of data that a shape means. */
type KindOf<S extends InputShape> = S extends readonly [string]
  ? "ids"
  : S extends readonly [string, number]
    ? "sequence"
    : S extends readonly [number]
      ? "features"
      : never;

/** An input of a model. Apply layers to it, then close the model with `model(inputs, outputs)`. */
export function input<const S extends InputShape>(options: InputOptions<S>): Symbolic<KindOf<S>> {
  new OptionReader("input", options, ["shape", "name", "lengths"]);
  const { shape } = options;
  const name = options.name ?? "input";
  if (!isName(name)) throw new ConfigError(`input: name must be ${NAME_RULE}, got ${shown(name)}`);
  const types = Array.isArray(shape) ? shape.map((dim) => typeof dim).join() : "";
  const kind =
    types === "string" ? "ids" : types === "string,number" ? "sequence" : types === "number" ? "features" : undefined;
  if (kind === undefined) {
    throw new ShapeError(
      `input "${name}": shape must be ["time"] for ids, ["time", 8] for sequences of 8 features or [8] for features, got ${shown(shape)}`,
    );
  }
  if (shape.some((dim) => (typeof dim === "number" ? !Number.isSafeInteger(dim) || dim < 1 : !isSizeName(dim)))) {
    throw new ShapeError(
      `input "${name}": a size is a whole number from 1 on, or a name other than "batch", got ${shown(shape)}`,
    );
  }
  const lengths = new OptionReader(`input "${name}"`, { lengths: options.lengths }, ["lengths"]).boolean(
    "lengths",
    false,
  );
  if (lengths && kind !== "sequence")
    throw new ConfigError(
      `input "${name}": only sequences have lengths of their own; ids have them by an embedding with maskZero: true`,
    );
  return { kind: kind as KindOf<S>, input: { name, kind, shape: [...shape], lengths } };
}
