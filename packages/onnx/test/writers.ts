/** Sequence models of different architectures. */
import { minGru } from "@ostinato/cells";
import {
  additiveAttention,
  attention,
  attentionDecoder,
  bidirectional,
  concatenate,
  dense,
  embedding,
  encoderDecoder,
  gru,
  input,
  layerNormalization,
  lstm,
  type Model,
  model,
  reversibleEmbedding,
  rnn,
  type Symbolic,
  simpleRnn,
} from "@ostinato/core";

export const ids = (name: string) => input({ shape: [name], name });
/** A softmax over seven tokens. */
export const scored = (x: Symbolic<"sequence">) => dense({ units: 7, activation: "softmax", name: "scores" })(x);
const embedded = () => {
  const [from, to] = [ids("source"), ids("target")];
  const x = embedding({ inputDim: 9, outputDim: 4, maskZero: true, name: "sourceWords" })(from);
  const y = embedding({ inputDim: 7, outputDim: 4, maskZero: true, name: "targetWords" })(to);
  return { from, to, x, y };
};

/** Sequence models, by their parts. */
export const writers: Readonly<Record<string, () => Model>> = {
  "states alone"() {
    const { from, to, x, y } = embedded();
    const [, h, c] = lstm({ units: 4, returnState: true })(x);
    return model([from, to], {
      next: scored(lstm({ units: 4, returnSequences: true })(y, { initialState: [h, c] })),
    });
  },
  "input feeding and general attention over both directions"() {
    const { from, to, x, y } = embedded();
    const both = bidirectional(gru({ units: 3, returnSequences: true, returnState: true }), { name: "encoder" });
    const [encoded, forward, backward] = both(x);
    const h = dense({ units: 4, activation: "tanh", name: "bridge" })(concatenate()([forward, backward]));
    const decoder = attentionDecoder({
      layers: [lstm({ units: 4 }), gru({ units: 4 })],
      attention: attention({ scoreMode: "general" }),
      attentionUnits: 4,
      inputFeeding: true,
      returnAttentionScores: true,
    });
    const [vectors, weights] = decoder([y, encoded], { initialState: [h, h, h] });
    return model([from, to], { next: scored(vectors), attention: weights });
  },
  "additive attention, a cell of one's own, and normalized sums"() {
    const { from, to, x, y } = embedded();
    const encoded = simpleRnn({ units: 3, returnSequences: true, name: "encoder" })(x);
    const decoded = rnn(minGru({ units: 4 }), { returnSequences: true })(y);
    const [context, weights] = additiveAttention({ units: 5, returnAttentionScores: true })([decoded, encoded]);
    const again = gru({ units: 3, returnSequences: true })(layerNormalization()(concatenate()([decoded, context])));
    return model([from, to], { next: scored(again), weights });
  },
  "one embedding for both sides and the scores"() {
    const [from, to] = [ids("source"), ids("target")];
    const words = reversibleEmbedding({
      inputDim: 7,
      outputDim: 4,
      maskZero: true,
      activation: "softmax",
      name: "words",
    });
    const h = gru({ units: 4 })(words(from));
    const decoded = gru({ units: 4, returnSequences: true, resetAfter: true })(words(to), { initialState: [h] });
    return model([from, to], { next: words.reverse(decoded) });
  },
  "one embedding for both sides and the scores, input feeding and attention"() {
    // Large enough to be stored in fewer bits.
    const words = reversibleEmbedding({ inputDim: 7, outputDim: 40, maskZero: true, name: "words" });
    return encoderDecoder({
      sourceEmbedding: words,
      targetEmbedding: words,
      encoder: [bidirectional(lstm({ units: 3 }))],
      decoder: [lstm({ units: 6 })],
      attention: attention({ scoreMode: "general" }),
      inputFeeding: true,
    });
  },
};
