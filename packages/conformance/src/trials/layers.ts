/** Random trials of layers, and of whole models in training. */
import {
  type Attended,
  accuracy,
  activation,
  activationNames,
  add,
  additiveAttention,
  attention,
  average,
  binaryCrossentropy,
  categoricalCrossentropy,
  concatenate,
  dense,
  dropout,
  embedding,
  gaussianNoise,
  globalAveragePooling1d,
  globalMaxPooling1d,
  huber,
  input,
  lastStep,
  layerNormalization,
  masking,
  maximum,
  meanAbsoluteError,
  meanSquaredError,
  minimum,
  model,
  multiply,
  repeatAlong,
  repeatVector,
  reversibleEmbedding,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  spatialDropout1d,
  subtract,
  timeDistributed,
  trainingGraph,
} from "@ostinato/core";
import { attend, blend, gated, residual, scale } from "../ownLayers.ts";
import { decoderTrials } from "./decoders.ts";
import type { Draw, DrawTrial } from "./draw.ts";
import { drawInputs, type Fetches, inference, training } from "./models.ts";
import { drawRecurrentLayer, recurrentLayerTrials } from "./recurrent/layers.ts";
import { treeLayerTrials } from "./recurrent/treeLayers.ts";

/** The kinds of data that most layers take: a sequence, with lengths or without, or features. */
function drawInput(draw: Draw) {
  const features = draw.number(5).size;
  return draw.one([
    input({ shape: ["time", features], lengths: true }),
    input({ shape: ["time", features] }),
    input({ shape: [features] }),
  ]);
}

const mergingLayers = [concatenate, add, multiply, average, maximum, minimum, subtract] as const;

/** Two or three inputs of one kind, of lengths of their own or not, merged; then a recurrence or a dense layer. */
function mergingTrial(draw: Draw): Fetches {
  const units = draw.number(5).size;
  const make = draw.one(mergingLayers);
  const count = make === subtract ? 2 : draw.whole(2, 3);
  const names = Array.from({ length: count }, (_, i) => `x${i}`);
  const sizes = names.map(() => (make === concatenate ? draw.number(5).size : units));
  if (draw.chance(0.3)) {
    const xs = names.map((name, i) => input({ name, shape: [sizes[i]] }));
    return training(draw, model(xs, dense({ units: 2 })(make()(xs))).spec, meanSquaredError());
  }
  const xs = names.map((name, i) => input({ name, shape: ["time", sizes[i]], lengths: draw.chance(0.7) }));
  const merged = make()(xs);
  const last = draw.chance(0.5) ? drawRecurrentLayer(draw)(merged) : dense({ units: 2 })(merged);
  return draw.chance(0.4) ? inference(draw, model(xs, last)) : training(draw, model(xs, last).spec, meanSquaredError());
}

/** A label for each step and numbers for each row, with losses, weights and metrics of their own. */
function outputsTrial(draw: Draw): Fetches {
  const x = input({ shape: ["time", draw.number(5).size], lengths: draw.chance(0.7) });
  const head = dense({ units: 2, kernelRegularizer: draw.chance(0.3) ? { l2: 0.1 } : null });
  const { spec } = model(x, {
    tags: dense({ units: 3, activation: "softmax" })(drawRecurrentLayer(draw)(x)),
    score: head(drawRecurrentLayer(draw, false)(x)),
  });
  const graph = trainingGraph(
    spec,
    {
      loss: { tags: sparseCategoricalCrossentropy(), score: draw.chance(0.9) ? meanSquaredError() : null },
      lossWeights: { tags: draw.one([0, 0.5, 1, 2]) },
      metrics: { tags: accuracy() },
      weightedMetrics: { tags: [accuracy({ name: "weighted" })] },
    },
    sgd(),
    draw.whole(0, 2 ** 31),
    { tags: draw.one(["none", "rows", "steps"] as const), score: draw.one(["none", "rows"] as const) },
  );
  return drawInputs(draw, graph.fetches, { words: 6, classes: 3 });
}

