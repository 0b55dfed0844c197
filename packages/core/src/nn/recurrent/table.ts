/** The recurrent layers by name. */
import { gru } from "./gru.ts";
import { lstm } from "./lstm.ts";
import { simpleRnn } from "./simpleRnn.ts";

export const recurrentDefinitions = { lstm, gru, simpleRnn };
export type RecurrentKind = keyof typeof recurrentDefinitions;

export function isRecurrentKind(kind: unknown): kind is RecurrentKind {
  return typeof kind === "string" && Object.hasOwn(recurrentDefinitions, kind);
}
