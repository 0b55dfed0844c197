/** Random trials of decoders with attention, and of models of an encoder and a decoder. */
import {
  type AnyLayer,
  additiveAttention,
  attention,
  attentionDecoder,
  bidirectional,
  dense,
  embedding,
  encoderDecoder,
  input,
  meanSquaredError,
  model,
  type RecurrentLayer,
  reversibleEmbedding,
  scheduledSampling,
  sparseCategoricalCrossentropy,
} from "@ostinato/core";
import type { Draw, DrawTrial } from "./draw.ts";
import { type Fetches, inference, training } from "./models.ts";
import { drawForwardLayer, initialStates } from "./recurrent/layers.ts";

/** Attention that takes queries and keys of unlike sizes. */
const drawAttention = (draw: Draw): AnyLayer =>
  draw.one([
    attention({ scoreMode: "general", useScale: draw.chance(0.5), dropout: draw.one([0, 0.4]) }),
    additiveAttention({ units: draw.number(3).size, dropout: draw.one([0, 0.4]) }),
  ]);

/** One or two recurrences with any attention, in each order, from states that are given or not; with lengths on each side or without. */
function decoderTrial(draw: Draw): Fetches {
  const sequence = (name: string) =>
    input({ name, shape: [`${name}Time`, draw.number(3).size], lengths: draw.chance(0.7) });
  const [x, memory] = [sequence("x"), sequence("memory")];
  const layers = Array.from({ length: draw.whole(1, 2) }, () => drawForwardLayer(draw, 3));
  const options = {
    layers,
    attention: drawAttention(draw),
    attentionOrder: draw.one(["after", "before"] as const),
    attentionUnits: draw.one([null, draw.number(3).size]),
    inputFeeding: draw.chance(0.7),
    dropout: draw.one([0, 0.4]),
  };
  if (draw.chance(0.4)) {
    const [vectors, scores] = attentionDecoder({ ...options, returnAttentionScores: true })([x, memory]);
    return inference(draw, model([x, memory], { vectors, scores }));
  }
  const begun = input({ name: "begun", shape: [draw.number(3).size] });
  const decoder = attentionDecoder(options);
  const states = draw.chance(0.5) ? initialStates(layers, begun) : [];
  const [inputs, initial] = states.length > 0 ? [[x, memory, begun], { initialState: states }] : [[x, memory], {}];
  return training(draw, model(inputs, dense({ units: 2 })(decoder([x, memory], initial))).spec, meanSquaredError());
}

/** A model of an encoder and a decoder of unlike kinds and depths; each attention or none, each bridge that fits, shared and tied embeddings; reading what it should have written, or what it wrote. */
function encoderDecoderTrial(draw: Draw): Fetches {
  const size = draw.number(2).size;
  const options = { inputDim: 6, outputDim: size, maskZero: draw.chance(0.8) };
  const tied = draw.chance(0.3);
  const targetEmbedding = tied ? reversibleEmbedding(options) : embedding(options);
  const attended = draw.chance(0.7);
  const { spec } = encoderDecoder({
    sourceEmbedding: draw.chance(0.4) ? targetEmbedding : embedding(options),
    targetEmbedding,
    encoder: Array.from({ length: draw.one([1, 1, 2]) }, () =>
      draw.chance(0.4)
        ? bidirectional(drawForwardLayer(draw, 2) as RecurrentLayer<"sequence">)
        : drawForwardLayer(draw, 2),
    ),
    decoder: Array.from({ length: draw.one([1, 1, 2]) }, () => drawForwardLayer(draw, 2)),
    ...(attended
      ? {
          attention: drawAttention(draw),
          ...draw.one([{}, { attentionUnits: null }, { attentionUnits: 2 }]),
          inputFeeding: draw.chance(0.5),
          attentionOrder: draw.one(["after", "before"] as const),
        }
      : {}),
    ...draw.one([{}, { bridge: "dense" }, ...(attended ? [{ bridge: "none" } as const] : [])] as const),
    dropout: draw.one([0, 0.3]),
  });
  if (draw.chance(0.2)) return inference(draw, { spec });
  const choose = draw.one(["best", "sample"] as const);
  const sampled = { scheduledSampling: scheduledSampling({ teacherForcing: 0.5, choose }) };
  return training(draw, spec, sparseCategoricalCrossentropy(), 6, draw.chance(0.5) ? sampled : {});
}

export const decoderTrials: Readonly<Record<string, DrawTrial>> = {
  attentionDecoder: decoderTrial,
  encoderDecoder: encoderDecoderTrial,
};
