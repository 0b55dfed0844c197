/** How good a classifier is, computed exactly on the host from labels and what was predicted for them. */
import { DataError } from "../../errors.ts";
import { shown } from "../../nn/options.ts";

/** One point of a ROC curve: what holds when every score from `threshold` on is called positive. */
export interface RocPoint {
  readonly threshold: number;
  readonly falsePositiveRate: number;
  readonly truePositiveRate: number;
}

/** Scores of one class. Where the denominator is 0, so is the score. */
export interface ClassScores {
  /** Of the rows called this class, the share that are. */
  readonly precision: number;
  /** Of the rows of this class, the share that were called it. */
  readonly recall: number;
  /** Harmonic mean of precision and recall. */
  readonly f1: number;
  /** Rows of this class. */
  readonly support: number;
}

/** Scores of a classifier, over all classes and of each. */
export interface ClassificationReport {
  /** Share of the rows on the matrix's diagonal. */
  readonly accuracy: number;
  /** In the order of the classes. */
  readonly classes: readonly ClassScores[];
}

/**
 * Area under the ROC curve: the probability that a positive row scores above a negative one, ties counting half
 * (Mann and Whitney's U by average ranks). Labels are 0 or 1. NaN when one of the two is missing: there is no such pair.
 *
 * @example
 * rocAuc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]); // 0.75
 */
export function rocAuc(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  requireBinary("rocAuc", labels, scores);
  const order = byScore(scores);
  let positives = 0;
  let rankSum = 0; // of the positives; ranks from 1 in ascending order, ties share their mean
  for (let first = 0; first < order.length; ) {
    let next = first;
    let tied = 0;
    while (next < order.length && scores[order[next]!] === scores[order[first]!]) tied += labels[order[next++]!]!;
    rankSum += tied * ((first + 1 + next) / 2);
    positives += tied;
    first = next;
  }
  const negatives = labels.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/**
 * The ROC curve from (0, 0) to (1, 1), one point for each distinct score and thresholds falling from Infinity; points on a straight line
 * between their neighbours are left out, which changes neither the curve nor its area. Rates are NaN for a class without rows.
 */
export function rocCurve(labels: ArrayLike<number>, scores: ArrayLike<number>): RocPoint[] {
  requireBinary("rocCurve", labels, scores);
  const order = byScore(scores).reverse();
  let positives = 0;
  for (let row = 0; row < labels.length; row++) positives += labels[row]!;
  const negatives = labels.length - positives;

  const corners: [threshold: number, falsePositives: number, truePositives: number][] = [
    [Number.POSITIVE_INFINITY, 0, 0],
  ];
  let found = 0;
  for (const [place, row] of order.entries()) {
    found += labels[row]!;
    const threshold = scores[row]!;
    if (place + 1 < order.length && scores[order[place + 1]!] === threshold) continue;
    const falsePositives = place + 1 - found;
    const [last, previous] = [corners.at(-1)!, corners.at(-2)];
    // Whole numbers, so the cross product is exact.
    const straight =
      previous !== undefined &&
      (last[1] - previous[1]) * (found - last[2]) === (falsePositives - last[1]) * (last[2] - previous[2]);
    if (straight) corners.pop();
    corners.push([threshold, falsePositives, found]);
  }
  return corners.map(([threshold, falsePositives, truePositives]) => ({
    threshold,
    falsePositiveRate: falsePositives / negatives,
    truePositiveRate: truePositives / positives,
  }));
}

/**
 * Counts of rows, [actual class][predicted class]; for two classes [[true negatives, false positives], [false negatives, true positives]].
 *
 * @example
 * confusionMatrix([0, 0, 1], [0, 1, 1], 2); // [[1, 1], [0, 1]]
 */
export function confusionMatrix(labels: ArrayLike<number>, predicted: ArrayLike<number>, classes: number): number[][] {
  requireSameCount("confusionMatrix", labels, predicted);
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let row = 0; row < labels.length; row++) {
    for (const [what, id] of [
      ["label", labels[row]!],
      ["prediction", predicted[row]!],
    ] as const) {
      if (!(Number.isInteger(id) && id >= 0 && id < classes)) {
        throw new DataError(
          `confusionMatrix: the ${what} of row ${row} is ${shown(id)}, not a class from 0 to ${classes - 1}`,
        );
      }
    }
    matrix[labels[row]!]![predicted[row]!]! += 1;
  }
  return matrix;
}

/**
 * Precision, recall and F1 of each class, and the accuracy, from a confusion matrix.
 *
 * @example
 * classificationReport([[1, 1], [0, 1]]).classes[1]; // { precision: 0.5, recall: 1, f1: 0.667, support: 1 }
 */
export function classificationReport(matrix: readonly (readonly number[])[]): ClassificationReport {
  const total = matrix.flat().reduce((sum, count) => sum + count, 0);
  const correct = matrix.reduce((sum, row, id) => sum + row[id]!, 0);
  const classes = matrix.map((row, id) => {
    const support = row.reduce((sum, count) => sum + count, 0);
    const called = matrix.reduce((sum, other) => sum + other[id]!, 0);
    return {
      precision: share(row[id]!, called),
      recall: share(row[id]!, support),
      f1: share(2 * row[id]!, called + support),
      support,
    };
  });
  return { accuracy: share(correct, total), classes };
}

/**
 * Binary crossentropy of probabilities, meaned over the rows; as Keras, probabilities are kept 1e-7 away from 0 and 1. NaN for no rows.
 *
 * @example
 * logLoss([0, 1], [0.1, 0.9]); // -log(0.9)
 */
export function logLoss(labels: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  requireBinary("logLoss", labels, probabilities);
  const epsilon = 1e-7;
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    const p = Math.min(Math.max(probabilities[row]!, epsilon), 1 - epsilon);
    sum -= labels[row] === 1 ? Math.log(p) : Math.log1p(-p);
  }
  return sum / labels.length;
}

/** Row numbers by ascending score. */
function byScore(scores: ArrayLike<number>): Uint32Array {
  return Uint32Array.from({ length: scores.length }, (_, row) => row).sort((a, b) => scores[a]! - scores[b]!);
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function requireSameCount(caller: string, labels: ArrayLike<number>, others: ArrayLike<number>): void {
  if (labels.length !== others.length) {
    throw new DataError(`${caller}: ${labels.length} labels but ${others.length} predictions; each row needs both`);
  }
}

function requireBinary(caller: string, labels: ArrayLike<number>, scores: ArrayLike<number>): void {
  requireSameCount(caller, labels, scores);
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] !== 0 && labels[row] !== 1) {
      throw new DataError(`${caller}: the label of row ${row} is ${shown(labels[row])}; labels are 0 and 1`);
    }
    if (typeof scores[row] !== "number" || Number.isNaN(scores[row]))
      throw new DataError(`${caller}: the score of row ${row} is ${shown(scores[row])}, not a number`);
  }
}
