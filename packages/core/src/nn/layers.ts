/** Every kind of layer. A file's layers are looked up here and nowhere else. */
import { embedding } from "./embedding.ts";
import {
  addLayer,
  averageLayer,
  concatenateLayer,
  maximumLayer,
  minimumLayer,
  multiplyLayer,
  subtractLayer,
} from "./merging.ts";
import { activation, dense, dropout } from "./pointwise.ts";
import { bidirectional } from "./recurrent/bidirectional.ts";
import { recurrentDefinitions } from "./recurrent/table.ts";

export const layerDefinitions = {
  embedding,
  ...recurrentDefinitions,
  bidirectional,
  dense,
  dropout,
  activation,
  concatenate: concatenateLayer,
  add: addLayer,
  subtract: subtractLayer,
  multiply: multiplyLayer,
  average: averageLayer,
  maximum: maximumLayer,
  minimum: minimumLayer,
};
export type LayerKind = keyof typeof layerDefinitions;
