/** The graphs of a model's life: one training step, one batch of evaluation, one of prediction. */
import { gradients } from "../../autodiff/gradients.ts";
import { ConfigError, OstinatoError } from "../../errors.ts";
import { abs, add, and, cast, div, equal, finite, maximum, mul, square, sub } from "../../ir/build/elementwise.ts";
import { sequenceMask } from "../../ir/build/index.ts";
import { countOf, sum } from "../../ir/build/reduce.ts";
import { broadcast, concat, reshape, transpose } from "../../ir/build/shape.ts";
import { constant, feed, state } from "../../ir/build/source.ts";
import type { Dim, Value } from "../../ir/ops.ts";
import type { Graph, Update } from "../../ir/value.ts";
import { type BuiltModel, buildModel } from "../../nn/build.ts";
import { type Flow, turned } from "../../nn/kinds.ts";
import type { ParameterSpec } from "../../nn/layer.ts";
import type { ModelSpec } from "../../nn/spec.ts";
import type { Optimizer } from "../../optim/optimizer.ts";
import { clips, guardedValues, optimizerUpdates } from "../../optim/step.ts";
import { lossPerRow, metricSums } from "./computed.ts";
import { totals } from "./losses.ts";
import { type ByOutput, type Figure, type Objective, type TrainedOutput, trainedOutputs } from "./objective.ts";
import type { Prediction, TargetSpec } from "./target.ts";

/** What has weights of its own in the data of an output: each row, or each step. */
export type Weighing = "none" | "rows" | "steps";

/** The same for every output, or by the output's name; one that is not named has none. */
export type Weighings = Weighing | ByOutput<Weighing>;

/** Names of state beside the parameters. */
export const STEP = "training/step";

/** Names of feeds and fetches beside the inputs and outputs of the model. */
/** The learning rate of the step, a float32 scalar: computed by the host, so that schedules and callbacks are plain functions. */
export const LEARNING_RATE = "training/learningRate";
export const targetFeed = (output: string): string => `${output}/target`;
export const weightsFeed = (output: string): string => `${output}/sampleWeights`;
const LOSS = "loss";
/** For each trained output Σ loss and the number of rows it is the sum of; then, where there are regularizers, the same of what they add. */
export const LOSS_SUMS = "loss/sums";
/** Whether a training step was applied: a bool scalar, false where the loss or what the step would leave behind is not finite. */
export const APPLIED = "applied";
export const figureFetch = ({ name }: Figure): string => `${name}/sums`;

/** The targets that are asked for. @throws ConfigError for a softmax over one unit: it is 1 whatever the weights are, and has no gradient */
export function targetsOf(spec: ModelSpec, outputs: readonly TrainedOutput[]): TargetSpec[] {
  const built = buildModel(spec);
  return outputs.map(({ index, name, loss, maker }) => {
    const { flow } = built.outputs[index] as BuiltModel["outputs"][number];
    if (flow.kind === "scores")
      throw new ConfigError(
        `compile: the output "${name}" of ${maker} has no targets; give loss: { ${name}: null }, which leaves it untrained`,
      );
    const target = loss.target(name, flow);
    const { node, type } = flow.values;
    if (node.op === "softmax" && type.shape.at(-1) === 1)
      throw new ConfigError(
        `${maker} is a softmax over one unit, which is always 1: nothing can be learned; for two classes use activation: "sigmoid" with binaryCrossentropy, for more one unit a class`,
      );
    return target;
  });
}

/** The fed target in the layout of the prediction: time first. */
function targetValue(spec: TargetSpec, flow: Flow): Value {
  return turned({ ...flow, values: feed(targetFeed(spec.name), spec.dtype, spec.shape) });
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
  /** What training makes small. */
  readonly loss: Value;
  /** The loss of each trained output, before its weight. */
  readonly losses: readonly Value[];
  readonly fetches: Record<string, Value>;
}

/** The fed weights of an output, one for each row of the prediction. */
function weightsFor(output: string, { values }: Flow, weighing: Weighing): Value | undefined {
  const [time, batch] = values.type.shape.slice(0, -1) as [Dim, Dim?];
  if (weighing === "none") return undefined;
  const name = weightsFeed(output);
  if (weighing === "steps") return transpose(feed(name, "float32", ["batch", time]), [1, 0]);
  const weights = feed(name, "float32", ["batch"]);
  return batch === undefined ? weights : broadcast(weights, [time, batch], [1]);
}

const product = (a: Value | undefined, b: Value | undefined): Value | undefined => (a && b ? mul(a, b) : (a ?? b));

/** The sums of a metric. Of several outputs errors name the output. */
function sumsOf({ name, metric }: Figure, prediction: Prediction, output: string): Value {
  try {
    return metricSums(metric, prediction);
  } catch (error) {
    if (error instanceof OstinatoError && name !== metric.name)
      error.message = `metrics of "${output}": ${error.message}`;
    throw error;
  }
}

/** Σ loss over the rows of an output and their number, the mean, and the sums of its metrics. */
function scoreOutput({ name, loss, figures }: TrainedOutput, flow: Flow, weighing: Weighing) {
  const target = targetValue(loss.target(name, flow), flow);
  const mask = maskOf(flow);
  const perRow = lossPerRow(loss, flow.values, target);
  const weights = weightsFor(name, flow, weighing);
  const { total, count } = totals(perRow, mask, weights);
  const all = product(mask, weights);
  const sums = figures.map((figure): [string, Value] => {
    const counted = figure.weighted ? all : mask;
    const prediction: Prediction = { values: flow.values, target, ...(counted ? { weights: counted } : {}) };
    return [figureFetch(figure), sumsOf(figure, prediction, name)];
  });
  return { sums: [total, count], mean: div(total, maximum(count, 1)), metrics: sums };
}

/** The loss of a batch, and the sums that are fetched. */
export function lossOf(built: BuiltModel, outputs: readonly TrainedOutput[], weighings: Weighings): Scored {
  const scored = outputs.map((output) => {
    const { flow } = built.outputs[output.index] as BuiltModel["outputs"][number];
    const weighing = typeof weighings === "string" ? weighings : (weighings[output.name] ?? "none");
    return { ...scoreOutput(output, flow, weighing), weight: output.lossWeight };
  });
  const penalty = penaltyOf(built);
  const terms = scored.map(({ mean, weight }) => (weight === 1 ? mean : mul(mean, weight)));
  const sums = scored.flatMap((one) => one.sums);
  // In the mean over many batches the penalty of each counts as its rows do.
  const rows = countOf(["batch"]);
  if (penalty) sums.push(mul(penalty, rows), rows);
  return {
    loss: [...terms, ...(penalty ? [penalty] : [])].reduce(add),
    losses: scored.map(({ mean }) => mean),
    fetches: {
      [LOSS_SUMS]: concat(
        sums.map((value) => reshape(value, [1])),
        0,
      ),
      ...Object.fromEntries(scored.flatMap(({ metrics }) => metrics)),
    },
  };
}

/** One batch of evaluation: the sums of the losses and of every metric. @throws ConfigError, ShapeError where model and objective do not fit together */
export function evaluationGraph(spec: ModelSpec, objective: Objective, weighing: Weighings = "none"): Graph {
  return { fetches: lossOf(buildModel(spec), trainedOutputs(spec, objective), weighing).fetches, updates: [] };
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
  weighing: Weighings = "none",
): Graph {
  const step = state(STEP, "int32", []);
  const built = buildModel(spec, { seed, step });
  const { loss, fetches } = lossOf(built, trainedOutputs(spec, objective), weighing);
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
