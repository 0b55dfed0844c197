/** Splits of labelled rows that keep the proportion of every class. */
import { DatasetOptionError } from "./errors.ts";
import { shuffled, shuffledIndices } from "./shuffle.ts";

/** Row numbers of the two parts, each in an order drawn from the seed; together they are all rows. */
export interface Split {
  readonly train: Int32Array;
  readonly validation: Int32Array;
}

/**
 * Puts `fraction` of the rows (rounded to whole rows) into `validation`, each class in proportion: what rounding leaves
 * over goes to the classes with the largest remainders, so no class is more than one row off. The rows are drawn by
 * `seed`, whatever order they come in.
 *
 * @example
 * const { train, validation } = stratifiedSplit(labels, 0.1, 42);
 */
export function stratifiedSplit(labels: ArrayLike<number>, fraction: number, seed: number): Split {
  if (!(fraction > 0 && fraction < 1)) throw new DatasetOptionError("fraction", "lie between 0 and 1", fraction);
  const wanted = Math.round(labels.length * fraction);
  if (wanted === 0 || wanted === labels.length) {
    throw new DatasetOptionError("fraction", `leave rows in both parts of ${labels.length} rows`, fraction);
  }

  const sizes = new Map<number, number>();
  for (const label of Array.from(labels).sort((a, b) => a - b)) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const quotas = validationQuotas(sizes, fraction, wanted);

  const train: number[] = [];
  const validation: number[] = [];
  for (const row of shuffledIndices(labels.length, seed)) {
    const left = quotas.get(labels[row]!)!;
    quotas.set(labels[row]!, left - 1);
    (left > 0 ? validation : train).push(row);
  }
  // Once more: above, the class whose quota fills up first would lead the training rows.
  return { train: shuffled(Int32Array.from(train), seed), validation: shuffled(Int32Array.from(validation), seed) };
}

/** Rows of each class for validation, `wanted` in all: class size times `fraction`, rounded down or up. */
function validationQuotas(sizes: ReadonlyMap<number, number>, fraction: number, wanted: number): Map<number, number> {
  const quotas = new Map(Array.from(sizes, ([label, size]) => [label, Math.floor(size * fraction)]));
  const remainder = (label: number) => sizes.get(label)! * fraction - quotas.get(label)!;
  const byRemainder = [...sizes.keys()]
    .map((label) => ({ label, remainder: remainder(label) }))
    .sort((a, b) => b.remainder - a.remainder);
  let left = wanted;
  for (const quota of quotas.values()) left -= quota;
  for (const { label } of byRemainder.slice(0, left)) quotas.set(label, quotas.get(label)! + 1);
  return quotas;
}
