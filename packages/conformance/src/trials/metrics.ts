/** Random trials of metrics: the sums of one batch, of predictions, targets and weights that are fed. */
import {
  accuracy,
  auc,
  binaryAccuracy,
  categoricalAccuracy,
  confusion,
  f1,
  fBeta,
  huber,
  lossMetric,
  type Metric,
  perplexity,
  precision,
  recall,
  rootMeanSquaredError,
  sparseCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
  topKCategoricalAccuracy,
  type Value,
} from "@ostinato/core";
import type { Draw, DrawnDim, DrawTrial } from "./draw.ts";

const known = (size: number): DrawnDim => ({ dim: size, size });

/** The sums of metrics of one prediction; weights are fed now and then. */
function sumsOf(
  draw: Draw,
  metrics: readonly Metric[],
  rows: readonly DrawnDim[],
  values: Value,
  target: Value,
): Readonly<Record<string, Value>> {
  const weights = draw.chance(0.5) ? { weights: draw.float("weights", rows, 0, 1) } : {};
  return Object.fromEntries(metrics.map((metric) => [metric.name, metric.sums({ values, target, ...weights })]));
}

/** Metrics by the form of what they judge. */
export const metricTrials: Readonly<Record<"one output" | "labels" | "distributions", DrawTrial>> = {
  "one output": (draw) => {
    const rows = draw.dims(draw.whole(1, 2), 20);
    const dims = [...rows, known(1)];
    const metrics = [accuracy(), auc(), binaryAccuracy(), precision(), recall(), f1(), confusion()];
    return sumsOf(draw, metrics, rows, draw.float("p", dims, 0, 1), draw.float("target", dims, 0, 1));
  },
  labels: (draw) => {
    const rows = draw.dims(draw.whole(1, 2), 20);
    const classes = draw.whole(2, 5);
    const metrics = [sparseCategoricalAccuracy(), sparseTopKCategoricalAccuracy({ k: 2 }), fBeta(), confusion()];
    const values = draw.float("p", [...rows, known(classes)], 0.05, 0.95);
    return sumsOf(draw, [...metrics, perplexity()], rows, values, draw.int("target", rows, 0, classes - 1));
  },
  distributions: (draw) => {
    const rows = draw.dims(draw.whole(1, 2), 20);
    const dims = [...rows, draw.number(4)];
    const metrics = [categoricalAccuracy(), topKCategoricalAccuracy({ k: 2 }), rootMeanSquaredError()];
    const values = draw.float("p", dims, 0.05, 0.95);
    return sumsOf(draw, [...metrics, lossMetric(huber())], rows, values, draw.float("target", dims, 0, 1));
  },
};
