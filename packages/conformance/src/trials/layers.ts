/** Random trials of layers, and of whole models in training. */
import {
  activation,
  activationNames,
  add,
  average,
  binaryCrossentropy,
  categoricalCrossentropy,
  concatenate,
  dense,
  dropout,
  embedding,
  huber,
  input,
  maximum,
  meanAbsoluteError,
  meanSquaredError,
  minimum,
  model,
  multiply,
  sequential,
  sparseCategoricalCrossentropy,
  subtract,
} from "@ostinato/core";
import type { Draw, DrawTrial } from "./draw.ts";
import { type Fetches, inference, training } from "./models.ts";
import { drawRecurrentLayer, recurrentLayerTrials } from "./recurrent/layers.ts";

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

/** Every kind of layer. */
export const layerTrials: Readonly<Record<string, DrawTrial>> = {
  ...recurrentLayerTrials,
  embedding: (draw) => {
    const table = embedding({ inputDim: 6, outputDim: draw.number(5).size, maskZero: draw.chance(0.5) });
    // With a layer that honours the lengths behind it now and then: they are found in the ids.
    return inference(draw, draw.chance(0.5) ? sequential([table]) : sequential([table, drawRecurrentLayer(draw)]));
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
  merging: mergingTrial,
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
