/** How a training goes on: the optimizer with what a preset says of its step sizes and of averaged weights. */
import { adam, cosineDecay, type Optimizer } from "@ostinato/core";
import type { CourseSettings } from "./presets.ts";

/** Adam with the option's learning rate; of a preset with a course it falls, and the averages of an epoch's weights are its end. */
export function optimizerFor(
  { learningRate, batchSize }: { readonly learningRate: number; readonly batchSize: number },
  course: CourseSettings | undefined,
  rows: number,
): Optimizer {
  if (course === undefined) return adam({ learningRate });
  const steps = Math.ceil(rows / batchSize);
  return adam({
    learningRate: cosineDecay({
      initialLearningRate: learningRate,
      decaySteps: steps * course.decayEpochs,
      alpha: course.finalShare,
    }),
    useEma: true,
    emaMomentum: course.emaMomentum,
    emaOverwriteFrequency: steps,
  });
}
