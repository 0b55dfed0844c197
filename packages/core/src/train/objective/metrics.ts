/** Metrics: a part of the graph that reduces a batch to a few sums, and a part that folds the sums of all batches. */
import { ConfigError, ShapeError } from "../../errors.ts";
import { cast, equal, less, mul, square, sub } from "../../ir/build/elementwise.ts";
import { argMax, mean, sum } from "../../ir/build/reduce.ts";
import { broadcast, concat, reshape } from "../../ir/build/shape.ts";
import { full } from "../../ir/build/source.ts";
import type { Value } from "../../ir/ops.ts";
import { isRecord, type Json, OptionReader, shown } from "../../nn/options.ts";
import type { Loss, LossContext } from "./loss.ts";
import { categoricalCrossentropy, oneHot, sparseCategoricalCrossentropy } from "./losses.ts";
import type { Prediction } from "./target.ts";

/** A figure over rows. Made by a function such as `accuracy()`. */
export interface Metric {
  /** Its name in logs. */
  readonly name: string;
  /** What kind of metric it is, and its options with all defaults filled in. */
  readonly options?: { readonly [name: string]: Json };
  /** The sums of one batch: float32 [size]. */
  sums(prediction: Prediction): Value;
  /** The metric from the sums of all batches, added up. */
  result(sums: Float64Array): number;
  /** More than a number can tell, where there is more: rows of a table. */
  table?(sums: Float64Array): number[][];
}

/** What every metric with options takes. */
export interface MetricOptions {
  /** Its name in logs, where one metric is wanted twice. Default: what it is called. */
  readonly name?: string;
}

/** What a metric can be called. */
export const isMetricName = (name: unknown): name is string =>
  typeof name === "string" && /^[A-Za-z]\w{0,99}$/.test(name);

/** Reads the name of a metric and its `own` options. */
export function readMetric(
  kind: string,
  given: MetricOptions,
  own: readonly string[] = [],
): { name: string; read: OptionReader } {
  const read = new OptionReader(kind, given, [...own, "name"]);
  const { name = kind } = given;
  if (!isMetricName(name))
    throw new ConfigError(`${kind}: name must be up to 100 letters, digits and "_", got ${shown(name)}`);
  return { name, read };
}

/** Σ weight · value and Σ weight, as [2]. */
function weightedSums(perRow: Value, weights: Value | undefined): Value {
  const counts = weights ?? full(1, perRow.type.shape);
  return concat([reshape(sum(mul(perRow, counts)), [1]), reshape(sum(counts), [1])], 0);
}

/** As Keras, 0 where there is nothing to divide by: no rows, or only rows of one class. */
export function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** The mean over all rows, each with its weight, of what `perRow` tells. */
function meanOf(name: string, options: { readonly [name: string]: Json }, perRow: (p: Prediction) => Value): Metric {
  return {
    name,
    options,
    sums: (prediction) => weightedSums(perRow(prediction), prediction.weights),
    result: (sums) => share(sums[0] as number, sums[1] as number),
  };
}

const lastAxis = (x: Value): number => x.type.shape.length - 1;
const positive = (x: Value, threshold = 0.5): Value => cast(less(threshold, x), "float32");
const truth = (condition: Value): Value => cast(condition, "float32");

function expectTarget(kind: string, { target, values }: Prediction, dtype: "float32" | "int32"): void {
  if (target.type.dtype === dtype) return;
  const form = values.type.shape.at(-1) === 1 ? "numbers" : "distributions over the classes";
  throw new ConfigError(
    dtype === "int32"
      ? `${kind} is for labels, int32 numbers of classes; these targets are ${form}`
      : `${kind} is for targets with a number for each output; these are labels`,
  );
}

const sameClass = ({ values, target }: Prediction): Value =>
  truth(equal(argMax(values, lastAxis(values)), argMax(target, lastAxis(target))));
const rightLabel = ({ values, target }: Prediction): Value => truth(equal(argMax(values, lastAxis(values)), target));

/** Whether each row is right: the class for labels and distributions, both sides of 0.5 for single outputs. */
function correct(prediction: Prediction): Value {
  const { values, target } = prediction;
  if (target.type.dtype === "int32") return rightLabel(prediction);
  if ((values.type.shape.at(-1) as number) > 1) return sameClass(prediction);
  return mean(truth(equal(positive(values), positive(target))), [lastAxis(values)]);
}

/**
 * The share of right predictions. As in Keras the form of output and target decides: for one unit both sides of 0.5 are compared,
 * for labels the label with the class of the largest output, for distributions the largest of each.
 */
export function accuracy(options: MetricOptions = {}): Metric {
  return meanOf(readMetric("accuracy", options).name, { kind: "accuracy" }, correct);
}

/** The share of outputs that lie on the side of `threshold` that their target, 0 or 1, names. `threshold` defaults to 0.5; what is on it counts as 0. */
export function binaryAccuracy(options: MetricOptions & { readonly threshold?: number } = {}): Metric {
  const kind = "binaryAccuracy";
  const { name, read } = readMetric(kind, options, ["threshold"]);
  const threshold = read.number("threshold", 0.5, 0);
  return meanOf(name, { kind, threshold }, (prediction) => {
    expectTarget(kind, prediction, "float32");
    const { values, target } = prediction;
    return mean(truth(equal(positive(values, threshold), target)), [lastAxis(values)]);
  });
}

