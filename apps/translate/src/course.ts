/** How a training goes on: step sizes that rise and fall, averaged weights, and what the decoder reads. */
import type { TrainingOptions } from "@ostinato/app";
import { adam, type CompileOptions, cosineDecay, type Optimizer, scheduledSampling } from "@ostinato/core";

/** The options. */
export interface CourseOptions {
  /** The largest step size of Adam. */
  readonly learningRate: number;
  /** Steps until it is reached; at most an eighth of those that it changes in. */
  readonly warmup: number;
  /** Epochs until it is at its end. */
  readonly decayEpochs: number;
  /** What is left of it then. */
  readonly finalRate: number;
  /** The model's weights are a moving average over this share of an epoch's steps; 0: they are the last ones. */
  readonly average: number;
  /** Probability that a step of the decoder reads the right token, and not what the model wrote at the step before: it falls from 1 to this; 1: always. */
  readonly teacherForcing: number;
  /** Gradients that are longer are shortened to it; 0: none is. */
  readonly clipnorm: number;
}

/** How many steps an epoch of rows of these lengths has. Where tokens bound them there may be a few more, as batches are made of a part of the rows at a time. */
export function stepsOf(
  {
    batchSize = Number.POSITIVE_INFINITY,
    batchTokens = Number.POSITIVE_INFINITY,
  }: Pick<TrainingOptions, "batchSize" | "batchTokens">,
  lengths: readonly number[],
): number {
  let steps = 0;
  let rows = 0;
  for (const length of [...lengths].sort((a, b) => a - b)) {
    rows += 1;
    if (rows > 1 && rows <= batchSize && rows * length <= batchTokens) continue;
    steps += 1;
    rows = 1;
  }
  return steps;
}

/** The momentum of an average over so many steps. */
const momentumOver = (steps: number): number => Math.max(0, 1 - 1 / steps);

/** Adam on a cosine from the largest step size to the last, after a rise. `steps` are those of an epoch. */
export function optimizerFor(options: CourseOptions, steps: number): Optimizer {
  const { learningRate, decayEpochs, finalRate, average, clipnorm } = options;
  const total = steps * decayEpochs;
  const warmupSteps = Math.min(options.warmup, Math.floor(total / 8));
  const rise =
    warmupSteps > 0
      ? { initialLearningRate: 0, warmupTarget: learningRate, warmupSteps }
      : { initialLearningRate: learningRate };
  return adam({
    learningRate: cosineDecay({ ...rise, decaySteps: total - warmupSteps, alpha: finalRate }),
    ...(clipnorm > 0 ? { globalClipnorm: clipnorm } : {}),
    ...(average > 0 ? { useEma: true, emaMomentum: momentumOver(average * steps) } : {}),
  });
}

/** What the decoder reads in training, where that is not always the right token (Bengio et al. 2015). `steps` are those of an epoch. */
export function samplingFor(
  { teacherForcing: last, decayEpochs }: CourseOptions,
  steps: number,
): Pick<CompileOptions, "scheduledSampling"> {
  if (last === 1) return {};
  const fall = (1 - last) / (steps * decayEpochs);
  return { scheduledSampling: scheduledSampling({ teacherForcing: (step) => Math.max(last, 1 - fall * step) }) };
}
