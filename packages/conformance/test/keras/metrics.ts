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

type Rows = readonly Judged[];

/** Keras's `Mean` with sample weights. */
function weightedMean(rows: Rows, of: (row: Judged) => number): number {
  let total = 0;
  let count = 0;
  for (const row of rows) {
    total += of(row) * row.weight;
    count += row.weight;
  }
  return divideNoNan(total, count);
}

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

export function kerasBinaryAccuracy(rows: Rows, threshold: number): number {
  return weightedMean(rows, ({ predicted, target }) =>
    mean(predicted.map((p, k) => Number(Number(p > threshold) === target[k]))),
  );
}

/** The class that a row's target names: a label, or the largest of a distribution. */
const classOf = ({ predicted, target }: Judged): number =>
  target.length === 1 && predicted.length > 1 ? target[0] : largest(target);

/** `in_top_k`: sorted by size, the label's output is not smaller than the k-th. */
export function kerasTopK(rows: Rows, k: number): number {
  return weightedMean(rows, (row) => {
    const sorted = [...row.predicted].sort((a, b) => b - a);
    return Number(row.predicted[classOf(row)] >= sorted[Math.min(k, sorted.length) - 1]);
  });
}

export function kerasMeanAbsoluteError(rows: Rows): number {
  return weightedMean(rows, ({ predicted, target }) => mean(predicted.map((p, k) => Math.abs(p - target[k]))));
}

export function kerasRootMeanSquaredError(rows: Rows): number {
  return Math.sqrt(weightedMean(rows, ({ predicted, target }) => mean(predicted.map((p, k) => (p - target[k]) ** 2))));
}

/** exp of the mean crossentropy of probabilities that are scaled to sum to 1. */
export function naivePerplexity(rows: Rows): number {
  const weight = rows.reduce((sum, row) => sum + row.weight, 0);
  if (weight === 0) return 0;
  const clip = (p: number): number => Math.min(Math.max(p, 1e-7), 1 - 1e-7);
  return Math.exp(
    weightedMean(rows, (row) => {
      const total = Math.max(
        row.predicted.reduce((sum, p) => sum + p, 0),
        1e-7,
      );
      const target = row.target.length === 1 ? row.predicted.map((_, k) => Number(k === row.target[0])) : row.target;
      return -row.predicted.reduce((sum, p, k) => sum + target[k] * Math.log(clip(p / total)), 0);
    }),
  );
}

/** Counts of each output. */
function countOutputs(rows: Rows, called: (predicted: readonly number[]) => readonly boolean[]) {
  return rows[0].predicted.map((_, k) => {
    const counts = { tp: 0, fp: 0, fn: 0 };
    for (const row of rows) {
      const target = row.target.length === row.predicted.length ? row.target[k] : Number(row.target[0] === k);
      const yes = called(row.predicted)[k];
      if (yes) counts.tp += target * row.weight;
      if (yes) counts.fp += (1 - target) * row.weight;
      else counts.fn += target * row.weight;
    }
    return counts;
  });
}

const above = (threshold: number) => (predicted: readonly number[]) => predicted.map((p) => p > threshold);

export function kerasPrecision(rows: Rows, threshold: number): number {
  const counts = countOutputs(rows, above(threshold));
  const tp = counts.reduce((sum, c) => sum + c.tp, 0);
  return divideNoNan(tp, tp + counts.reduce((sum, c) => sum + c.fp, 0));
}

export function kerasRecall(rows: Rows, threshold: number): number {
  const counts = countOutputs(rows, above(threshold));
  const tp = counts.reduce((sum, c) => sum + c.tp, 0);
  return divideNoNan(tp, tp + counts.reduce((sum, c) => sum + c.fn, 0));
}

/** keras/src/metrics/f_score_metrics.py; without a threshold the largest outputs of a row are called, where they are not 0. */
export function kerasFBeta(
  rows: Rows,
  beta: number,
  threshold: number | null,
  average: "macro" | "micro" | "weighted",
): number {
  const epsilon = 1e-7;
  const largestOf = (predicted: readonly number[]) =>
    predicted.map((p) => p >= Math.max(...predicted) && Math.abs(p) > 1e-9);
  const counts = countOutputs(rows, threshold === null ? largestOf : above(threshold));
  const all = counts.reduce((a, b) => ({ tp: a.tp + b.tp, fp: a.fp + b.fp, fn: a.fn + b.fn }));
  const scores = (average === "micro" ? [all] : counts).map(({ tp, fp, fn }) => {
    const precision = tp / (tp + fp + epsilon);
    const recall = tp / (tp + fn + epsilon);
    return ((precision * recall) / (beta ** 2 * precision + recall + epsilon)) * (1 + beta ** 2);
  });
  if (average !== "weighted") return mean(scores);
  const positives = counts.map(({ tp, fn }) => tp + fn);
  const total = positives.reduce((sum, v) => sum + v, 0) + epsilon;
  return scores.reduce((sum, score, k) => sum + (score * positives[k]) / total, 0);
}

/** A row for each actual class, a column for each predicted one. */
export function naiveConfusion(rows: Rows, threshold: number): number[][] {
  const classes = Math.max(2, rows[0].predicted.length);
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const row of rows) {
    const single = row.predicted.length === 1;
    const actual = single ? Number(row.target[0] > 0.5) : classOf(row);
    const called = single ? Number(row.predicted[0] > threshold) : largest(row.predicted);
    matrix[actual][called] += row.weight;
  }
  return matrix;
}
