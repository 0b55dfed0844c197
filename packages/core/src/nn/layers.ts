/** Every kind of layer. A file's layers are looked up here and nowhere else. */
import { embedding } from "./embedding.ts";
import { lstm } from "./lstm.ts";
import { activation, dense, dropout } from "./pointwise.ts";

export const layerDefinitions = { embedding, lstm, dense, dropout, activation };
export type LayerKind = keyof typeof layerDefinitions;
