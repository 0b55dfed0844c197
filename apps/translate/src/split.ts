/** Texts in parts by a hash of their sources, with some to validate with. */
import { type ParallelData, type ParallelText, splitParallelText, textHash } from "@ostinato/datasets";

/** Rows of which no text is empty; lines of files may be. */
export const withTexts = (rows: readonly ParallelText[]): readonly ParallelText[] =>
  rows.filter(({ source, targets }) => source !== "" && targets.every((target) => target !== ""));

/**
 * As `splitParallelText` has it, with a part to test with if `test` is true. Where few texts all fall to other parts, the source with the smallest hash of those to train with is for validation, unless it
 * is the only one.
 */
export function splitTexts(rows: readonly ParallelText[], test: boolean): ParallelData {
  const parts = splitParallelText(rows, test ? {} : { test: 0 });
  if (withTexts(parts.validation).length > 0) return parts;
  const sources = [...new Set(withTexts(parts.train).map(({ source }) => source))];
  if (sources.length < 2) return parts;
  const held = sources.reduce((least, source) => (textHash(source) < textHash(least) ? source : least));
  return {
    ...parts,
    train: parts.train.filter(({ source }) => source !== held),
    validation: parts.train.filter(({ source }) => source === held),
  };
}
