/** What the library's own layers are called, which no other may be. */
import { recurrentKinds } from "./recurrent/kinds.ts";
import { treeKinds } from "./trees/kinds.ts";

/** The kinds of the library's own layers. */
export const layerKinds = [
  "embedding",
  "reversibleEmbedding",
  ...recurrentKinds,
  ...treeKinds,
  "attention",
  "additiveAttention",
  "dense",
  "dropout",
  "activation",
  "globalMaxPooling1d",
  "globalAveragePooling1d",
  "lastStep",
  "timeDistributed",
  "layerNormalization",
  "masking",
  "repeatVector",
  "repeatAlong",
  "spatialDropout1d",
  "gaussianNoise",
  "concatenate",
  "add",
  "subtract",
  "multiply",
  "average",
  "maximum",
  "minimum",
  "graph",
] as const;
export type LayerKind = (typeof layerKinds)[number];
