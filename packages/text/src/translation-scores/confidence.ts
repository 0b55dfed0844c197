/** How far a score would move with other rows of the same kind: bootstrap resampling (Koehn 2004), as sacreBLEU does it. */
import { TextOptionError } from "../errors.ts";
import { numpyIntegers } from "./numpy-generator.ts";

/** How a score's confidence is estimated. */
export interface ConfidenceOptions {
  /** How many times a corpus of as many rows is drawn from the rows, with replacement: 2 or more; 1000 is usual. None by default. */
  readonly bootstrap?: number;
  /** Draws the rows, as NumPy's generator of this seed does. Default 12345, sacreBLEU's. */
  readonly seed?: number;
}

/** Where scores of corpora lie that are drawn from a corpus's rows. */
export interface Confidence {
  readonly mean: number;
  /** Half the width of the interval that 95 % of them lie in. */
  readonly margin: number;
  /** How many there are. */
  readonly samples: number;
  readonly seed: number;
}

/** Whatever `bootstrap` asks for. Throws `TextOptionError`. */
export function confidenceOf(
  rows: readonly (readonly number[])[],
  scoreOf: (sums: readonly number[]) => number,
  { bootstrap, seed = 12345 }: ConfidenceOptions,
): Confidence | undefined {
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32))
    throw new TextOptionError("seed", "be a whole number from 0 to 4294967295", seed);
  if (bootstrap === undefined) return undefined;
  if (!(Number.isSafeInteger(bootstrap) && bootstrap >= 2))
    throw new TextOptionError("bootstrap", "be a whole number from 2 on", bootstrap);
  const draw = numpyIntegers(seed);
  const width = rows[0]!.length;
  const scores = Array.from({ length: bootstrap }, () => {
    const sums = new Array<number>(width).fill(0);
    for (let drawn = 0; drawn < rows.length; drawn++) {
      const row = rows[draw(rows.length)]!;
      for (let i = 0; i < width; i++) sums[i]! += row[i]!;
    }
    return scoreOf(sums);
  }).sort((a, b) => a - b);
  const outside = Math.floor(bootstrap / 40);
  const margin = (scores[bootstrap - outside - 1]! - scores[outside]!) / 2;
  return { mean: scores.reduce((sum, score) => sum + score, 0) / bootstrap, margin, samples: bootstrap, seed };
}
