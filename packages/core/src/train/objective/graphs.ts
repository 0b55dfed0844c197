/** The graphs of a model's life: one training step, one batch of evaluation, one of prediction. */
import { gradients } from "../../autodiff/gradients.ts";
import { ConfigError } from "../../errors.ts";
import { abs, add, and, cast, div, equal, finite, maximum, mul, square, sub } from "../../ir/build/elementwise.ts";
import { sequenceMask } from "../../ir/build/index.ts";
import { sum } from "../../ir/build/reduce.ts";
import { broadcast, concat, reshape, transpose } from "../../ir/build/shape.ts";
import { constant, feed, state } from "../../ir/build/source.ts";
import type { Dim, Value } from "../../ir/ops.ts";
import type { Graph, Update } from "../../ir/value.ts";
import { type BuiltModel, buildModel } from "../../nn/build.ts";
import type { Flow } from "../../nn/kinds.ts";
import type { ParameterSpec } from "../../nn/layer.ts";
import type { ModelSpec, Source } from "../../nn/spec.ts";
import type { Optimizer } from "../../optim/optimizer.ts";
import { clips, guardedValues, optimizerUpdates } from "../../optim/step.ts";
import { lossPerRow, metricSums } from "./computed.ts";
import { type Loss, totals } from "./losses.ts";
import type { Metric } from "./metrics.ts";
import type { Prediction, TargetSpec } from "./target.ts";

/** What a model is trained with. */
export interface Objective {
  readonly loss: Loss;
  readonly metrics: readonly Metric[];
  /** Metrics in which rows count by their weights, as in the loss. */
  readonly weightedMetrics?: readonly Metric[];
}

/** All metrics of an objective, in the order of logs. */
export function metricsOf({ metrics, weightedMetrics = [] }: Objective): readonly Metric[] {
  return [...metrics, ...weightedMetrics];
}

/** What has weights of its own in the data. */
export type Weighing = "none" | "rows" | "steps";

/** Names of state beside the parameters. */
export const STEP = "training/step";

/** Names of feeds and fetches beside the inputs and outputs of the model. */
export const SAMPLE_WEIGHTS = "training/sampleWeights";
/** The learning rate of the step, a float32 scalar: computed by the host, so that schedules and callbacks are plain functions. */
export const LEARNING_RATE = "training/learningRate";
export const targetFeed = (output: string): string => `${output}/target`;
const LOSS = "loss";
/** Σ loss, and the number of rows it is the sum of. */
export const LOSS_SUMS = "loss/sums";
/** Whether a training step was applied: a bool scalar, false where the loss or what the step would leave behind is not finite. */
export const APPLIED = "applied";
export const metricFetch = (metric: Metric): string => `${metric.name}/sums`;

/** What made an output, for errors: `dense "verdict"`. */
function makerOf({ layers, calls, inputs }: ModelSpec, source: Source): string {
  if ("input" in source) return `input "${inputs[source.input]?.name}"`;
  const layer = layers[calls[source.call]?.layer as number];
  return `${layer?.kind} "${layer?.name}"`;
}

/** The targets that a model and a loss ask for. @throws ConfigError for a softmax over one unit: it is 1 whatever the weights are, and has no gradient */
export function targetsOf(spec: ModelSpec, loss: Loss): TargetSpec[] {
  return buildModel(spec).outputs.map(({ name, flow }, i) => {
    const target = loss.target(name, flow);
    const { node, type } = flow.values;
    if (node.op === "softmax" && type.shape.at(-1) === 1)
      throw new ConfigError(
        `${makerOf(spec, (spec.outputs[i] as ModelSpec["outputs"][number]).source)} is a softmax over one unit, which is always 1: nothing can be learned; for two classes use activation: "sigmoid" with binaryCrossentropy, for more one unit a class`,
      );
    return target;
  });
}

/** The fed target in the layout of the prediction: time first. */
function targetValue(spec: TargetSpec, flow: Flow): Value {
  const fed = feed(targetFeed(spec.name), spec.dtype, spec.shape);
  if (flow.kind === "features") return fed;
  return transpose(fed, spec.shape.length === 3 ? [1, 0, 2] : [1, 0]);
}

/** 1 for steps within a row's length, 0 past it. */
function maskOf(flow: Flow): Value | undefined {
  return flow.kind === "sequence" && flow.lengths
    ? cast(sequenceMask(flow.lengths, flow.values.type.shape[0] as Dim), "float32")
    : undefined;
}

/** Σ l1 · Σ |w| + l2 · Σ w² over the trained parameters with a regularizer; undefined where there is none. Part of the loss in training and in evaluation, as in Keras. */
function penaltyOf(built: BuiltModel): Value | undefined {
  const terms = trainedParameters(built).flatMap(({ value, regularizer }) => [
    ...(regularizer?.l1 ? [mul(regularizer.l1, sum(abs(value)))] : []),
    ...(regularizer?.l2 ? [mul(regularizer.l2, sum(square(value)))] : []),
  ]);
  return terms.length === 0 ? undefined : terms.reduce(add);
}

