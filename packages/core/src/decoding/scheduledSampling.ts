/** Scheduled sampling: training a model that writes to go on from what it wrote itself. */
import { ConfigError } from "../errors.ts";
import { type Choice, choices, sampledModel } from "../nn/decoding/sampled.ts";
import { OptionReader, shown } from "../nn/options.ts";
import { toldOf } from "../nn/wrapping.ts";
import { hoist } from "../recurrent/hoist.ts";
import { joinPads } from "../recurrent/joinPads.ts";
import type { TrainingForm } from "../train/objective/trainingForm.ts";

/** How often a decoder reads what it should have written. */
export interface ScheduledSamplingOptions {
  /** The probability, from 0 to 1, that a step reads the token that it is given; or a function of the step of training, counted from 0. */
  readonly teacherForcing: number | ((step: number) => number);
  /** What it reads else: the token that was the likeliest at the step before ("best", default), or one drawn by the probabilities there ("sample"). */
  readonly choose?: Choice;
}

/** The name of the probability among the feeds of a step. */
const FEED = "training/teacherForcing";

/**
 * Scheduled sampling (Bengio et al. 2015), for `compile`: in training each step of the target reads the given token with a probability, else what the model itself wrote at the step before, so that it learns to go on from its own
 * mistakes. The first step always reads the start. Coins are drawn for each row and step, from the seed and the step of training; no gradient goes through what was chosen. Evaluation, validation and prediction read
 * what they are given.
 *
 * Any model can be trained so that can decode: with an input `target`, or a single one of ids, and its first output over the time of that. With probability 1 it is teacher forcing, but
 * slower: steps follow one another. "sample" draws two numbers a token of the vocabulary.
 *
 * A training that goes on from a checkpoint is given the same function again.
 *
 * @throws ConfigError for other options; and from `compile`, for a model that cannot decode, with what hinders it
 * @example
 * // From 1 to 0.5 in the first 10,000 steps.
 * compile(model, { …, scheduledSampling: scheduledSampling({ teacherForcing: (step) => Math.max(0.5, 1 - step / 20_000) }) });
 */
export function scheduledSampling(options: ScheduledSamplingOptions): TrainingForm {
  const read = new OptionReader("scheduledSampling", options, ["teacherForcing", "choose"]);
  const { teacherForcing } = options;
  const choose = read.oneOf("choose", choices, "best");
  const check = (value: unknown, where: string): number => {
    if (typeof value === "number" && value >= 0 && value <= 1) return value;
    throw new ConfigError(
      `scheduledSampling: teacherForcing must be a number from 0 to 1${where}, got ${shown(value)}`,
    );
  };
  if (typeof teacherForcing !== "function") check(teacherForcing, ", or a function of the step");
  return {
    options: { teacherForcing: typeof teacherForcing === "function" ? "a function" : teacherForcing, choose },
    passes: [hoist, joinPads],
    feed: FEED,
    valueAt: (step) =>
      typeof teacherForcing === "function" ? check(teacherForcing(step), ` at step ${step}`) : teacherForcing,
    build: (spec, random) => toldOf("scheduledSampling", () => sampledModel(spec, random, choose, FEED)),
  };
}
