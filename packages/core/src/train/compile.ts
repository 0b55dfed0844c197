/** From a model to a trainer: the objective is checked against it, and its state put on the backend. */

import type { Backend } from "../backend.ts";
import type { Settings } from "../checkpoint/checkpoint.ts";
import { ConfigError } from "../errors.ts";
import type { ParameterSpec } from "../nn/layer.ts";
import type { Model } from "../nn/model.ts";
import { isRecord, type Json, OptionReader, shown } from "../nn/options.ts";
import type { ModelSpec } from "../nn/spec.ts";
import { checkInitialWeights, type Trained } from "../nn/trained.ts";
import { passesOf } from "../nn/wrapping.ts";
import { learningRateAt } from "../optim/learningRate.ts";
import { checkOptimizer, type Optimizer, optimizerSpec } from "../optim/optimizer.ts";
import { optimizerState } from "../optim/step.ts";
import { distinctSites, RandomStream } from "../random.ts";
import { float32, int32, type Tensor, type Tensors } from "../tensor.ts";
import { STEP, targetsOf, trainingStep } from "./objective/graphs.ts";
import { figuresOf, type Objective, type TrainedOutput, trainedOutputs } from "./objective/objective.ts";
import { expectBackend, expectPart } from "./objective/parts.ts";
import { tuningSettings } from "./objective/tuning.ts";
import { withStates } from "./session/carriedStates.ts";
import type { TrainerContext } from "./session/context.ts";
import { openState } from "./session/openState.ts";
import { Programs } from "./session/programs.ts";
import { Turns } from "./session/turns.ts";
import { SessionTrainer, type Trainer } from "./trainer.ts";

/** Options of `compile`, those of the objective among them. */
export interface CompileOptions extends Objective {
  readonly backend: Backend;
  readonly optimizer: Optimizer;
  /** Initial weights, the order of rows and dropout come from it alone: the same seed gives the same model. Default 0. */
  readonly seed?: number;
  /** Weights to begin with in the place of drawn ones, all or some: `(await loadModel(path)).weights`, or pre-trained vectors by the parameter's name. */
  readonly weights?: Tensors;
}

/** All state of a training: parameters, the optimizer's slots and the step counter. */
function initialState(
  parameters: readonly ParameterSpec[],
  optimizer: Optimizer,
  seed: number,
  weights: Tensors,
): Tensors {
  const given = checkInitialWeights(parameters, weights);
  const siteOf = distinctSites();
  const sites = parameters.map(({ name }) => siteOf(name));
  const own = parameters.map(({ name, shape, initialize }, i): [string, Tensor] => [
    name,
    given[name] ?? float32(shape, initialize(new RandomStream(seed, sites[i] as number))),
  ]);
  const values = Object.fromEntries(own);
  return { [STEP]: int32([], [0]), ...values, ...optimizerState(optimizer, parameters, values) };
}

/** What a checkpoint must agree with: of one output what it has, of several by name. */
function objectiveSettings({ outputs: all }: ModelSpec, outputs: readonly TrainedOutput[]): Settings {
  const settingOf = (of: (output: TrainedOutput) => Json): Json =>
    all.length > 1
      ? Object.fromEntries(outputs.map((output) => [output.name, of(output)]))
      : of(outputs[0] as TrainedOutput);
  const metrics = (weighted: boolean): Json =>
    settingOf(({ figures }) =>
      figures
        .filter((figure) => figure.weighted === weighted)
        .map(({ metric: { name, options } }) => ({ name, ...options })),
    );
  return {
    loss: settingOf(({ loss }) => ({ kind: loss.kind, ...loss.options })),
    ...(outputs.some(({ lossWeight }) => lossWeight !== 1)
      ? { lossWeights: settingOf(({ lossWeight }) => lossWeight) }
      : {}),
    metrics: metrics(false),
    ...(figuresOf(outputs).some(({ weighted }) => weighted) ? { weightedMetrics: metrics(true) } : {}),
  };
}

/**
 * Readies a model for training on a backend. Nothing is compiled before data tells how much room it needs.
 *
 * Training of a trained model starts from its weights, which `weights` overrides; snapshots keep its vocabulary and metadata unless they are given others. The weights of its losses
 * are kept for losses of the same kind.
 *
 * @example
 * await using trainer = await compile(model, { backend: await cpu(), loss: binaryCrossentropy(), optimizer: adam(), metrics: [accuracy()], seed: 1 });
 * await trainer.fit({ x, y }, { epochs: 5, validationSplit: 0.1, onEpoch: console.log });
 *
 * // Fine-tuning: train only the head of a model from a file.
 * await compile(await loadModel(path), { backend, loss: binaryCrossentropy(), optimizer: adam(), trainable: (name) => name.startsWith("head/") });
 *
 * @throws ConfigError, ShapeError where model, loss and metrics do not fit together; UnsupportedOpError where the backend cannot run them;
 * ResourceError where there is no memory for the weights, which names the layer with the largest
 */
export async function compile(model: Model | Trained, options: CompileOptions): Promise<Trainer> {
  const read = new OptionReader("compile", options, [
    "backend",
    "loss",
    "lossWeights",
    "optimizer",
    "metrics",
    "weightedMetrics",
    "scheduledSampling",
    "trainable",
    "learningRates",
    "seed",
    "weights",
  ]);
  read.functions("trainable", "learningRates");
  const seed = options.seed === undefined ? 0 : read.integer("seed", 0);
  const { backend, optimizer, weights: given, seed: _, ...objective } = options;
  if (!isRecord(model) || !isRecord(model.spec))
    throw new ConfigError(`compile: the model must be what sequential(…) or model(…) made, got ${shown(model)}`);
  const { weights: begun = {}, losses: _losses, ...kept } = model as Partial<Trained> & Model;
  expectBackend("compile", backend);
  const outputs = trainedOutputs(model.spec, objective);
  const form = objective.scheduledSampling;
  if (form !== undefined)
    expectPart(
      "compile",
      "scheduledSampling",
      form,
      ["build", "valueAt"],
      "scheduledSampling({ teacherForcing: 0.9 })",
    );
  expectPart("compile", "optimizer", optimizer, ["update"], "adam()");
  checkOptimizer(optimizer);
  const targets = targetsOf(model.spec, outputs);
  // The step is built here, so that errors are reported early.
  const { parameters } = trainingStep(model.spec, objective, optimizer, seed, "none");
  // A loss of another kind cannot use the weights of the previous one.
  const own = Object.entries(begun).filter(([name]) => parameters.some((parameter) => parameter.name === name));
  const weights = { ...Object.fromEntries(own), ...given };
  const session = await openState(backend, model.spec, () => initialState(parameters, optimizer, seed, weights));
  const { spec, states } = withStates(model.spec);
  const context: TrainerContext = {
    spec,
    ...(states ? { states: { training: states, predicting: states.another() } } : {}),
    backend,
    session,
    programs: new Programs(backend, session, [...new Set([...passesOf(model.spec.layers), ...(form?.passes ?? [])])]),
    objective,
    outputs,
    targets,
    parameters,
    optimizer,
    seed,
    turns: new Turns("this trainer was disposed; compile the model again"),
  };
  const settings = {
    model: model.spec as unknown as Json,
    ...objectiveSettings(model.spec, outputs),
    ...(form ? { scheduledSampling: form.options } : {}),
    ...tuningSettings(parameters),
    optimizer: optimizerSpec(optimizer),
  };
  return new SessionTrainer(kept, context, settings, learningRateAt(optimizer.learningRate, 0));
}