/** The share of rows whose largest output is that of the largest target. */
export function categoricalAccuracy(options: MetricOptions = {}): Metric {
  const kind = "categoricalAccuracy";
  return meanOf(readMetric(kind, options).name, { kind }, (prediction) => {
    expectTarget(kind, prediction, "float32");
    return sameClass(prediction);
  });
}

/** The share of rows whose largest output is that of the label. */
export function sparseCategoricalAccuracy(options: MetricOptions = {}): Metric {
  const kind = "sparseCategoricalAccuracy";
  return meanOf(readMetric(kind, options).name, { kind }, (prediction) => {
    expectTarget(kind, prediction, "int32");
    return rightLabel(prediction);
  });
}

/** Options of the top-k accuracies. */
export interface TopKOptions extends MetricOptions {
  /** Default 5. */
  readonly k?: number;
}

/** Whether fewer than `k` outputs are larger than that of `label`. */
function inTopK(values: Value, label: Value, k: number): Value {
  const { shape } = values.type;
  const chosen = sum(mul(oneHot(label, shape.at(-1) as number), values), [lastAxis(values)]);
  const rows = shape.slice(0, -1).map((_, axis) => axis);
  const larger = truth(less(broadcast(chosen, shape, rows), values));
  return truth(less(sum(larger, [lastAxis(values)]), k));
}

function topK(kind: string, options: TopKOptions, label: (prediction: Prediction) => Value): Metric {
  const { name, read } = readMetric(kind, options, ["k"]);
  const k = options.k === undefined ? 5 : read.integer("k", 1);
  return meanOf(name, { kind, k }, (prediction) => inTopK(prediction.values, label(prediction), k));
}

/** The share of rows for which the class of the largest target is among the `k` largest outputs. Equal outputs are all among them. */
export function topKCategoricalAccuracy(options: TopKOptions = {}): Metric {
  const kind = "topKCategoricalAccuracy";
  return topK(kind, options, (prediction) => {
    expectTarget(kind, prediction, "float32");
    return argMax(prediction.target, lastAxis(prediction.target));
  });
}

/** The share of rows whose label is among the `k` largest outputs. Equal outputs are all among them. */
export function sparseTopKCategoricalAccuracy(options: TopKOptions = {}): Metric {
  const kind = "sparseTopKCategoricalAccuracy";
  return topK(kind, options, (prediction) => {
    expectTarget(kind, prediction, "int32");
    return prediction.target;
  });
}

/** What a loss finds that looks at more than single rows: a metric does not have it. */
function noContext(kind: string): LossContext {
  const refused = (): never => {
    throw new ConfigError(
      `lossMetric takes losses of single rows or steps; ${kind} looks at whole rows or has parameters of its own, and is the loss that logs have as "loss"`,
    );
  };
  return {
    name: kind,
    get output() {
      return refused();
    },
    get targetLengths() {
      return refused();
    },
    parameter: refused,
  };
}

/**
 * A loss as a metric: its mean over the rows, under its kind as name. It must take the targets of the loss that is trained with.
 *
 * @example compile(model, { …, loss: huber(), metrics: [lossMetric(meanAbsoluteError())] }) // logs.meanAbsoluteError
 */
export function lossMetric(loss: Loss, options: MetricOptions = {}): Metric {
  if (!isRecord(loss) || typeof loss.perRow !== "function")
    throw new ConfigError(`lossMetric takes a loss such as meanAbsoluteError(), got ${shown(loss)}`);
  const { name } = readMetric("lossMetric", { name: loss.kind, ...options });
  return meanOf(name, { kind: loss.kind, ...loss.options }, ({ values, target }) => {
    const labels = loss.kind === "sparseCategoricalCrossentropy";
    if (labels !== (target.type.dtype === "int32"))
      throw new ShapeError(
        `the metric ${name} takes ${labels ? "labels" : "a number for each output"}, and the targets are not such`,
      );
    return loss.perRow(values, target, noContext(loss.kind));
  });
}

/** The root of the mean of (p - y)² over all outputs and rows. */
export function rootMeanSquaredError(options: MetricOptions = {}): Metric {
  const kind = "rootMeanSquaredError";
  const squares = meanOf(readMetric(kind, options).name, { kind }, (prediction) => {
    expectTarget(kind, prediction, "float32");
    const { values, target } = prediction;
    return mean(square(sub(values, target)), [lastAxis(values)]);
  });
  return { ...squares, result: (sums) => Math.sqrt(squares.result(sums)) };
}

/** e to the power of the mean crossentropy over the rows, for labels or distributions: between how many equally likely classes the model chooses. */
export function perplexity(options: MetricOptions & { readonly fromLogits?: boolean } = {}): Metric {
  const { name, read } = readMetric("perplexity", options, ["fromLogits"]);
  const fromLogits = read.boolean("fromLogits", false);
  const [sparse, dense] = [sparseCategoricalCrossentropy({ fromLogits }), categoricalCrossentropy({ fromLogits })];
  const crossentropy = meanOf(name, { kind: "perplexity", fromLogits }, ({ values, target }) =>
    (target.type.dtype === "int32" ? sparse : dense).perRow(values, target),
  );
  return { ...crossentropy, result: (sums) => ((sums[1] as number) === 0 ? 0 : Math.exp(crossentropy.result(sums))) };
}
