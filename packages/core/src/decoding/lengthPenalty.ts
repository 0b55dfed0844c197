/** Length penalties: what a hypothesis's log-probability is divided by, so that hypotheses of unlike length can be ranked. */

/** The formulas over |Y|, the number of scored tokens: those of the hypothesis, and `end` where it is finished. */
const formulas = {
  /** The mean log-probability of a token where α is 1: |Y|^α, as in fairseq and Hugging Face's Transformers. */
  average: (length: number, alpha: number): number => Math.max(length, 1) ** alpha,
  /** ((5 + |Y|) / 6)^α (Wu et al. 2016, "Google's Neural Machine Translation System", equation 14). */
  wu: (length: number, alpha: number): number => ((5 + length) / 6) ** alpha,
  /** The log-probability itself, which is the higher the shorter a hypothesis is. */
  none: (): number => 1,
} satisfies Record<string, (length: number, alpha: number) => number>;

/** The form of a length penalty: what a log-probability is divided by, see `lengthPenalty` of `GenerateOptions`. */
export type LengthPenalty = keyof typeof formulas;

export const lengthPenalties = Object.keys(formulas) as readonly LengthPenalty[];

/** The penalty of a length. It never falls from one length to the next, as α is never below 0. */
export function penaltyOf(form: LengthPenalty, alpha: number): (length: number) => number {
  return (length) => formulas[form](length, alpha);
}
