/** Random trials of losses with random options: predictions and targets are feeds, one number a row comes out. */
import {
  binaryCrossentropy,
  type CrfConstraints,
  categoricalCrossentropy,
  crf,
  ctc,
  dot,
  dropoutMask,
  huber,
  type Loss,
  meanAbsoluteError,
  meanSquaredError,
  quantileLoss,
  type RowwiseLoss,
  type Shape,
  sampledSoftmaxLoss,
  sigmoid,
  softmax,
  sparseCategoricalCrossentropy,
  type Value,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import type { Draw, DrawnDim, DrawTrial } from "./draw.ts";

const known = (size: number): DrawnDim => ({ dim: size, size });

/** Predictions [rows…, features]: logits, probabilities as they are, or as the activation that the loss looks through makes them. */
function crossentropy(
  draw: Draw,
  features: number,
  through: (x: Value) => Value,
): { rows: DrawnDim[]; value: Value; options: { fromLogits: boolean; labelSmoothing: number } } {
  const rows = draw.dims(draw.whole(1, 2), 20);
  const dims = [...rows, known(features)];
  const form = draw.one(["logits", "probabilities", "activation"]);
  const value = form === "probabilities" ? draw.float("p", dims, 0.05, 0.95) : draw.float("x", dims, -9, 9);
  return {
    rows,
    value: form === "activation" ? through(value) : value,
    options: { fromLogits: form === "logits", labelSmoothing: draw.one([0, 0.1, 0.6]) },
  };
}

/** A loss on the distance from targets of the same shape. */
const distance =
  (lossOf: (draw: Draw) => RowwiseLoss): DrawTrial =>
  (draw) => {
    const dims = [...draw.dims(draw.whole(1, 2), 20), draw.number(4)];
    return { loss: lossOf(draw).perRow(draw.float("p", dims), draw.float("target", dims)) };
  };

/** A loss of whole rows on a prediction [time, batch, features] with lengths or without. Its parameters are feeds, so that their gradients are checked, too. */
function wholeRows(
  draw: Draw,
  loss: Loss,
  features: number,
  targetOf: (rows: [time: DrawnDim, batch: DrawnDim]) => Value | { values: Value; lengths: Value },
): { loss: Value } {
  const [time, batch] = [draw.named("time", 5), draw.named("batch", 4)];
  const values = draw.float("x", [time, batch, known(features)], -4, 4);
  const lengths = draw.chance(0.7) ? draw.lengths("lengths", batch, time) : undefined;
  const output = { kind: "sequence" as const, values, ...(lengths ? { lengths } : {}) };
  const parameter = (name: string, shape: readonly number[]): Value => draw.float(name, shape.map(known), -2, 2);
  const target = targetOf([time, batch]);
  const own = "values" in target ? target : { values: target };
  const context = {
    name: `output/${loss.kind}`,
    output,
    parameter,
    ...("lengths" in own ? { targetLengths: own.lengths } : {}),
  };
  return { loss: loss.perRow(values, own.values, context) };
}

/** Random paths are allowed, that of tag 0 always. */
function drawConstraints(draw: Draw, tags: number): CrfConstraints {
  const flags = (own: number) => Array.from({ length: tags }, (_, tag) => tag === 0 || tag === own || draw.chance(0.6));
  return { transitions: Array.from({ length: tags }, (_, tag) => flags(tag)), start: flags(0), end: flags(0) };
}

/** Every loss, one number a row. */
export const lossTrials: Readonly<Record<string, DrawTrial>> = {
  binaryCrossentropy: (draw) => {
    const features = draw.number(4).size;
    const { rows, value, options } = crossentropy(draw, features, sigmoid);
    return { loss: binaryCrossentropy(options).perRow(value, draw.float("target", [...rows, known(features)], 0, 1)) };
  },
  categoricalCrossentropy: (draw) => {
    const classes = draw.whole(2, 5);
    const { rows, value, options } = crossentropy(draw, classes, softmax);
    const target = draw.float("target", [...rows, known(classes)], 0, 1);
    return { loss: categoricalCrossentropy(options).perRow(value, target) };
  },
  sparseCategoricalCrossentropy: (draw) => {
    const classes = draw.whole(2, 5);
    const { rows, value, options } = crossentropy(draw, classes, softmax);
    const target = draw.int("target", rows, 0, classes - 1);
    return { loss: sparseCategoricalCrossentropy(options).perRow(value, target) };
  },
  sampledSoftmaxLoss: (draw) => {
    const classes = draw.whole(2, 9);
    const rows = draw.dims(draw.whole(1, 2), 20);
    const features = draw.number(5);
    const byRow = draw.chance(0.5);
    const x = draw.float("x", [...rows, features], -2, 2);
    const table = draw.float("table", byRow ? [known(classes), features] : [features, known(classes)], -2, 2);
    const products = dot(x, table, { contract: [[rows.length], [byRow ? 1 : 0]] });
    const logits = draw.chance(0.6) ? add(products, draw.float("bias", [known(classes)])) : products;
    const fromLogits = draw.chance(0.5);
    const values = fromLogits ? logits : softmax(logits);
    const loss = sampledSoftmaxLoss({
      samples: draw.whole(1, classes),
      distribution: draw.one(["logUniform", "uniform", Array.from({ length: classes }, () => draw.whole(1, 9))]),
      labelSmoothing: draw.one([0, 0.1, 0.6]),
      fromLogits,
    });
    const step = draw.int("step", [], 0, 1000);
    const context = {
      name: "output/sampledSoftmaxLoss",
      output: { kind: rows.length === 1 ? ("features" as const) : ("sequence" as const), values },
      parameter: () => table,
      mask: (rate: number, shape: Shape) => dropoutMask(step, { rate, shape, seed: 3, site: 4 }),
    };
    return { loss: loss.perRow(values, draw.int("target", rows, 0, classes - 1), context) };
  },
  meanSquaredError: distance(() => meanSquaredError()),
  meanAbsoluteError: distance(() => meanAbsoluteError()),
  crf: (draw) => {
    const tags = draw.whole(2, 4);
    const constrained = draw.chance(0.3);
    const loss = crf(constrained ? { constraints: drawConstraints(draw, tags), constrainTraining: true } : {});
    return wholeRows(draw, loss, tags, (rows) => draw.int("target", rows, 0, constrained ? 0 : tags - 1));
  },
  ctc: (draw) => {
    const classes = draw.whole(2, 4);
    const blank = draw.one([0, "last"] as const);
    const labels = draw.named("labels", 3);
    return wholeRows(draw, ctc({ blank }), classes, ([, batch]) => {
      const [low, high] = blank === 0 ? [1, classes - 1] : [0, classes - 2];
      return {
        values: draw.int("target", [labels, batch], low, high),
        lengths: draw.lengths("labelLengths", batch, labels),
      };
    });
  },
  quantileLoss: (draw) => {
    const quantiles = draw.one([[0.5], [0.1, 0.9], [0.05, 0.5, 0.6]]);
    const rows = draw.dims(draw.whole(1, 2), 12);
    const numbers = draw.whole(1, 2);
    const values = draw.float("p", [...rows, known(numbers * quantiles.length)]);
    const output = { kind: rows.length === 1 ? ("features" as const) : ("sequence" as const), values };
    const context = { name: "output/quantileLoss", output, parameter: () => values };
    return {
      loss: quantileLoss({ quantiles }).perRow(values, draw.float("target", [...rows, known(numbers)]), context),
    };
  },
  huber: distance((draw) => huber({ delta: draw.one([0.3, 1, 2]) })),
};
