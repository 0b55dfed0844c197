/** What the parts of a trainer share. */
import type { Backend, Session } from "../../backend.ts";
import { ConfigError, DataError } from "../../errors.ts";
import type { ParameterSpec } from "../../nn/layer.ts";
import { isRecord, OptionReader, shown } from "../../nn/options.ts";
import type { ModelSpec } from "../../nn/spec.ts";
import type { Optimizer } from "../../optim/optimizer.ts";
import { isBatches } from "../data/batches.ts";
import type { ClassWeights } from "../data/classWeights.ts";
import { type Dataset, type Examples, readDataset, weighClasses } from "../data/dataset.ts";
import type { Objective, TrainedOutput } from "../objective/objective.ts";
import { classesOf, type TargetSpec, timeOf } from "../objective/target.ts";
import type { CarriedStates } from "./carriedStates.ts";
import type { Programs } from "./programs.ts";
import type { Turns } from "./turns.ts";

/** The states of a trainer that go on, each kind on its own. */
export interface TrainerStates {
  readonly training: CarriedStates;
  readonly predicting: CarriedStates;
}

export interface TrainerContext {
  /** The model as it is run: see `withStates`. */
  readonly spec: ModelSpec;
  /** Absent where the model has no `stateful` layer. */
  readonly states?: TrainerStates;
  readonly backend: Backend;
  readonly session: Session;
  readonly programs: Programs;
  readonly objective: Objective;
  /** The outputs that the objective trains, and the targets of each. */
  readonly outputs: readonly TrainedOutput[];
  readonly targets: readonly TargetSpec[];
  /** Those of the layers, then those of the losses. */
  readonly parameters: readonly ParameterSpec[];
  readonly optimizer: Optimizer;
  readonly seed: number;
  /** Whatever uses the session does so in a turn. */
  readonly turns: Turns;
}

/** A program that depends on what has weights of its own in the data, and on how long its rows are where batches have few long rows or many short ones. */
export const programName = (purpose: string, { weighing, reach = 0 }: Dataset): string =>
  `${purpose}, weights: ${JSON.stringify(weighing)}, reach: ${reach}`;

/** Labelled rows as the model takes them. @throws DataError, ShapeError, DTypeError */
export function readExamples({ spec, targets }: TrainerContext, data: Examples): Dataset {
  if (typeof data === "function")
    throw new DataError("training and evaluation take data { x, y }, got a function; call it where it gives batches");
  if (!isRecord(data)) throw new DataError(`training and evaluation take data { x, y }, got ${shown(data)}`);
  if (isBatches(data))
    throw new DataError(
      "evaluation and validationData take rows { x, y }, got an iterable; only fit trains on batches",
    );
  const read = new OptionReader("the data", data, ["x", "y", "sampleWeights", "batchSize"]);
  const { x, y, sampleWeights } = data;
  if (y === undefined) throw new DataError("the data has no y: training and evaluation take { x, y }");
  const dataset = readDataset(spec, x, { targets, y, ...(sampleWeights ? { sampleWeights } : {}) });
  return data.batchSize === undefined ? dataset : { ...dataset, batchSize: read.integer("batchSize", 1) };
}

/** Labelled rows to train on: with class weights, each row or step has the weight of its class. @throws ConfigError for several outputs, or where rows have weights already */
export function weighed({ targets }: TrainerContext, dataset: Dataset, classWeight: ClassWeights | undefined): Dataset {
  if (classWeight === undefined) return dataset;
  const [target, ...others] = targets as [TargetSpec, ...TargetSpec[]];
  if (others.length > 0) {
    const weights =
      timeOf(target) === undefined
        ? "weightsOfClasses({ 0: 1, 1: 3 }, labels)"
        : "labels.map((row) => weightsOfClasses({ 0: 1, 1: 3 }, row))";
    throw new ConfigError(
      `fit: classWeight is for one output, and ${targets.map(({ name }) => name).join(", ")} are trained; give sampleWeights by output, such as { ${target.name}: ${weights} }`,
    );
  }
  if (Object.keys(dataset.weighing).length > 0)
    throw new ConfigError("fit: rows are weighed by sampleWeights or by classWeight, not by both");
  if (target.each === "row" && timeOf(target) !== undefined)
    throw new ConfigError(
      `fit: classWeight is for single labels, and the loss of "${target.name}" is one of whole rows; give each row a weight by sampleWeights`,
    );
  const classes = classesOf(target);
  const unknown = Object.keys(classWeight).find((label) => classes !== undefined && Number(label) >= classes);
  if (unknown !== undefined && classes !== undefined)
    throw new ConfigError(
      `fit: classWeight has the class ${unknown}, and the output has the classes 0 … ${classes - 1}`,
    );
  return weighClasses(dataset, target, classWeight);
}
