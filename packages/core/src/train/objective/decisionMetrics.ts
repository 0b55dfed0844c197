/** Metrics of decisions: what counts is what is called positive, and for which class, not how sure the model is. */
import { ConfigError } from "../../errors.ts";
import { abs, and, cast, less, mul, not, sub } from "../../ir/build/elementwise.ts";
import { dot } from "../../ir/build/linear.ts";
import { argMax, max, sum } from "../../ir/build/reduce.ts";
import { broadcast, concat, reshape } from "../../ir/build/shape.ts";
import { constant, full } from "../../ir/build/source.ts";
import type { Value } from "../../ir/ops.ts";
import { oneHot } from "./losses.ts";
import { type Metric, type MetricOptions, readMetric, share } from "./metrics.ts";
import type { Prediction } from "./target.ts";

const lastAxis = (x: Value): number => x.type.shape.length - 1;
const rowAxes = (x: Value): number[] => x.type.shape.slice(0, -1).map((_, axis) => axis);

const THRESHOLDS = 200;
/** Keras's: 0 and 1 moved outward, so that everything is above the first and nothing above the last. */
const thresholds: readonly number[] = Array.from({ length: THRESHOLDS }, (_, i) =>
  i === 0 ? -1e-7 : i === THRESHOLDS - 1 ? 1 + 1e-7 : i / (THRESHOLDS - 1),
);

/**
 * The area under the ROC curve, for one output between 0 and 1. As in Keras over 200 thresholds, with trapezes between them:
 * what can be summed over batches. `evaluate` of a finished model can have it exact by `rocAuc`.
 */
