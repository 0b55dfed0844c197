/** The embedding that also turns vectors back into scores of words, with one matrix for both. */
import { ConfigError, ShapeError } from "../errors.ts";
import { add } from "../ir/build/elementwise.ts";
import { dot } from "../ir/build/linear.ts";
import { nodesOf, type Value } from "../ir/value.ts";
import { type Activation, activationFunctions, activationNames } from "./activations.ts";
import { type EmbeddingConfig, embedding, embeddingOptions } from "./embedding.ts";
import { checkIds } from "./ids.ts";
import type { Initializer } from "./initializers.ts";
import { batchMajorShape, type Flow, featuresOf } from "./kinds.ts";
import type { LayerDefinition } from "./layer.ts";
import { OptionReader } from "./options.ts";
import { outputs } from "./pointwise.ts";
import type { Regularizer } from "./regularizers.ts";

/** Those of an embedding, and those of the way back. */
export type ReversibleEmbeddingConfig = EmbeddingConfig & {
  readonly activation: Activation;
  readonly useBias: boolean;
  readonly biasInitializer: Initializer;
  readonly biasRegularizer: Regularizer | null;
};

/** Whether ids were looked up in `table` on the way to `x`. */
const comesFrom = (x: Value, table: Value): boolean =>
  nodesOf([x]).some(({ op, inputs }) => op === "gather" && inputs[0]?.node === table.node);

export const reversibleEmbedding: LayerDefinition<ReversibleEmbeddingConfig> = {
  parse(options, owner) {
    const own = ["activation", "useBias", "biasInitializer", "biasRegularizer"];
    const read = new OptionReader(owner, options, [...embeddingOptions, ...own]);
    const ofEmbedding = Object.entries(options as object).filter(([name]) => !own.includes(name));
    return {
      ...embedding.parse(Object.fromEntries(ofEmbedding), owner),
      activation: read.oneOf("activation", activationNames, "linear"),
      useBias: read.boolean("useBias", false),
      biasInitializer: read.vectorInitializer("biasInitializer", "zeros"),
      biasRegularizer: read.regularizer("biasRegularizer"),
    };
  },
  takes: "ids [batch, time], and on the way back a sequence [batch, time, features] or features [batch, features]",
  outputs: (config, inputs) => embedding.outputs(config, inputs) ?? outputs(config, inputs),
  reads: checkIds,
  build(context, config, [input]) {
    const flow = input as Flow;
    if (flow.kind === "ids") return embedding.build(context, config, [flow]);
    const { inputDim, outputDim, trainable } = config;
    if (featuresOf(flow) !== outputDim)
      throw new ShapeError(
        `its embeddings have ${outputDim} features, and what its reverse was given is [${batchMajorShape(flow).join(", ")}]; bring it to their size with dense({ units: ${outputDim} })`,
      );
    const table = context.parameter("embeddings", [inputDim, outputDim], config.embeddingsInitializer, {
      trainable,
      regularizer: config.embeddingsRegularizer,
    });
    if (!comesFrom(flow.values, table))
      throw new ConfigError(
        "its reverse was given what comes from no ids that it looked up; apply the same layer to the ids of the model, or use dense where nothing is shared",
      );
    const product = dot(flow.values, table, { contract: [[flow.values.type.shape.length - 1], [1]] });
    const bias = { trainable, regularizer: config.biasRegularizer };
    const sums = config.useBias
      ? add(product, context.parameter("bias", [inputDim], config.biasInitializer, bias))
      : product;
    return [{ ...flow, values: activationFunctions[config.activation](sums) }];
  },
};
