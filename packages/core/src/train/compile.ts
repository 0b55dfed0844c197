/** From a model to a trainer: the objective is checked against it, and its state put on the backend. */
import { ConfigError } from "../errors.ts";
import { buildModel } from "../nn/build.ts";
import type { Model } from "../nn/model.ts";
import { isRecord, OptionReader, shown } from "../nn/options.ts";
import type { ModelSpec } from "../nn/spec.ts";
import { checkWeights } from "../nn/trained.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { RandomStream } from "../random.ts";
import { float32, int32, type Tensor, type Tensors } from "../tensor.ts";
import { LEARNING_RATE, STEP, slotName, targetsOf, trainingGraph } from "./graphs.ts";
import type { TargetSpec } from "./target.ts";
import { type CompileOptions, SessionTrainer, type Trainer } from "./trainer.ts";

/** All state of a training: parameters, the optimizer's slots, the learning rate and the step counter. */
function initialState(spec: ModelSpec, optimizer: Optimizer, seed: number, weights: Tensors | undefined): Tensors {
  const { parameters } = buildModel(spec);
  const given = weights && checkWeights(spec, weights);
  const state: Record<string, Tensor> = {
    [STEP]: int32([], [0]),
    [LEARNING_RATE]: float32([], [optimizer.learningRate]),
  };
  for (const { name, shape, initialize } of parameters) {
    state[name] = given?.[name] ?? float32(shape, initialize(new RandomStream(seed, name)));
    for (const [slot, value] of Object.entries(optimizer.slots)) {
      const size = shape.reduce((a, b) => a * b, 1);
      state[slotName(optimizer, slot, name)] = float32(shape, new Float32Array(size).fill(value));
    }
  }
  return state;
}

/** Parts are made by functions: Keras's names in their place are a common slip. */
function expectPart(option: string, part: unknown, method: string, example: string): void {
  if (!isRecord(part) || typeof part[method] !== "function")
    throw new ConfigError(`compile: ${option} must be what a function such as ${example} made, got ${shown(part)}`);
}

/**
 * Readies a model for training on a backend. Nothing is compiled before data tells how much room it needs.
 *
 * @example
 * await using trainer = await compile(model, { backend: await cpu(), loss: binaryCrossentropy(), optimizer: adam(), metrics: [accuracy()], seed: 1 });
 * await trainer.fit({ x, y }, { epochs: 5, validationSplit: 0.1, onEpoch: console.log });
 *
 * @throws ConfigError, ShapeError where model, loss and metrics do not fit together; UnsupportedOpError where the backend cannot run them
 */
export async function compile(model: Model, options: CompileOptions): Promise<Trainer> {
  const read = new OptionReader("compile", options, ["backend", "loss", "optimizer", "metrics", "seed", "weights"]);
  const seed = options.seed === undefined ? 0 : read.integer("seed", 0);
  const { backend, loss, optimizer, metrics = [] } = options;
  if (!isRecord(model) || !isRecord(model.spec))
    throw new ConfigError(`compile: the model must be what sequential(…) or model(…) made, got ${shown(model)}`);
  expectPart("backend", backend, "open", "await cpu()");
  expectPart("loss", loss, "perRow", "binaryCrossentropy()");
  expectPart("optimizer", optimizer, "update", "adam()");
  if (!Array.isArray(metrics)) throw new ConfigError(`compile: metrics must be a list, got ${shown(metrics)}`);
  for (const metric of metrics) expectPart("each of metrics", metric, "sums", "accuracy()");
  const targets = targetsOf(model.spec, loss);
  // Built here only to say early what is wrong.
  trainingGraph(model.spec, { loss, metrics }, optimizer, seed, false);
  const session = await backend.open(initialState(model.spec, optimizer, seed, options.weights));
  return new SessionTrainer(model, session, targets[0] as TargetSpec, seed, options);
}
