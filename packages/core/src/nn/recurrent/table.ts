/** What builds each of the library's own recurrent layers. */
import { attentionDecoder } from "./attentionDecoder.ts";
import { bidirectional } from "./bidirectional.ts";
import { gru } from "./gru.ts";
import type { recurrentKinds } from "./kinds.ts";
import { lstm } from "./lstm.ts";
import { rnnLayer } from "./rnn.ts";
import { simpleRnn } from "./simpleRnn.ts";

export const recurrentDefinitions = { lstm, gru, simpleRnn, rnn: rnnLayer, bidirectional, attentionDecoder } satisfies {
  readonly [K in (typeof recurrentKinds)[number]]: unknown;
};