/** Layers of a user's own in a row: of a list of inputs, around another, of one input, and of a sequence with features. */
function ownLayersTrial(draw: Draw): Fetches {
  const features = draw.number(5).size;
  const xs = ["a", "b"].map((name) => input({ name, shape: ["time", features], lengths: draw.chance(0.7) }));
  const q = input({ name: "q", shape: [draw.number(4).size] });
  const blended = draw.chance(0.5) ? blend()(xs) : xs[0];
  const around = residual({ layer: draw.chance(0.5) ? dense({ units: features }) : scale({ rate: 0.3 }) })(blended);
  const memory = scale({ initial: 0.5, rate: draw.one([0, 0.4]), factorRegularizer: { l2: 0.1 } })(around);
  const inputs = blended === xs[0] ? xs.slice(0, 1) : xs;
  const last = draw.chance(0.5)
    ? model([...inputs, q], attend()([memory, q]))
    : model(inputs, draw.chance(0.5) ? memory : drawRecurrentLayer(draw)(memory));
  return draw.chance(0.4) ? inference(draw, last) : training(draw, last.spec, meanSquaredError());
}

/** A query of one step or of many, over a time of its own or the value's; every score. Behind it now and then a recurrence, which must know lengths. */
function attentionTrial(draw: Draw): Fetches {
  const features = draw.number(4).size;
  const sequence = (name: string, time: string, width: number) =>
    input({ name, shape: [time, width], lengths: draw.chance(0.7) });
  const form = draw.one(["features", "sequence", "itself"] as const);
  const additive = draw.chance(0.4);
  const scoreMode = draw.one(["dot", "scaled", "general", "concat"] as const);
  const units = draw.one([null, 3]);
  const free = additive ? units !== null : scoreMode === "general";
  const other = free ? draw.number(4).size : features;
  const value = sequence("value", "valueTime", form === "itself" ? features : other);
  const key = form !== "itself" && draw.chance(0.5) ? [sequence("key", "valueTime", other)] : [];
  const query =
    form === "itself"
      ? value
      : form === "features"
        ? input({ name: "query", shape: [features] })
        : sequence("query", "queryTime", features);
  const shared = {
    useScale: draw.chance(0.6),
    dropout: draw.one([0, 0.4]),
    useCausalMask: form === "itself" && draw.chance(0.6),
  };
  const inputs = form === "itself" ? [value] : [query, value, ...key];
  const read = [query, value, ...key] as unknown as Attended<"sequence">;
  if (draw.chance(0.5)) {
    const scored = { ...shared, returnAttentionScores: true } as const;
    const [context, scores] = (
      additive ? additiveAttention({ ...scored, units }) : attention({ ...scored, scoreMode })
    )(read);
    return inference(draw, model(inputs, { context, scores }));
  }
  const context = (additive ? additiveAttention({ ...shared, units }) : attention({ ...shared, scoreMode }))(read);
  const last = form !== "features" && draw.chance(0.3) ? drawRecurrentLayer(draw)(context) : context;
  return training(draw, model(inputs, last).spec, meanSquaredError());
}

