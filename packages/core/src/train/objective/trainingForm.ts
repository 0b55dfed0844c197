/** Another form of a model in training than the one that it is put together in. */
import type { Pass } from "../../ir/rewrite.ts";
import type { BuiltModel, DropoutSource } from "../../nn/build.ts";
import type { Json } from "../../nn/options.ts";
import type { ModelSpec } from "../../nn/spec.ts";

/** What makes of a model the graph that is trained. It has the same parameters, and gives the same outputs. Evaluation and prediction are not changed. */
export interface TrainingForm {
  /** For checkpoints: what a training that goes on must agree in. */
  readonly options: { readonly [name: string]: Json };
  /** What its graphs go through beside what the layers bring. */
  readonly passes: readonly Pass[];
  /** The name of a float32 scalar that is fed with each step. */
  readonly feed: string;
  /** What it is at a step, counted from 0. @throws ConfigError where that cannot be */
  valueAt(step: number): number;
  /** @throws ConfigError with the way out for a model that cannot be trained so */
  build(spec: ModelSpec, random: DropoutSource): BuiltModel;
}
