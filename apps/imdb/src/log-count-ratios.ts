/** Naive Bayes' log-count ratios: what each id says of a text's class, by the texts that have it. */
import { type Float32Tensor, float32 } from "@ostinato/core";

/** Ids before the first word: padding and unknown words say nothing. */
const reserved = 2;

/** The table to make. */
export interface RatioTable {
  readonly inputDim: number;
  /** 1: for the second of two classes; else one for each class, against all others. */
  readonly units: number;
  readonly scale: number;
}

/**
 * scale · log((p + 1) / (P + 2)) - scale · log((q + 1) / (Q + 2)) for each id, [inputDim, units]: p of the P texts of the class have the id, and q of the Q others
 * (Wang and Manning 2012, "Baselines and Bigrams", with the texts that have an id counted once).
 */
export function logCountRatios(
  rows: readonly (readonly number[])[],
  labels: ArrayLike<number>,
  { inputDim, units, scale }: RatioTable,
): Float32Tensor {
  const classOf = (row: number): number => (units === 1 ? Number(labels[row]) - 1 : Number(labels[row]));
  const texts = new Float64Array(units);
  const having = new Float64Array(inputDim * units);
  const havingAny = new Float64Array(inputDim);
  for (const [row, ids] of rows.entries()) {
    const own = classOf(row);
    if (own >= 0) texts[own]! += 1;
    for (const id of new Set(ids)) {
      havingAny[id]! += 1;
      if (own >= 0) having[id * units + own]! += 1;
    }
  }
  const ratios = new Float32Array(inputDim * units);
  for (let id = reserved; id < inputDim; id++)
    for (let unit = 0; unit < units; unit++) {
      const [p, of] = [having[id * units + unit]!, texts[unit]!];
      const [q, others] = [havingAny[id]! - p, rows.length - of];
      ratios[id * units + unit] = scale * (Math.log((p + 1) / (of + 2)) - Math.log((q + 1) / (others + 2)));
    }
  return float32([inputDim, units], ratios);
}