/** Every kind of layer. */
export const layerTrials: Readonly<Record<string, DrawTrial>> = {
  ...recurrentLayerTrials,
  ...treeLayerTrials,
  embedding: (draw) => {
    const table = embedding({ inputDim: 6, outputDim: draw.number(5).size, maskZero: draw.chance(0.5) });
    // With a layer that honours the lengths behind it now and then: they are found in the ids.
    return inference(draw, draw.chance(0.5) ? sequential([table]) : sequential([table, drawRecurrentLayer(draw)]));
  },
  reversibleEmbedding: (draw) => {
    const units = draw.number(5).size;
    const both = reversibleEmbedding({
      inputDim: 6,
      outputDim: units,
      maskZero: draw.chance(0.5),
      useBias: draw.chance(0.5),
      activation: draw.one(["linear", "softmax", "tanh"] as const),
      embeddingsRegularizer: draw.chance(0.3) ? { l2: 0.1 } : null,
    });
    const chain = sequential([both, dense({ units, activation: "tanh" }), both.reverse]);
    return draw.chance(0.4) ? inference(draw, chain) : training(draw, chain.spec, sparseCategoricalCrossentropy(), 6);
  },
  dense: (draw) => {
    const options = { units: draw.number(5).size, activation: draw.one(activationNames), useBias: draw.chance(0.8) };
    return inference(draw, sequential([drawInput(draw), dense(options)]));
  },
  dropout: (draw) => {
    const layers = [drawInput(draw), dropout({ rate: draw.one([0, 0.2, 0.5, 0.9]) })];
    return training(draw, sequential(layers).spec, meanSquaredError());
  },
  activation: (draw) =>
    inference(draw, sequential([drawInput(draw), activation({ activation: draw.one(activationNames) })])),
  pooling: (draw) => {
    const pool = draw.one([globalMaxPooling1d, globalAveragePooling1d, lastStep])();
    const start = input({ shape: ["time", draw.number(5).size], lengths: draw.chance(0.7) });
    const chain = sequential([start, drawRecurrentLayer(draw, true), pool]);
    return draw.chance(0.4) ? inference(draw, chain) : training(draw, chain.spec, meanSquaredError());
  },
  layerNormalization: (draw) => {
    const layer = layerNormalization({
      epsilon: draw.one([1e-3, 0.1]),
      center: draw.chance(0.7),
      scale: draw.chance(0.7),
      gammaRegularizer: draw.chance(0.3) ? { l2: 0.1 } : null,
    });
    const chain = sequential([drawInput(draw), layer]);
    return draw.chance(0.4) ? inference(draw, chain) : training(draw, chain.spec, meanSquaredError());
  },
  timeDistributed: (draw) => {
    const units = draw.number(5).size;
    const rate = draw.one([0, 0.4]);
    const layer = draw.one([
      dense({ units, activation: draw.one(activationNames) }),
      gated({ units, rate, stddev: draw.one([0, 0.5]) }),
      scale({ initial: 0.5, rate }),
      residual({ layer: scale({ rate }) }),
    ]);
    const start = input({ shape: ["time", draw.number(5).size], lengths: draw.chance(0.7) });
    const chain = sequential([start, timeDistributed(layer), drawRecurrentLayer(draw)]);
    return draw.chance(0.4) ? inference(draw, chain) : training(draw, chain.spec, meanSquaredError());
  },
  // Of what `relu` makes 0 there are steps without any other number.
  masking: (draw) => {
    const start = input({ shape: ["time", draw.whole(1, 2)], lengths: draw.chance(0.5) });
    const layers = [
      activation({ activation: "relu" }),
      masking(),
      dense({ units: 2 }),
      drawRecurrentLayer(draw),
    ] as const;
    const chain = sequential([start, ...layers]);
    return draw.chance(0.4) ? inference(draw, chain) : training(draw, chain.spec, meanSquaredError());
  },
  repeating: (draw) => {
    const vector = input({ name: "vector", shape: [draw.number(5).size] });
    if (draw.chance(0.5)) {
      const chain = sequential([vector, repeatVector({ n: draw.whole(1, 4) }), drawRecurrentLayer(draw)]);
      return draw.chance(0.4) ? inference(draw, chain) : training(draw, chain.spec, meanSquaredError());
    }
    const steps = input({ name: "steps", shape: ["time", draw.number(5).size], lengths: draw.chance(0.7) });
    const made = model(
      [vector, steps],
      drawRecurrentLayer(draw)(concatenate()([steps, repeatAlong()([vector, steps])])),
    );
    return draw.chance(0.4) ? inference(draw, made) : training(draw, made.spec, meanSquaredError());
  },
  "spatialDropout1d and gaussianNoise": (draw) => {
    const start = input({ shape: ["time", draw.number(5).size], lengths: draw.chance(0.7) });
    const dropped = spatialDropout1d({ rate: draw.one([0, 0.2, 0.5, 0.9]) });
    const noise = gaussianNoise({ stddev: draw.one([0, 0.1, 1]) });
    return training(draw, sequential([start, dropped, dense({ units: 2 }), noise]).spec, meanSquaredError());
  },
  attention: attentionTrial,
  ...decoderTrials,
  merging: mergingTrial,
  "several outputs": outputsTrial,
  "layers of a user's own": ownLayersTrial,
};

/** Embedding or vectors, up to two recurrent layers, dropout, dense; a loss that fits, and its metrics. */
export function trainingTrial(draw: Draw): Fetches {
  const start = draw.chance(0.6)
    ? [embedding({ inputDim: 6, outputDim: draw.number(4).size, maskZero: draw.chance(0.7) })]
    : [input({ shape: ["time", draw.number(4).size], lengths: draw.chance(0.5) })];
  const between = draw.chance(0.4) ? [dropout({ rate: 0.4 }), drawRecurrentLayer(draw)] : [];
  const end = drawRecurrentLayer(draw, draw.chance(0.4));
  const classes = draw.whole(2, 4);
  const [loss, head] = draw.one([
    [binaryCrossentropy(), dense({ units: 1, activation: "sigmoid" })],
    [categoricalCrossentropy(), dense({ units: classes, activation: "softmax" })],
    [sparseCategoricalCrossentropy(), dense({ units: classes, activation: "softmax" })],
    [draw.one([meanSquaredError(), meanAbsoluteError(), huber()]), dense({ units: draw.number(3).size })],
  ] as const);
  return training(draw, sequential([...start, ...between, end, head]).spec, loss, classes);
}
