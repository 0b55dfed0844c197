/** Losses: how far predictions are from targets, one number a row. Keras's names and definitions. */
import { ConfigError, ShapeError } from "../../errors.ts";
import { softmaxCrossentropy } from "../../ir/build/crossentropy.ts";
import {
  abs,
  add,
  cast,
  div,
  equal,
  less,
  log,
  logSoftmax,
  maximum,
  minimum,
  mul,
  neg,
  select,
  softplus,
  square,
  sub,
} from "../../ir/build/elementwise.ts";
import { countOf, mean, sum } from "../../ir/build/reduce.ts";
import { broadcast } from "../../ir/build/shape.ts";
import { iota } from "../../ir/build/source.ts";
import type { Value } from "../../ir/ops.ts";
import { type Flow, featuresOf } from "../../nn/kinds.ts";
import { type Json, OptionReader } from "../../nn/options.ts";
import type { RowwiseLoss } from "./loss.ts";
import { targetShape } from "./target.ts";

/** Probabilities are kept this far from 0 and 1, as in Keras. */
const EPSILON = 1e-7;

const lastAxis = (x: Value): number => x.type.shape.length - 1;

/** The input of the activation that made `x`, where it is `op`: a loss on it neither overflows nor loses digits. */
function logitsOf(x: Value, op: "sigmoid" | "softmax"): Value | undefined {
  return x.node.op === op ? x.node.inputs[0] : undefined;
}

const clipped = (p: Value): Value => minimum(maximum(p, EPSILON), 1 - EPSILON);

/** Options of the crossentropy losses. */
export interface CrossentropyOptions {
  /** The model's output is the input of the sigmoid or softmax, which the loss then applies itself. Default false. */
  readonly fromLogits?: boolean;
  /** Moves targets toward even odds by this share: to y (1 - s) + s / 2 for single outputs, y (1 - s) + s / classes for classes. Default 0. */
  readonly labelSmoothing?: number;
}

function readCrossentropy(
  kind: string,
  given: CrossentropyOptions,
): Required<CrossentropyOptions> & { [name: string]: Json } {
  const read = new OptionReader(kind, given, ["fromLogits", "labelSmoothing"]);
  return { fromLogits: read.boolean("fromLogits", false), labelSmoothing: read.number("labelSmoothing", 0, 0, 1) };
}

/** y (1 - s) + s / classes. */
function smoothed(target: Value, smoothing: number, classes: number): Value {
  return smoothing === 0 ? target : add(mul(target, 1 - smoothing), smoothing / classes);
}

/** A prediction that claims to be logits must not be what the activation made. */
function expectLogits(kind: string, prediction: Value): Value {
  const { op } = prediction.node;
  if (op === "sigmoid" || op === "softmax")
    throw new ConfigError(`${kind}: fromLogits is set, but the output ends in a ${op}; leave one of them out`);
  return prediction;
}

/**
 * -(y log p + (1 - y) log (1 - p)), the mean over the outputs. Targets are float32 within 0 … 1, of the output's shape; a single
 * output takes one number a row. After a sigmoid, and from logits z, it is computed as softplus(z) - y z.
 */
export function binaryCrossentropy(given: CrossentropyOptions = {}): RowwiseLoss {
  const kind = "binaryCrossentropy";
  const options = readCrossentropy(kind, given);
  return {
    kind,
    options,
    target: (name, output) => ({ name, dtype: "float32", shape: targetShape(output, false), probability: true }),
    perRow(prediction, target) {
      const logits = options.fromLogits ? expectLogits(kind, prediction) : logitsOf(prediction, "sigmoid");
      const y = smoothed(target, options.labelSmoothing, 2);
      const p = clipped(prediction);
      const losses = logits
        ? sub(softplus(logits), mul(y, logits))
        : neg(add(mul(y, log(p)), mul(sub(1, y), log(sub(1, p)))));
      return mean(losses, [lastAxis(losses)]);
    },
  };
}

function expectClasses(kind: string, name: string, output: Flow): number {
  const classes = featuresOf(output);
  if (classes < 2) {
    throw new ShapeError(
      `${kind}: the output "${name}" has ${classes} unit; it needs one for each class (for two classes of one unit use binaryCrossentropy)`,
    );
  }
  return classes;
}

/** log p of every class: from logits, given or those of which a softmax made p, else of p scaled to sum to 1, as Keras does. */
function logProbabilities(kind: string, prediction: Value, fromLogits: boolean): Value {
  const logits = fromLogits ? expectLogits(kind, prediction) : logitsOf(prediction, "softmax");
  if (logits) return logSoftmax(logits);
  const total = broadcast(
    sum(prediction, [lastAxis(prediction)]),
    prediction.type.shape,
    prediction.type.shape.slice(0, -1).map((_, axis) => axis),
  );
  return log(clipped(div(prediction, maximum(total, EPSILON))));
}

