/** Every kind of layer. A file's layers are looked up here and nowhere else. */
import { embedding } from "./embedding.ts";
import { activation, dense, dropout } from "./pointwise.ts";
import { gru } from "./recurrent/gru.ts";
import { lstm } from "./recurrent/lstm.ts";
import { simpleRnn } from "./recurrent/simpleRnn.ts";

export const layerDefinitions = { embedding, lstm, gru, simpleRnn, dense, dropout, activation };
export type LayerKind = keyof typeof layerDefinitions;
