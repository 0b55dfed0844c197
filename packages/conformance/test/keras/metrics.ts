/** Keras's metrics written out naively, over all rows at once. */

/** One row: what was predicted, what is right (a class, or one number for each output), and how much it counts. */
export interface Judged {
  readonly predicted: readonly number[];
  readonly target: readonly number[];
  readonly weight: number;
}

const largest = (values: readonly number[]): number => values.indexOf(Math.max(...values));
const divideNoNan = (a: number, b: number): number => (b === 0 ? 0 : a / b);

/** BinaryAccuracy for one output, SparseCategoricalAccuracy for labels, CategoricalAccuracy for distributions. */
export function kerasAccuracy(rows: readonly Judged[], labels: boolean): number {
  let right = 0;
  let total = 0;
  for (const { predicted, target, weight } of rows) {
    const isRight = labels
      ? largest(predicted) === target[0]
      : predicted.length === 1
        ? Number(predicted[0] > 0.5) === target[0]
        : largest(predicted) === largest(target);
    right += Number(isRight) * weight;
    total += weight;
  }
  return divideNoNan(right, total);
}

/** AUC(num_thresholds=200, curve="ROC", summation_method="interpolation"): confusion at each threshold, then trapezes. */
export function kerasAuc(rows: readonly Judged[]): number {
  const epsilon = 1e-7;
  const thresholds = [-epsilon, ...Array.from({ length: 198 }, (_, i) => (i + 1) / 199), 1 + epsilon];
  const rates = thresholds.map((threshold) => {
    const counts = { truePositives: 0, falsePositives: 0, trueNegatives: 0, falseNegatives: 0 };
    for (const { predicted, target, weight } of rows) {
      const isTrue = target[0] === 1;
      if (predicted[0] > threshold) counts[isTrue ? "truePositives" : "falsePositives"] += weight;
      else counts[isTrue ? "falseNegatives" : "trueNegatives"] += weight;
    }
    return {
      recall: divideNoNan(counts.truePositives, counts.truePositives + counts.falseNegatives),
      fallout: divideNoNan(counts.falsePositives, counts.falsePositives + counts.trueNegatives),
    };
  });
  let area = 0;
  for (let i = 0; i + 1 < rates.length; i++)
    area += (rates[i].fallout - rates[i + 1].fallout) * ((rates[i].recall + rates[i + 1].recall) / 2);
  return area;
}
