/** The table of recurrences, one row each. Ops, gradients, tests on every backend and ONNX's form follow from it. */
import { gru } from "./gru.ts";
import { lstm } from "./lstm.ts";
import { rnn } from "./rnn.ts";

/** The recurrences by name. */
export const recurrences = {
  lstm,
  gru,
  rnn,
} as const;
