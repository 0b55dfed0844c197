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
import { type BuiltModel, buildModel, type RandomSource, randomSource } from "../../nn/build.ts";
import { carriedFetches } from "../../nn/carried.ts";
import { type Flow, turned } from "../../nn/kinds.ts";
import type { ParameterSpec } from "../../nn/layer.ts";
import { isName, NAME_RULE } from "../../nn/options.ts";
import { Parameters } from "../../nn/parameters.ts";
import type { ModelSpec } from "../../nn/spec.ts";
import type { Optimizer } from "../../optim/optimizer.ts";
import { clips, guardedValues, optimizerUpdates } from "../../optim/step.ts";
import { lossPerRow, metricSums } from "./computed.ts";
import { totals } from "./losses.ts";
import { type ByOutput, type Figure, type Objective, type TrainedOutput, trainedOutputs } from "./objective.ts";
import { type Prediction, type TargetSpec, timeOf } from "./target.ts";
import { type Tuned, tuned } from "./tuning.ts";

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
export const targetLengthsFeed = (output: string): string => `${targetFeed(output)}/lengths`;
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
      throw new ConfigError(`compile: the output "${name}" of ${maker} has no targets; its loss must be null`);
    const target = loss.target(name, flow);
    const { node, type } = flow.values;
    if (node.op === "softmax" && type.shape.at(-1) === 1)
      throw new ConfigError(
        `${maker} is a softmax over one unit, which is always 1: nothing can be learned; for two classes use activation: "sigmoid" with binaryCrossentropy, for more one unit a class`,
      );
    return target;
  });
}

/** The fed target in the layout of a sequence, time first, where it has time. */
function targetValue(spec: TargetSpec, output: Flow): Value {
  const fed = feed(targetFeed(spec.name), spec.dtype, spec.shape);
  if (timeOf(spec) === undefined || (output.kind === "features" && !spec.ragged)) return fed;
  return turned({ kind: "sequence", values: fed });
}

/** 1 for steps within a row's length, 0 past it. */
function maskOf(flow: Flow): Value | undefined {
  return flow.kind === "sequence" && flow.lengths
    ? cast(sequenceMask(flow.lengths, flow.values.type.shape[0] as Dim), "float32")
    : undefined;
}

/** Σ l1 · Σ |w| + l2 · Σ w² over the trained parameters with a regularizer; undefined where there is none. Part of the loss in training and in evaluation, as in Keras. */
function penaltyOf(trained: readonly TrainedParameter[]): Value | undefined {
  const terms = trained.flatMap(({ value, regularizer }) => [
    ...(regularizer?.l1 ? [mul(regularizer.l1, sum(abs(value)))] : []),
    ...(regularizer?.l2 ? [mul(regularizer.l2, sum(square(value)))] : []),
  ]);
  return terms.length === 0 ? undefined : terms.reduce(add);
}

/** A parameter with its value in the graph. */
interface OwnedParameter extends ParameterSpec {
  readonly value: Value;
  /** How errors call what asked for it: `dense "verdict"`, `the loss crf of "tags"`. */
  readonly owner: string;
}

/** A parameter in training. */
type TrainedParameter = OwnedParameter & Tuned;

