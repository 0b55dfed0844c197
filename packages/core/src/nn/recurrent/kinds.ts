/** What the library's own recurrent layers are called. */

/** The kinds of recurrent layers. */
export const recurrentKinds = ["lstm", "gru", "simpleRnn", "rnn", "bidirectional", "attentionDecoder"] as const;
