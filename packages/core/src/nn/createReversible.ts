/** The function that makes embeddings that go both ways. */
import { ShapeError } from "../errors.ts";
import { shapeOfKind } from "./kinds.ts";
import { type AnyLayer, called, isSymbolic, type Layer, type PointwiseLayer, type Symbolic } from "./layer.ts";
import { createLayer, type OptionsOf } from "./make.ts";
import { reversibleEmbedding as definition, type ReversibleEmbeddingConfig } from "./reversibleEmbedding.ts";

/** An embedding with a way back: `words(ids)` and `words.reverse(x)` share their weights. */
export interface ReversibleEmbedding extends Layer<"ids", "sequence"> {
  /** activation(x · embeddingsᵀ + bias): [batch, …, outputDim] → [batch, …, inputDim], a number for each id. In a chain `words.reverse` is a stage. */
  readonly reverse: PointwiseLayer;
}

/**
 * An embedding whose matrix is that of the model's output, too: `words(ids)` looks ids up, [batch, time] → [batch, time, outputDim], and
 * `words.reverse(x)` gives each of them a score, activation(x · embeddingsᵀ + bias): [batch, …, outputDim] → [batch, …, inputDim] (Press and Wolf 2017;
 * Inan et al. 2017). There is one parameter `embeddings` in training, files and exports: its gradient is the sum of both uses, its regularizer counts once, and `trainable: false` freezes
 * it for both, and the bias.
 *
 * The options of `embedding`; and of the way back `activation` ("linear"), `useBias` (false), `biasInitializer` ("zeros"), `biasRegularizer` (none). Keras's layer of this name has no
 * bias, and with `tieWeights: false` a second matrix; here that is `dense`.
 *
 * The default `embeddingsInitializer` is that of `embedding`, "uniform" from -0.05 to 0.05. It is too small for the scores of an output: the model learns slowly, or not at all. A normal distribution with
 * a standard deviation of outputDim^-1/2 suits both uses.
 *
 * @example
 * const embeddingsInitializer = { kind: "normal", mean: 0, stddev: 128 ** -0.5 } as const;
 * const words = reversibleEmbedding({ inputDim: 5000, outputDim: 128, maskZero: true, embeddingsInitializer, useBias: true, activation: "softmax" });
 * sequential([words, dropout({ rate: 0.2 }), words.reverse]); // [batch, time, 5000]; with a recurrence between, a language model
 *
 * @throws ShapeError where what is turned back has not `outputDim` features; ConfigError where it comes from no ids that were looked up in the same layer
 */
export function reversibleEmbedding(
  options: OptionsOf<ReversibleEmbeddingConfig, "inputDim" | "outputDim">,
): ReversibleEmbedding {
  const layer = createLayer<AnyLayer & ((x: Symbolic) => Symbolic), ReversibleEmbeddingConfig>(
    "reversibleEmbedding",
    definition,
    options,
  );
  const { spec } = layer;
  /** One of the two ways, which takes ids or does not. */
  const way = (ofIds: boolean, advice: string) => {
    const apply = (x: Symbolic): Symbolic => {
      if (isSymbolic(x) && (x.kind === "ids") !== ofIds)
        throw new ShapeError(`${called(spec)}: ${advice}; it was given ${x.kind} ${shapeOfKind[x.kind]}`);
      return layer(x);
    };
    return Object.assign(apply, { spec });
  };
  const reverse = way(false, "its reverse takes a sequence or features, and ids are looked up by the layer itself");
  return Object.assign(way(true, "it takes ids, and its reverse what is made of them"), {
    reverse,
  }) as unknown as ReversibleEmbedding;
}
