/** From a model to a trainer: the objective is checked against it, and its state put on the backend. */

import type { Backend } from "../backend.ts";
import { ConfigError } from "../errors.ts";
import { buildModel } from "../nn/build.ts";
import type { Model } from "../nn/model.ts";
import { isRecord, type Json, OptionReader, shown } from "../nn/options.ts";
import type { ModelSpec } from "../nn/spec.ts";
import { checkInitialWeights } from "../nn/trained.ts";
import { learningRateAt } from "../optim/learningRate.ts";
import { checkOptimizer, type Optimizer, optimizerSpec } from "../optim/optimizer.ts";
import { optimizerState } from "../optim/step.ts";
import { distinctSites, RandomStream } from "../random.ts";
import { float32, int32, type Tensor, type Tensors } from "../tensor.ts";
import { metricsOf, type Objective, STEP, targetsOf, trainingGraph } from "./objective/graphs.ts";
import type { Loss } from "./objective/losses.ts";
import { checkMetricNames, type Metric } from "./objective/metrics.ts";
import type { TargetSpec } from "./objective/target.ts";
import type { TrainerContext } from "./session/context.ts";
import { openState } from "./session/openState.ts";
import { expectBackend, expectPart } from "./session/parts.ts";
import { Programs } from "./session/programs.ts";
import { Turns } from "./session/turns.ts";
import { SessionTrainer, type Trainer } from "./trainer.ts";

/** Options of `compile`. */
export interface CompileOptions {
  readonly backend: Backend;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** Metrics without weights: each row counts once. */
  readonly metrics?: readonly Metric[];
  /** Metrics in which rows count by `sampleWeights` and `classWeight`, as in the loss. */
  readonly weightedMetrics?: readonly Metric[];
  /** Initial weights, the order of rows and dropout come from it alone: the same seed gives the same model. Default 0. */
  readonly seed?: number;
  /** Weights to begin with in the place of drawn ones, all or some: `(await loadModel(path)).weights`, or pre-trained vectors by the parameter's name. */
  readonly weights?: Tensors;
}

/** All state of a training: parameters, the optimizer's slots and the step counter. */
function initialState(spec: ModelSpec, optimizer: Optimizer, seed: number, weights: Tensors | undefined): Tensors {
  const { parameters } = buildModel(spec);
  const given = weights && checkInitialWeights(spec, weights);
  const siteOf = distinctSites();
  const sites = parameters.map(({ name }) => siteOf(name));
  const own = parameters.map(({ name, shape, initialize }, i): [string, Tensor] => [
    name,
    given?.[name] ?? float32(shape, initialize(new RandomStream(seed, sites[i] as number))),
  ]);
  const values = Object.fromEntries(own);
  return { [STEP]: int32([], [0]), ...values, ...optimizerState(optimizer, parameters, values) };
}

const metricSetting = ({ name, options }: Metric): { readonly [name: string]: Json } => ({ name, ...options });

/**
 * Readies a model for training on a backend. Nothing is compiled before data tells how much room it needs.
 *
 * @example
 * await using trainer = await compile(model, { backend: await cpu(), loss: binaryCrossentropy(), optimizer: adam(), metrics: [accuracy()], seed: 1 });
 * await trainer.fit({ x, y }, { epochs: 5, validationSplit: 0.1, onEpoch: console.log });
 *
 * @throws ConfigError, ShapeError where model, loss and metrics do not fit together; UnsupportedOpError where the backend cannot run them;
 * ResourceError where there is no memory for the weights, which names the layer with the largest
 */
export async function compile(model: Model, options: CompileOptions): Promise<Trainer> {
  const read = new OptionReader("compile", options, [
    "backend",
    "loss",
    "optimizer",
    "metrics",
    "weightedMetrics",
    "seed",
    "weights",
  ]);
  const seed = options.seed === undefined ? 0 : read.integer("seed", 0);
  const { backend, loss, optimizer, metrics = [], weightedMetrics = [] } = options;
  if (!isRecord(model) || !isRecord(model.spec))
    throw new ConfigError(`compile: the model must be what sequential(…) or model(…) made, got ${shown(model)}`);
  expectBackend("compile", backend);
  expectPart("compile", "loss", loss, ["perRow", "target"], "binaryCrossentropy()");
  if (typeof loss.kind !== "string") throw new ConfigError(`compile: the loss has no kind, got ${shown(loss.kind)}`);
  expectPart("compile", "optimizer", optimizer, ["update"], "adam()");
  checkOptimizer(optimizer);
  for (const [option, list] of Object.entries({ metrics, weightedMetrics })) {
    if (!Array.isArray(list)) throw new ConfigError(`compile: ${option} must be a list, got ${shown(list)}`);
    for (const metric of list) expectPart("compile", `each of ${option}`, metric, ["sums", "result"], "accuracy()");
  }
  const objective: Objective = { loss, metrics, ...(weightedMetrics.length > 0 ? { weightedMetrics } : {}) };
  checkMetricNames(metricsOf(objective));
  const targets = targetsOf(model.spec, loss);
  // Built here only to say early what is wrong.
  trainingGraph(model.spec, objective, optimizer, seed);
  const session = await openState(backend, model.spec, () =>
    initialState(model.spec, optimizer, seed, options.weights),
  );
  const context: TrainerContext = {
    spec: model.spec,
    backend,
    session,
    programs: new Programs(backend, session),
    objective,
    optimizer,
    target: targets[0] as TargetSpec,
    seed,
    turns: new Turns("this trainer was disposed; compile the model again"),
  };
  const settings = {
    model: model.spec as unknown as Json,
    loss: { kind: loss.kind, ...loss.options },
    metrics: metrics.map(metricSetting),
    ...(weightedMetrics.length > 0 ? { weightedMetrics: weightedMetrics.map(metricSetting) } : {}),
    optimizer: optimizerSpec(optimizer),
  };
  return new SessionTrainer(model, context, settings, learningRateAt(optimizer.learningRate, 0));
}
