/** What every part of one trainer shares. */
import type { Backend, Session } from "../backend.ts";
import { ConfigError, DataError, StateError } from "../errors.ts";
import { isRecord, OptionReader, shown } from "../nn/options.ts";
import type { ModelSpec } from "../nn/spec.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { type ClassWeights, weightsOfClasses } from "./classWeights.ts";
import { type Dataset, type Examples, readDataset, targetsIn, withWeights } from "./dataset.ts";
import type { Objective } from "./graphs.ts";
import type { Programs } from "./programs.ts";
import type { TargetSpec } from "./target.ts";

/** What of an `AbortSignal` is used. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

export interface TrainerContext {
  readonly spec: ModelSpec;
  readonly backend: Backend;
  readonly session: Session;
  readonly programs: Programs;
  readonly objective: Objective;
  readonly optimizer: Optimizer;
  readonly target: TargetSpec;
  readonly seed: number;
}

export function expectWanted(signal: Signal | undefined): void {
  if (signal?.aborted) throw signal.reason ?? new StateError("fit was aborted");
}

/** Labelled rows as the model takes them; with class weights, each row has the weight of its class. @throws DataError, ShapeError, DTypeError */
export function readExamples({ spec, target }: TrainerContext, data: Examples, classWeight?: ClassWeights): Dataset {
  if (!isRecord(data)) throw new DataError(`training and evaluation take data { x, y }, got ${shown(data)}`);
  new OptionReader("the data", data, ["x", "y", "sampleWeights"]);
  const { x, y, sampleWeights } = data;
  if (y === undefined) throw new DataError("the data has no y: training and evaluation take { x, y }");
  const dataset = readDataset(spec, x, { target, y, ...(sampleWeights ? { sampleWeights } : {}) });
  if (classWeight === undefined) return dataset;
  if (sampleWeights) throw new ConfigError("fit: rows are weighed by sampleWeights or by classWeight, not by both");
  const column = targetsIn(dataset, target);
  if (!column || column.spec.time !== undefined)
    throw new ConfigError("fit: classWeight weighs rows; this model's output is a sequence");
  return withWeights(dataset, weightsOfClasses(classWeight, column.data, column.spec.width));
}
