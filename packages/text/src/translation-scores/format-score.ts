/** Scores of translations as a line of text. */
import type { BleuScore } from "./bleu.ts";
import type { ChrfScore } from "./chrf.ts";
import { wholeNumber } from "./score.ts";

/** Rounds as Python does: of two that are as near the even one. `toFixed` takes the greater. */
function fixed(value: number, digits: number): string {
  const halves = value * 2 ** (digits + 1);
  if (!Number.isInteger(halves) || halves % 2 === 0) return value.toFixed(digits);
  const below = Math.floor(value * 10 ** digits);
  return ((below % 2 === 0 ? below : below + 1) / 10 ** digits).toFixed(digits);
}

function bleuParts({ precisions, brevityPenalty, writtenLength, referenceLength }: BleuScore): string {
  const ratio = referenceLength === 0 ? 0 : writtenLength / referenceLength;
  const shares = precisions.map((precision) => fixed(precision, 1)).join("/");
  return `${shares} (BP = ${fixed(brevityPenalty, 3)} ratio = ${fixed(ratio, 3)} hyp_len = ${writtenLength} ref_len = ${referenceLength})`;
}

/**
 * A score with its signature as sacreBLEU prints it.
 *
 * @param digits after the point of the score; 2 by default
 *
 * @example
 * formatTranslationScore(corpusChrf(["Hello!"], ["Hello!"])); // "chrF2|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0 = 100.00"
 */
export function formatTranslationScore(score: BleuScore | ChrfScore, digits = 2): string {
  wholeNumber("digits", digits, 2, 0);
  const { name, signature, confidence } = score;
  const drawn =
    confidence !== undefined && confidence.mean > 0
      ? ` (μ = ${fixed(confidence.mean, digits)} ± ${fixed(confidence.margin, digits)})`
      : "";
  const parts = "precisions" in score ? ` ${bleuParts(score)}` : "";
  return `${name}|${signature} = ${fixed(score.score, digits)}${drawn}${parts}`;
}