export function auc(options: MetricOptions = {}): Metric {
  return {
    name: readMetric("auc", options).name,
    options: { kind: "auc" },
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

/** The targets with a number for each output: labels become 1 at their class. */
function targetsPerOutput({ values, target }: Prediction): Value {
  return target.type.dtype === "int32" ? oneHot(target, values.type.shape.at(-1) as number) : target;
}

/** 1 for outputs above the threshold; without one the largest of each row, as Keras has it: none where it is 0. */
function decided(values: Value, threshold: number | null): Value {
  if (threshold !== null) return cast(less(threshold, values), "float32");
  const largest = broadcast(max(values, [lastAxis(values)]), values.type.shape, rowAxes(values));
  return cast(and(not(less(values, largest)), less(1e-9, abs(values))), "float32");
}

/** Σ weight · value over the rows, for each output: [outputs]. */
function perOutput(value: Value, weights: Value | undefined): Value {
  const weighted = weights ? mul(value, broadcast(weights, value.type.shape, rowAxes(value))) : value;
  return sum(weighted, rowAxes(value));
}

/** True positives, false positives and false negatives of each output: [3 · outputs]. */
function counts(prediction: Prediction, threshold: number | null): Value {
  const actual = targetsPerOutput(prediction);
  const called = decided(prediction.values, threshold);
  const both = mul(called, actual);
  return concat(
    [both, sub(called, both), sub(actual, both)].map((value) => perOutput(value, prediction.weights)),
    0,
  );
}

/** The counts of `counts`, of each output. */
function countsOf(sums: Float64Array): { tp: number; fp: number; fn: number }[] {
  const outputs = sums.length / 3;
  return Array.from({ length: outputs }, (_, k) => ({
    tp: sums[k] as number,
    fp: sums[outputs + k] as number,
    fn: sums[2 * outputs + k] as number,
  }));
}

/** Options of metrics that compare outputs with a threshold. */
export interface ThresholdOptions extends MetricOptions {
  /** Outputs above it are called positive. Default 0.5. */
  readonly threshold?: number;
}

function ratio(kind: "precision" | "recall", given: ThresholdOptions, missed: "fp" | "fn"): Metric {
  const { name, read } = readMetric(kind, given, ["threshold"]);
  const threshold = read.number("threshold", 0.5, 0);
  return {
    name,
    options: { kind, threshold },
    sums: (prediction) => counts(prediction, threshold),
    result(sums) {
      const all = countsOf(sums);
      const right = all.reduce((total, { tp }) => total + tp, 0);
      return share(right, right + all.reduce((total, count) => total + count[missed], 0));
    },
  };
}

/** Of the outputs that are called positive, the share that are: over all outputs together, each row with its weight. 0 where none is called so. */
export function precision(options: ThresholdOptions = {}): Metric {
  return ratio("precision", options, "fp");
}

/** Of the outputs that are positive, the share that are called so: over all outputs together, each row with its weight. 0 where there are none. */
export function recall(options: ThresholdOptions = {}): Metric {
  return ratio("recall", options, "fn");
}

/** Options of `fBeta`. */
export interface FBetaOptions extends MetricOptions {
  /** How many times as much recall counts as precision. Default 1. */
  readonly beta?: number;
  /** Outputs above it are called positive. Default: 0.5 for one output, else the largest of each row is. */
  readonly threshold?: number;
  /** "macro": the mean over the outputs; "weighted": each by how often it is positive; "micro": all counted together. Default "macro". */
  readonly average?: "macro" | "micro" | "weighted";
}

/** Added to divisors, as in Keras. */
const EPSILON = 1e-7;

function scoreOf({ tp, fp, fn }: { tp: number; fp: number; fn: number }, beta: number): number {
  const p = tp / (tp + fp + EPSILON);
  const r = tp / (tp + fn + EPSILON);
  return ((1 + beta ** 2) * (p * r)) / (beta ** 2 * p + r + EPSILON);
}

function fScore(kind: string, given: FBetaOptions, own: readonly string[]): Metric {
  const { name, read } = readMetric(kind, given, own);
  const beta = read.number("beta", 1, 0);
  if (beta === 0)
    throw new ConfigError(`${kind}: beta must be above 0, got 0; for precision alone there is precision()`);
  const threshold = given.threshold === undefined ? null : read.number("threshold", 0.5, 0);
  const average = read.oneOf("average", ["macro", "micro", "weighted"], "macro");
  return {
    name,
    options: { kind, beta, threshold, average },
    sums(prediction) {
      const single = prediction.values.type.shape.at(-1) === 1;
      return counts(prediction, threshold ?? (single ? 0.5 : null));
    },
    result(sums) {
      const all = countsOf(sums);
      const total = (of: (count: { tp: number; fp: number; fn: number }) => number): number =>
        all.reduce((part, count) => part + of(count), 0);
      if (average === "micro")
        return scoreOf({ tp: total(({ tp }) => tp), fp: total(({ fp }) => fp), fn: total(({ fn }) => fn) }, beta);
      if (average === "macro")
        return share(
          total((count) => scoreOf(count, beta)),
          all.length,
        );
      const positives = total(({ tp, fn }) => tp + fn) + EPSILON;
      return total((count) => (scoreOf(count, beta) * (count.tp + count.fn)) / positives);
    },
  };
}

/** Keras's FBetaScore: (1 + β²) · precision · recall / (β² · precision + recall), of each output, and their average. */
export function fBeta(options: FBetaOptions = {}): Metric {
  return fScore("fBeta", options, ["beta", "threshold", "average"]);
}

/** `fBeta` with a beta of 1: the harmonic mean of precision and recall. */
export function f1(options: Omit<FBetaOptions, "beta"> = {}): Metric {
  return fScore("f1", options, ["threshold", "average"]);
}

/**
 * How often each class was taken for each other: `table` gives the matrix, a row for each actual class and a column for each predicted
 * one. As a number it is the mean over the classes of the share that was found, the balanced accuracy, and is called so in logs;
 * classes without rows are left out of it. One output is two classes, parted at `threshold` (default 0.5).
 */
export function confusion(options: ThresholdOptions = {}): Metric {
  const { read } = readMetric("confusion", options, ["threshold"]);
  const threshold = read.number("threshold", 0.5, 0);
  const tableOf = (sums: Float64Array): number[][] => {
    const classes = Math.sqrt(sums.length);
    return Array.from({ length: classes }, (_, row) => [...sums.slice(row * classes, (row + 1) * classes)]);
  };
  return {
    name: options.name ?? "balancedAccuracy",
    options: { kind: "confusion", threshold },
    sums(prediction) {
      const { values, target, weights } = prediction;
      const features = values.type.shape.at(-1) as number;
      const rows = values.type.shape.slice(0, -1);
      const side = (x: Value, at: number): Value => cast(less(at, reshape(x, rows)), "int32");
      const classOf = (x: Value, at: number): Value => (features === 1 ? side(x, at) : argMax(x, lastAxis(x)));
      const classes = Math.max(2, features);
      const actual = oneHot(target.type.dtype === "int32" ? target : classOf(target, 0.5), classes);
      const called = oneHot(classOf(values, threshold), classes);
      const weighted = weights ? mul(called, broadcast(weights, called.type.shape, rowAxes(called))) : called;
      return reshape(dot(actual, weighted, { contract: [rowAxes(actual), rowAxes(weighted)] }), [classes * classes]);
    },
    result(sums) {
      const found = tableOf(sums).flatMap((row, actual) => {
        const all = row.reduce((a, b) => a + b, 0);
        return all === 0 ? [] : [(row[actual] as number) / all];
      });
      return share(
        found.reduce((a, b) => a + b, 0),
        found.length,
      );
    },
    table: tableOf,
  };
}