interface Scored {
  readonly loss: Value;
  readonly fetches: Record<string, Value>;
}

/** The fed weights, one for each row of the prediction. */
function weightsFor({ values }: Flow, weighing: Weighing): Value | undefined {
  const [time, batch] = values.type.shape.slice(0, -1) as [Dim, Dim?];
  if (weighing === "none") return undefined;
  if (weighing === "steps") return transpose(feed(SAMPLE_WEIGHTS, "float32", ["batch", time]), [1, 0]);
  const weights = feed(SAMPLE_WEIGHTS, "float32", ["batch"]);
  return batch === undefined ? weights : broadcast(weights, [time, batch], [1]);
}

const product = (a: Value | undefined, b: Value | undefined): Value | undefined => (a && b ? mul(a, b) : (a ?? b));

/** The loss of a batch, and the sums that are fetched. */
export function lossOf(built: BuiltModel, objective: Objective, weighing: Weighing): Scored {
  const { loss, metrics, weightedMetrics = [] } = objective;
  const [output] = built.outputs;
  if (output === undefined || built.outputs.length > 1) {
    throw new ConfigError(
      `training takes a model with one output; this one has ${built.outputs.map(({ name }) => name).join(", ")}`,
    );
  }
  const { flow } = output;
  const target = targetValue(loss.target(output.name, flow), flow);
  const mask = maskOf(flow);
  const perRow = lossPerRow(loss, flow.values, target);
  const weights = weightsFor(flow, weighing);
  const { total, count } = totals(perRow, mask, weights);
  const sumsOf = (metric: Metric, counted: Value | undefined): [string, Value] => {
    const prediction: Prediction = { values: flow.values, target, ...(counted ? { weights: counted } : {}) };
    return [metricFetch(metric), metricSums(metric, prediction)];
  };
  const penalty = penaltyOf(built);
  // In the mean over many batches the penalty of each counts as its rows do.
  const penalized = penalty ? add(total, mul(penalty, count)) : total;
  const sums = concat([reshape(penalized, [1]), reshape(count, [1])], 0);
  const mean = div(total, maximum(count, 1));
  return {
    loss: penalty ? add(mean, penalty) : mean,
    fetches: {
      [LOSS_SUMS]: sums,
      ...Object.fromEntries([
        ...metrics.map((metric) => sumsOf(metric, mask)),
        ...weightedMetrics.map((metric) => sumsOf(metric, product(mask, weights))),
      ]),
    },
  };
}

/** One batch of evaluation: the sums of the loss and of every metric. */
export function evaluationGraph(spec: ModelSpec, objective: Objective, weighing: Weighing = "none"): Graph {
  return { fetches: lossOf(buildModel(spec), objective, weighing).fetches, updates: [] };
}

/** The parameters that training changes, with their values. */
function trainedParameters({ parameters, weights }: BuiltModel): (ParameterSpec & { readonly value: Value })[] {
  return parameters
    .map((parameter, i) => ({ ...parameter, value: weights[i] as Value }))
    .filter(({ trainable }) => trainable !== false);
}

/**
 * Whether all elements of all values are finite. x - x is 0 where x is finite, else NaN. Unlike a sum of squares or of magnitudes, a sum of these
 * cannot overflow.
 */
function allFinite(values: readonly Value[]): Value {
  return equal(
    values.map((value) => sum(sub(value, value))).reduce((a, b) => add(a, b), constant(0)),
    0,
  );
}

/**
 * One training step: forward, loss, gradients and the optimizer's update in one graph. Where the loss, or anything that the step would leave
 * behind, is not finite the guard leaves all state as it was. Clipping makes a large gradient small, but nothing of one that is not finite: such
 * gradients are refused, too.
 */
export function trainingGraph(
  spec: ModelSpec,
  objective: Objective,
  optimizer: Optimizer,
  seed: number,
  weighing: Weighing = "none",
): Graph {
  const step = state(STEP, "int32", []);
  const built = buildModel(spec, { seed, step });
  const { loss, fetches } = lossOf(built, objective, weighing);
  const trained = trainedParameters(built);
  const grads = gradients(
    [{ value: loss, cotangent: constant(1) }],
    trained.map(({ value }) => value),
  );
  const learningRate = feed(LEARNING_RATE, "float32", []);
  const updates: Update[] = [
    { name: STEP, value: add(step, 1) },
    ...optimizerUpdates(optimizer, {
      parameters: trained.map((at, i) => ({ ...at, gradient: grads[i] as Value })),
      step,
      learningRate,
    }),
  ];
  const left = guardedValues(optimizer, updates);
  const guard = and(finite(loss), allFinite([...(clips(optimizer.base) ? grads : []), ...left]));
  return { fetches: { ...fetches, [LOSS]: loss, [APPLIED]: guard }, updates, guard };
}
