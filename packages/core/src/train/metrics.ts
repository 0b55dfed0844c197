/** Metrics: a part of the graph that reduces a batch to a few sums, and a part that folds the sums of all batches. */

import { ConfigError } from "../errors.ts";
import { cast, equal, less, mul, sub } from "../ir/build/elementwise.ts";
import { dot } from "../ir/build/linear.ts";
import { argMax, mean, sum } from "../ir/build/reduce.ts";
import { broadcast, concat, reshape } from "../ir/build/shape.ts";
import { constant, full } from "../ir/build/source.ts";
import type { Value } from "../ir/ops.ts";
import type { Prediction } from "./target.ts";

export interface Metric {
  /** Its name in logs. */
  readonly name: string;
  /** The sums of one batch: float32 [size]. */
  sums(prediction: Prediction): Value;
  /** The metric from the sums of all batches, added up. */
  result(sums: Float64Array): number;
}

const rowAxes = (x: Value): number[] => x.type.shape.slice(0, -1).map((_, axis) => axis);

/** Σ weight · value and Σ weight, as [2]. */
function weightedSums(perRow: Value, weights: Value | undefined): Value {
  const counts = weights ?? full(1, perRow.type.shape);
  return concat([reshape(sum(mul(perRow, counts)), [1]), reshape(sum(counts), [1])], 0);
}

/** Whether each row is right: the class for labels and distributions, both sides of 0.5 for single outputs. */
function correct({ values, target }: Prediction): Value {
  const last = values.type.shape.length - 1;
  const features = values.type.shape[last] as number;
  if (target.type.dtype === "int32") return cast(equal(argMax(values, last), target), "float32");
  if (features > 1) return cast(equal(argMax(values, last), argMax(target, last)), "float32");
  const positive = (x: Value): Value => cast(less(0.5, x), "int32");
  return mean(cast(equal(positive(values), positive(target)), "float32"), [last]);
}

/** As Keras, 0 where there is nothing to divide by: no rows, or only rows of one class. */
function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/**
 * The share of right predictions. As in Keras the form of output and target decides: for one unit both sides of 0.5 are compared,
 * for labels the label with the class of the largest output, for distributions the largest of each.
 */
export function accuracy(): Metric {
  return {
    name: "accuracy",
    sums: (prediction) => weightedSums(correct(prediction), prediction.weights),
    result: (sums) => share(sums[0] as number, sums[1] as number),
  };
}

const THRESHOLDS = 200;
/** Keras's: 0 and 1 moved outward, so that everything is above the first and nothing above the last. */
const thresholds: readonly number[] = Array.from({ length: THRESHOLDS }, (_, i) =>
  i === 0 ? -1e-7 : i === THRESHOLDS - 1 ? 1 + 1e-7 : i / (THRESHOLDS - 1),
);

/**
 * The area under the ROC curve, for one output between 0 and 1. As in Keras over 200 thresholds, with trapezes between them:
 * what can be summed over batches. `evaluate` of a finished model can have it exact by `rocAuc`.
 */
export function auc(): Metric {
  return {
    name: "auc",
    sums({ values, target, weights }) {
      const features = values.type.shape.at(-1);
      if (features !== 1 || target.type.dtype !== "float32") {
        throw new ConfigError(
          `auc is for one output between 0 and 1, this one has ${features}; give it to another output or leave it out`,
        );
      }
      const rows = values.type.shape.slice(0, -1);
      const axes = rowAxes(values);
      const scores = reshape(values, rows);
      const labels = reshape(target, rows);
      const shape = [THRESHOLDS, ...rows];
      const over = axes.map((axis) => axis + 1);
      const above = cast(
        less(broadcast(constant(thresholds, "float32", [THRESHOLDS]), shape, [0]), broadcast(scores, shape, over)),
        "float32",
      );
      const positives = weights ? mul(labels, weights) : labels;
      const negatives = sub(weights ?? full(1, rows), positives);
      const count = (x: Value): Value => dot(above, x, { contract: [over, axes] });
      return concat([count(positives), count(negatives)], 0);
    },
    result(sums) {
      const positives = sums[0] as number;
      const negatives = sums[THRESHOLDS] as number;
      let area = 0;
      for (let i = 1; i < THRESHOLDS; i++) {
        const right = ((sums[i - 1] as number) + (sums[i] as number)) / 2;
        area += right * ((sums[THRESHOLDS + i - 1] as number) - (sums[THRESHOLDS + i] as number));
      }
      return share(area, positives * negatives);
    },
  };
}