/** -Σ y log p over the classes. Targets are distributions over the classes, of the output's shape. */
export function categoricalCrossentropy(given: CrossentropyOptions = {}): RowwiseLoss {
  const kind = "categoricalCrossentropy";
  const options = readCrossentropy(kind, given);
  return {
    kind,
    options,
    target(name, output) {
      expectClasses(kind, name, output);
      return { name, dtype: "float32", shape: targetShape(output, false), probability: true };
    },
    perRow(prediction, target) {
      const y = smoothed(target, options.labelSmoothing, prediction.type.shape.at(-1) as number);
      return neg(sum(mul(y, logProbabilities(kind, prediction, options.fromLogits)), [lastAxis(prediction)]));
    },
  };
}

/** `labels` int32 [rows…] as float32 [rows…, classes]: 1 at the label. */
export function oneHot(labels: Value, classes: number): Value {
  const shape = [...labels.type.shape, classes];
  const rows = labels.type.shape.map((_, axis) => axis);
  return cast(equal(broadcast(labels, shape, rows), broadcast(iota(classes), shape, [rows.length])), "float32");
}

/**
 * -log p of the class that the label names. Targets are int32 from 0 on, one a row. `labelSmoothing` is that of
 * `categoricalCrossentropy` with the label as a distribution, and of PyTorch's `cross_entropy`; Keras's has none. It is part of the loss in `evaluate`, too, as in Keras:
 * `perplexity()` and `lossMetric(sparseCategoricalCrossentropy())` are without it.
 */
export function sparseCategoricalCrossentropy(given: CrossentropyOptions = {}): RowwiseLoss {
  const kind = "sparseCategoricalCrossentropy";
  const options = readCrossentropy(kind, given);
  return {
    kind,
    options,
    target(name, output) {
      const classes = expectClasses(kind, name, output);
      return { name, dtype: "int32", shape: targetShape(output, true), classes, probability: false };
    },
    perRow(prediction, target) {
      const { fromLogits, labelSmoothing } = options;
      const logits = fromLogits ? expectLogits(kind, prediction) : logitsOf(prediction, "softmax");
      if (logits) return softmaxCrossentropy(logits, target, { labelSmoothing });
      const classes = prediction.type.shape.at(-1) as number;
      const y = smoothed(oneHot(target, classes), labelSmoothing, classes);
      return neg(sum(mul(y, logProbabilities(kind, prediction, false)), [lastAxis(prediction)]));
    },
  };
}

/** A loss on the distance between prediction and target: the mean over the outputs. Targets are float32, of the output's shape. */
function distance(kind: string, options: { readonly [name: string]: Json }, of: (error: Value) => Value): RowwiseLoss {
  return {
    kind,
    options,
    target: (name, output) => ({ name, dtype: "float32", shape: targetShape(output, false), probability: false }),
    perRow: (prediction, target) => mean(of(sub(prediction, target)), [lastAxis(prediction)]),
  };
}

/** The mean of (p - y)² over the outputs. Targets are float32, of the output's shape. */
export function meanSquaredError(): RowwiseLoss {
  return distance("meanSquaredError", {}, square);
}

/** The mean of |p - y| over the outputs. Targets are float32, of the output's shape. */
export function meanAbsoluteError(): RowwiseLoss {
  return distance("meanAbsoluteError", {}, abs);
}

/**
 * Huber's loss: e² / 2 where |e| = |p - y| is at most `delta`, else delta · |e| - delta² / 2; the mean over the outputs. `delta`
 * defaults to 1. Targets are float32, of the output's shape.
 */
export function huber(options: { readonly delta?: number } = {}): RowwiseLoss {
  const delta = new OptionReader("huber", options, ["delta"]).number("delta", 1, 0);
  return distance("huber", { delta }, (error) => {
    const size = abs(error);
    return select(less(delta, size), sub(mul(delta, size), (delta * delta) / 2), mul(0.5, square(error)));
  });
}

/** Σ weight · loss, and what it is divided by: the rows, or the steps that are not past the end. */
export function totals(
  perRow: Value,
  mask: Value | undefined,
  sampleWeights: Value | undefined,
): { total: Value; count: Value } {
  const weighted = [mask, sampleWeights].reduce<Value>(
    (losses, weights) => (weights ? mul(losses, weights) : losses),
    perRow,
  );
  return { total: sum(weighted), count: mask ? sum(mask) : countOf(perRow.type.shape) };
}
