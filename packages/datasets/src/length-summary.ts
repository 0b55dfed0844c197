/** How long the sequences of a data set are, and what a cut to a given length would cost. */
import { DatasetOptionError } from "./errors.ts";

/** How long the sequences of a data set are. */
export interface LengthSummary {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly median: number;
  /** The length that 90 % of the sequences do not exceed, interpolated linearly as NumPy does. */
  readonly percentile90: number;
  readonly max: number;
  /** Share of the sequences, 0 to 1, that are longer than `cut`. */
  readonly cutShare: number;
  /** Mean length once cut. */
  readonly cutMean: number;
}

/**
 * Summary of sequence lengths; without `cut` nothing is cut.
 *
 * @example
 * summariseLengths([1, 2, 3, 10], 5); // { count: 4, mean: 4, median: 2.5, cutShare: 0.25, cutMean: 2.75, … }
 */
export function summariseLengths(lengths: Iterable<number>, cut = Number.POSITIVE_INFINITY): LengthSummary {
  const sorted = Float64Array.from(lengths).sort();
  const count = sorted.length;
  if (count === 0) throw new DatasetOptionError("lengths", "hold at least one length", "none");
  if (!(cut >= 0)) throw new DatasetOptionError("cut", "be a length of 0 or more", cut);
  let sum = 0;
  let cutSum = 0;
  let longer = 0;
  for (const length of sorted) {
    sum += length;
    cutSum += Math.min(length, cut);
    if (length > cut) longer++;
  }
  return {
    count,
    min: sorted[0]!,
    mean: sum / count,
    median: quantile(sorted, 0.5),
    percentile90: quantile(sorted, 0.9),
    max: sorted[count - 1]!,
    cutShare: longer / count,
    cutMean: cutSum / count,
  };
}

function quantile(sorted: Float64Array, share: number): number {
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
}
