/** The functions that make layers and inputs: Keras's names and options in camel case. Those of layers of sequences alone are in
 * `createOverTime.ts`, those of recurrent layers in `recurrent/`. */
import { ConfigError, ShapeError } from "../errors.ts";
import { type EmbeddingConfig, embedding as embeddingLayer } from "./embedding.ts";
import type { Layer, MergingLayer, PointwiseLayer, Symbolic } from "./layer.ts";
import { createLayer as create, type NameOptions, type OptionsOf } from "./make.ts";
import {
  addLayer,
  averageLayer,
  concatenateLayer,
  maximumLayer,
  minimumLayer,
  multiplyLayer,
  subtractLayer,
} from "./merging.ts";
import { type GaussianNoiseConfig, gaussianNoise as gaussianNoiseLayer } from "./noise.ts";
import { type LayerNormalizationConfig, layerNormalization as layerNormalizationLayer } from "./normalization.ts";
import { isName, isSizeName, NAME_RULE, OptionReader, shown } from "./options.ts";
import {
  type ActivationConfig,
  activation as activationLayer,
  type DenseConfig,
  type DropoutConfig,
  dense as denseLayer,
  dropout as dropoutLayer,
} from "./pointwise.ts";

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

/**
 * Layer normalization (Ba, Kiros and Hinton 2016): (x - mean) / √(variance + epsilon) · gamma + beta, the mean and the variance those of each vector, along
 * the last axis.
 *
 * - `epsilon` (1e-3; from 1e-12 on), `center` (true): there is a beta, `scale` (true): there is a gamma, each [features].
 * - `gammaInitializer` ("ones"), `betaInitializer` ("zeros"); `gammaRegularizer`, `betaRegularizer` (none): { l1, l2 }.
 * - `trainable` (true): false freezes both.
 *
 * @example
 * sequential([input({ shape: [8] }), dense({ units: 32 }), layerNormalization(), activation({ activation: "relu" }), dense({ units: 1 })])
 */
export function layerNormalization(options?: OptionsOf<LayerNormalizationConfig, never>): PointwiseLayer {
  return create("layerNormalization", layerNormalizationLayer, options);
}

/** In training adds a normal number of mean 0 and deviation `stddev` to each element; else passes all through. */
export function gaussianNoise(options: OptionsOf<GaussianNoiseConfig, "stddev">): PointwiseLayer {
  return create("gaussianNoise", gaussianNoiseLayer, options);
}

/** An activation function as a layer: `activation({ activation: "tanh" })`. */
export function activation(options: OptionsOf<ActivationConfig, "activation">): PointwiseLayer {
  return create("activation", activationLayer, options);
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
 * const both = concatenate()([dense({ units: 8 })(x), dense({ units: 8, activation: "relu" })(x)]); // [batch, …, 16]
 *
 * @throws ConfigError, ShapeError with the layer and the shapes, for one input, different kinds, or different time axes
 */
export function concatenate(options?: NameOptions): MergingLayer {
  return create("concatenate", concatenateLayer, options);
}

/**
 * The sum of the inputs, element by element: `add()([a, b, c])`. The inputs have the same shape; lengths are as in `concatenate`. The op of the
 * same name is in `@ostinato/core/graph`.
 *
 * @throws ConfigError, ShapeError with the layer and the shapes, for one input, different kinds, time axes or numbers of features
 */
export function add(options?: NameOptions): MergingLayer {
  return create("add", addLayer, options);
}

/** The first of two inputs less the second: `subtract()([a, b])`. As `add`; where one has ended, the other is a or -b. */
export function subtract(options?: NameOptions): MergingLayer {
  return create("subtract", subtractLayer, options);
}

/** The product of the inputs, element by element: `multiply()([a, b])`. As `add`. */
export function multiply(options?: NameOptions): MergingLayer {
  return create("multiply", multiplyLayer, options);
}

/** The mean of the inputs, element by element: `average()([a, b])`. As `add`; at each step of those that have not ended. */
export function average(options?: NameOptions): MergingLayer {
  return create("average", averageLayer, options);
}

/** The largest of the inputs, element by element: `maximum()([a, b])`. As `add`. The op of the same name is in `@ostinato/core/graph`. */
export function maximum(options?: NameOptions): MergingLayer {
  return create("maximum", maximumLayer, options);
}

/** The smallest of the inputs, element by element: `minimum()([a, b])`. As `add`. The op of the same name is in `@ostinato/core/graph`. */
export function minimum(options?: NameOptions): MergingLayer {
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
  /**
   * Rows are trees, `{ values, parents }` (see `Tree`): their nodes are the steps, and layers of trees read their structure. Trees have lengths of their own. Two inputs of trees
   * have time axes of two names. Default false.
   */
  readonly tree?: boolean;
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
  new OptionReader("input", options, ["shape", "name", "lengths", "tree"]);
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
  const read = new OptionReader(`input "${name}"`, { lengths: options.lengths, tree: options.tree }, [
    "lengths",
    "tree",
  ]);
  const tree = read.boolean("tree", false);
  const lengths = read.boolean("lengths", false);
  if (tree && kind === "features")
    throw new ConfigError(`input "${name}": features have no nodes; trees are ids or sequences`);
  if (lengths && !tree && kind !== "sequence")
    throw new ConfigError(
      `input "${name}": only sequences have lengths of their own; ids have them by an embedding with maskZero: true`,
    );
  return {
    kind: kind as KindOf<S>,
    input: { name, kind, shape: [...shape], lengths: lengths || tree, ...(tree ? { tree } : {}) },
  };
}
