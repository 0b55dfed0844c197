/** Keras's losses and their reduction written out naively, for one prediction at a time. */
import type { Row } from "./layers.ts";

const epsilon = 1e-7;
const clip = (p: number): number => Math.min(Math.max(p, epsilon), 1 - epsilon);
const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

function categorical(y: readonly number[], p: readonly number[]): number {
  const total = p.reduce((sum, v) => sum + v, 0);
  return -y.reduce((sum, v, k) => sum + v * Math.log(clip(p[k] / total)), 0);
}

/** The loss of one prediction. `y` has one number for each output, or is the number of the class alone. */
const losses: Readonly<Record<string, (y: readonly number[], p: readonly number[]) => number>> = {
  binaryCrossentropy: (y, p) => mean(p.map((v, k) => -(y[k] * Math.log(clip(v)) + (1 - y[k]) * Math.log(1 - clip(v))))),
  categoricalCrossentropy: (y, p) => categorical(y, p),
  sparseCategoricalCrossentropy: (y, p) =>
    categorical(
      p.map((_, k) => Number(k === y[0])),
      p,
    ),
  meanSquaredError: (y, p) => mean(p.map((v, k) => (v - y[k]) ** 2)),
};

/** The targets of a row: one for a vector, one for each step of a sequence. */
export type Targets = readonly (readonly number[])[];

/** "sum_over_batch_size": over rows with their weights, or over the steps that a mask leaves. */
export function kerasLoss(
  kind: string,
  predictions: readonly Row[],
  targets: readonly Targets[],
  sampleWeights?: ArrayLike<number>,
): number {
  const one = losses[kind];
  let total = 0;
  let count = 0;
  predictions.forEach(({ vector, steps, length }, row) => {
    if (vector) {
      total += one(targets[row][0], vector) * (sampleWeights?.[row] ?? 1);
      count += 1;
      return;
    }
    for (let t = 0; t < length; t++) {
      total += one(targets[row][t], steps[t]);
      count += 1;
    }
  });
  return total / Math.max(count, 1);
}
