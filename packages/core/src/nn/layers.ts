/** What builds each of the library's own layers. A file's layers are looked up here and nowhere else. */
import { additiveAttention, attention } from "./attention/attention.ts";
import { embedding } from "./embedding.ts";
import { graph } from "./graph/layer.ts";
import type { LayerKind } from "./layerKinds.ts";
import { masking } from "./masking.ts";
import {
  addLayer,
  averageLayer,
  concatenateLayer,
  maximumLayer,
  minimumLayer,
  multiplyLayer,
  subtractLayer,
} from "./merging.ts";
import { gaussianNoise, spatialDropout1d } from "./noise.ts";
import { layerNormalization } from "./normalization.ts";
import { activation, dense, dropout } from "./pointwise.ts";
import { globalAveragePooling1d, globalMaxPooling1d, lastStep } from "./pooling.ts";
import { recurrentDefinitions } from "./recurrent/table.ts";
import { repeatAlong, repeatVector } from "./repeating.ts";
import { reversibleEmbedding } from "./reversibleEmbedding.ts";
import { timeDistributed } from "./timeDistributed.ts";
import { treeDefinitions } from "./trees/table.ts";

export const layerDefinitions = {
  embedding,
  reversibleEmbedding,
  ...recurrentDefinitions,
  ...treeDefinitions,
  attention,
  additiveAttention,
  dense,
  dropout,
  activation,
  globalMaxPooling1d,
  globalAveragePooling1d,
  lastStep,
  timeDistributed,
  layerNormalization,
  masking,
  repeatVector,
  repeatAlong,
  spatialDropout1d,
  gaussianNoise,
  concatenate: concatenateLayer,
  add: addLayer,
  subtract: subtractLayer,
  multiply: multiplyLayer,
  average: averageLayer,
  maximum: maximumLayer,
  minimum: minimumLayer,
  graph,
} satisfies { readonly [K in LayerKind]: unknown };
