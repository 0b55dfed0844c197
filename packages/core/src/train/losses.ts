/** Losses: how far predictions are from targets, one number a row. Keras's names and definitions. */
import { ShapeError } from "../errors.ts";
import {
  add,
  cast,
  div,
  equal,
  log,
  logSoftmax,
  maximum,
  minimum,
  mul,
  neg,
  softplus,
  square,
  sub,
} from "../ir/build/elementwise.ts";
import { countOf, mean, sum } from "../ir/build/reduce.ts";
import { broadcast } from "../ir/build/shape.ts";
import { iota } from "../ir/build/source.ts";
import type { Value } from "../ir/ops.ts";
import { type Flow, featuresOf } from "../nn/kinds.ts";
import { type TargetSpec, targetShape } from "./target.ts";

export interface Loss {
  readonly kind: string;
  /** The form of the targets for an output, called `name`. @throws ShapeError where the output cannot have this loss */
  target(name: string, output: Flow): TargetSpec;
  /** One number a row: prediction [rows…, features] → [rows…]. */
  perRow(prediction: Value, target: Value): Value;
}

/** Probabilities are kept this far from 0 and 1, as in Keras. */
const EPSILON = 1e-7;

const lastAxis = (x: Value): number => x.type.shape.length - 1;

/** The input of the activation that made `x`, where it is `op`: a loss on it neither overflows nor loses digits. */
function logitsOf(x: Value, op: "sigmoid" | "softmax"): Value | undefined {
  return x.node.op === op ? x.node.inputs[0] : undefined;
}

const clipped = (p: Value): Value => minimum(maximum(p, EPSILON), 1 - EPSILON);

/**
 * -(y log p + (1 - y) log (1 - p)), the mean over the outputs. Targets are float32 within 0 … 1, of the output's shape; a single
 * output takes one number a row. After a sigmoid it is computed from the sigmoid's input: softplus(z) - y z.
 */
export function binaryCrossentropy(): Loss {
  return {
    kind: "binaryCrossentropy",
    target: (name, output) => ({ name, dtype: "float32", shape: targetShape(output, false), probability: true }),
    perRow(prediction, target) {
      const logits = logitsOf(prediction, "sigmoid");
      const p = clipped(prediction);
      const losses = logits
        ? sub(softplus(logits), mul(target, logits))
        : neg(add(mul(target, log(p)), mul(sub(1, target), log(sub(1, p)))));
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

/** log p of every class: from the logits where a softmax made p, else of p scaled to sum to 1, as Keras does. */
function logProbabilities(prediction: Value): Value {
  const logits = logitsOf(prediction, "softmax");
  if (logits) return logSoftmax(logits);
  const total = broadcast(
    sum(prediction, [lastAxis(prediction)]),
    prediction.type.shape,
    prediction.type.shape.slice(0, -1).map((_, axis) => axis),
  );
  return log(clipped(div(prediction, maximum(total, EPSILON))));
}

/** -Σ y log p over the classes. Targets are distributions over the classes, of the output's shape. */
export function categoricalCrossentropy(): Loss {
  return {
    kind: "categoricalCrossentropy",
    target(name, output) {
      expectClasses("categoricalCrossentropy", name, output);
      return { name, dtype: "float32", shape: targetShape(output, false), probability: true };
    },
    perRow: (prediction, target) => neg(sum(mul(target, logProbabilities(prediction)), [lastAxis(prediction)])),
  };
}

/** `labels` int32 [rows…] as float32 [rows…, classes]: 1 at the label. */
export function oneHot(labels: Value, classes: number): Value {
  const shape = [...labels.type.shape, classes];
  const rows = labels.type.shape.map((_, axis) => axis);
  return cast(equal(broadcast(labels, shape, rows), broadcast(iota(classes), shape, [rows.length])), "float32");
}

/** -log p of the class that the label names. Targets are int32 from 0 on, one a row. */
export function sparseCategoricalCrossentropy(): Loss {
  return {
    kind: "sparseCategoricalCrossentropy",
    target(name, output) {
      const classes = expectClasses("sparseCategoricalCrossentropy", name, output);
      return { name, dtype: "int32", shape: targetShape(output, true), classes, probability: false };
    },
    perRow(prediction, target) {
      const chosen = oneHot(target, prediction.type.shape.at(-1) as number);
      return neg(sum(mul(chosen, logProbabilities(prediction)), [lastAxis(prediction)]));
    },
  };
}

/** The mean of (p - y)² over the outputs. Targets are float32, of the output's shape. */
export function meanSquaredError(): Loss {
  return {
    kind: "meanSquaredError",
    target: (name, output) => ({ name, dtype: "float32", shape: targetShape(output, false), probability: false }),
    perRow: (prediction, target) => mean(square(sub(prediction, target)), [lastAxis(prediction)]),
  };
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
