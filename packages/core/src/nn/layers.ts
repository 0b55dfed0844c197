/** Every kind of layer. A file's layers are looked up here and nowhere else. */
import { embedding } from "./embedding.ts";
import { activation, dense, dropout } from "./pointwise.ts";
import { bidirectional } from "./recurrent/bidirectional.ts";
import { recurrentDefinitions } from "./recurrent/table.ts";

export const layerDefinitions = { embedding, ...recurrentDefinitions, bidirectional, dense, dropout, activation };
export type LayerKind = keyof typeof layerDefinitions;