interface Scored {
  /** What training minimises. */
  readonly loss: Value;
  /** The loss of each trained output, before its weight. */
  readonly losses: readonly Value[];
  /** Those of the model's layers, then those of the losses. */
  readonly parameters: readonly TrainedParameter[];
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
function sumsOf({ name, metric }: Figure, prediction: Prediction, target: TargetSpec): Value {
  try {
    return metricSums(metric, prediction);
  } catch (error) {
    if (!(error instanceof OstinatoError)) throw error;
    if (name !== metric.name) error.message = `metrics of "${target.name}": ${error.message}`;
    if (target.ragged)
      error.message += `; the targets of "${target.name}" have a time of their own, so that figures of single steps do not exist: decode predictions and compare`;
    throw error;
  }
}

/** Σ loss over the rows of an output and their number, the mean, and the sums of its metrics. */
function scoreOutput(
  { name, loss, figures }: TrainedOutput,
  output: Flow,
  weighing: Weighing,
  parameters: Parameters<string>,
  random: RandomSource | undefined,
) {
  const spec = loss.target(name, output);
  const whole = spec.each === "row";
  const target = targetValue(spec, output);
  const own = `${name}/${loss.kind}`;
  const perRow = lossPerRow(loss, output.values, target, spec.each, {
    name: own,
    output,
    ...(spec.ragged ? { targetLengths: feed(targetLengthsFeed(name), "int32", ["batch"]) } : {}),
    parameter: parameters.of(`the loss ${loss.kind} of "${name}"`, own),
    // No layer can be called so.
    ...(random ? { mask: random(`~${own}`, 0).mask } : {}),
  });
  const mask = maskOf(output);
  const weights = weightsFor(name, output, weighing);
  const { total, count } = whole
    ? totals(perRow, undefined, weighing === "none" ? undefined : feed(weightsFeed(name), "float32", ["batch"]))
    : totals(perRow, mask, weights);
  const all = product(mask, weights);
  const sums = figures.map((figure): [string, Value] => {
    const counted = figure.weighted ? all : mask;
    const prediction: Prediction = { values: output.values, target, ...(counted ? { weights: counted } : {}) };
    return [figureFetch(figure), sumsOf(figure, prediction, spec)];
  });
  return { sums: [total, count], mean: div(total, maximum(count, 1)), metrics: sums };
}

/** The parameters of the layers, then those of the losses. @throws ConfigError where two have one name */
function allParameters(spec: ModelSpec, built: BuiltModel, ofLosses: Parameters<string>): readonly OwnedParameter[] {
  const known = new Set(built.parameters.map(({ name }) => name));
  const ofLayers = built.parameters.map((parameter, i): OwnedParameter => {
    const { kind, name } = spec.layers[built.owners[i] as number] as ModelSpec["layers"][number];
    return { ...parameter, value: built.weights[i] as Value, owner: `${kind} "${name}"` };
  });
  const others = ofLosses.list().map(({ spec: parameter, value, owner }): OwnedParameter => {
    if (!parameter.name.split("/").every(isName))
      throw new ConfigError(`compile: ${owner} has a parameter "${parameter.name}", whose parts must be ${NAME_RULE}`);
    if (known.has(parameter.name))
      throw new ConfigError(
        `compile: ${owner} has a parameter "${parameter.name}", and so has a layer; give the output another name`,
      );
    return { ...parameter, value, owner };
  });
  return [...ofLayers, ...others];
}

/** The loss of a batch, and the sums that are fetched. */
function lossOf(
  spec: ModelSpec,
  built: BuiltModel,
  objective: Objective,
  weighings: Weighings,
  random?: RandomSource,
): Scored {
  const ofLosses = new Parameters<string>();
  const scored = trainedOutputs(spec, objective).map((output) => {
    const { flow } = built.outputs[output.index] as BuiltModel["outputs"][number];
    const weighing = typeof weighings === "string" ? weighings : (weighings[output.name] ?? "none");
    return { ...scoreOutput(output, flow, weighing, ofLosses, random), weight: output.lossWeight };
  });
  const parameters = allParameters(spec, built, ofLosses).map((parameter) => tuned(parameter, objective));
  const penalty = penaltyOf(trainedOf(parameters));
  const terms = scored.map(({ mean, weight }) => (weight === 1 ? mean : mul(mean, weight)));
  const sums = scored.flatMap((one) => one.sums);
  // In the mean over many batches the penalty of each counts as its rows do.
  const rows = countOf(["batch"]);
  if (penalty) sums.push(mul(penalty, rows), rows);
  return {
    loss: [...terms, ...(penalty ? [penalty] : [])].reduce(add),
    losses: scored.map(({ mean }) => mean),
    parameters,
    fetches: {
      [LOSS_SUMS]: concat(
        sums.map((value) => reshape(value, [1])),
        0,
      ),
      ...Object.fromEntries(scored.flatMap(({ metrics }) => metrics)),
    },
  };
}

/** One batch of evaluation: the sums of the losses and of every metric, and the states that go on. @throws ConfigError, ShapeError where model and objective do not fit together */
export function evaluationGraph(spec: ModelSpec, objective: Objective, weighing: Weighings = "none"): Graph {
  const built = buildModel(spec, undefined, "stateful");
  const { fetches } = lossOf(spec, built, objective, weighing);
  return { fetches: { ...fetches, ...carriedFetches(built.carried) }, updates: [] };
}

/** The parameters that training changes. */
const trainedOf = (parameters: readonly TrainedParameter[]): readonly TrainedParameter[] =>
  parameters.filter(({ trainable }) => trainable !== false);

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

/** What a step of training computes. */
interface TrainingStep extends Scored {
  readonly built: BuiltModel;
  /** The parameters that it changes, each with its gradient. */
  readonly trained: readonly (TrainedParameter & { readonly gradient: Value })[];
  /** The optimizer's results. */
  readonly updates: readonly Update[];
}

/** A training step: forward pass, losses, gradients and optimizer. */
export function trainingStep(
  spec: ModelSpec,
  objective: Objective,
  optimizer: Optimizer,
  seed: number,
  weighing: Weighings,
): TrainingStep {
  const step = state(STEP, "int32", []);
  const random = { seed, step };
  const source = randomSource(random);
  const built = objective.scheduledSampling?.build(spec, random) ?? buildModel(spec, source, "stateful");
  const scored = lossOf(spec, built, objective, weighing, source);
  const parameters = trainedOf(scored.parameters);
  const grads = gradients(
    [{ value: scored.loss, cotangent: constant(1) }],
    parameters.map(({ value }) => value),
  );
  const trained = parameters.map((at, i) => ({ ...at, gradient: grads[i] as Value }));
  const learningRate = feed(LEARNING_RATE, "float32", []);
  return {
    ...scored,
    built,
    trained,
    updates: [
      { name: STEP, value: add(step, 1) },
      ...optimizerUpdates(optimizer, { parameters: trained, step, learningRate }),
    ],
  };
}

/**
 * One training step: forward, loss, gradients and the optimizer's update in one graph. Where the loss, or anything that the step would leave
 * behind, is not finite the guard leaves all state as it was, and says so. Clipping makes a large gradient small, but nothing of one that is not finite: such
 * gradients are refused, too.
 */
export function trainingGraph(
  spec: ModelSpec,
  objective: Objective,
  optimizer: Optimizer,
  seed: number,
  weighing: Weighings = "none",
): Graph {
  const { built, loss, trained, fetches, updates } = trainingStep(spec, objective, optimizer, seed, weighing);
  const left = guardedValues(optimizer, updates);
  const states = built.carried.map(({ after }) => after);
  const guard = and(
    finite(loss),
    allFinite([...(clips(optimizer.base) ? trained.map(({ gradient }) => gradient) : []), ...left, ...states]),
  );
  const carried = carriedFetches(built.carried);
  return { fetches: { ...fetches, ...carried, [LOSS]: loss, [APPLIED]: guard }, updates, guard };
}
