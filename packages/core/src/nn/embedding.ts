/** The layer that turns ids into vectors. */
import { equal, select } from "../ir/build/elementwise.ts";
import { gather, sequenceLengths } from "../ir/build/index.ts";
import { expandDims } from "../ir/build/shape.ts";
import { checkIds } from "./ids.ts";
import type { Initializer } from "./initializers.ts";
import type { Flow } from "./kinds.ts";
import type { LayerDefinition } from "./layer.ts";
import { OptionReader } from "./options.ts";
import type { Regularizer } from "./regularizers.ts";

// The configs of layers are type aliases, not interfaces: only aliases are assignable to Json.

export type EmbeddingConfig = {
  readonly inputDim: number;
  readonly outputDim: number;
  readonly maskZero: boolean;
  readonly embeddingsInitializer: Initializer;
  readonly embeddingsRegularizer: Regularizer | null;
  readonly trainable: boolean;
};

export const embeddingOptions: readonly string[] = [
  "inputDim",
  "outputDim",
  "maskZero",
  "embeddingsInitializer",
  "embeddingsRegularizer",
  "trainable",
];

export const embedding: LayerDefinition<EmbeddingConfig> = {
  parse(options, owner) {
    const read = new OptionReader(owner, options, embeddingOptions);
    return {
      inputDim: read.integer("inputDim", 1),
      outputDim: read.integer("outputDim", 1),
      maskZero: read.boolean("maskZero", false),
      embeddingsInitializer: read.initializer("embeddingsInitializer", "uniform"),
      embeddingsRegularizer: read.regularizer("embeddingsRegularizer"),
      trainable: read.boolean("trainable", true),
    };
  },
  takes: "ids [batch, time]; make it the first layer",
  outputs: (_config, inputs) => (inputs.join() === "ids" ? ["sequence"] : undefined),
  reads: checkIds,
  build({ parameter }, { inputDim, outputDim, maskZero, trainable, ...config }, [input]) {
    const ids = input as Flow;
    const table = parameter("embeddings", [inputDim, outputDim], config.embeddingsInitializer, {
      trainable,
      regularizer: config.embeddingsRegularizer,
    });
    const vectors = gather(table, ids.values);
    // In a tree 0 is no padding but a node without a word, wherever it stands.
    const values = maskZero && ids.tree ? select(expandDims(equal(ids.values, 0), 2), 0, vectors) : vectors;
    const lengths = maskZero && !ids.tree ? sequenceLengths(ids.values) : ids.lengths;
    return [{ kind: "sequence", values, ...(lengths ? { lengths } : {}) }];
  },
};
