/** Texts and what they become in another language or another writing: rows of a source and its targets. */
import { type HashSplit, type HashSplitOptions, splitByHash } from "./hash-split.ts";

/** A source with all that is right for it: several targets where it can be written in several ways. */
export interface ParallelText {
  readonly source: string;
  /** One at least, and no two alike. */
  readonly targets: readonly string[];
}

/** Sources to train, to validate and to test with; none is in two parts. */
export interface ParallelData extends HashSplit<ParallelText> {}

/** Gathers rows of one source, in the order in which sources come first, and targets come. */
export interface ParallelRows {
  add(source: string, target: string): void;
  rows(): ParallelText[];
}

export function parallelRows(): ParallelRows {
  const targetsOf = new Map<string, Set<string>>();
  return {
    add(source, target) {
      const targets = targetsOf.get(source);
      if (targets === undefined) targetsOf.set(source, new Set([target]));
      else targets.add(target);
    },
    rows: () => Array.from(targetsOf, ([source, targets]) => ({ source, targets: [...targets] })),
  };
}

/**
 * Splits rows by the 32-bit FNV-1a hash of the source's UTF-8 bytes modulo 20: below `test` they are for testing, the next `validation` for validation, the rest is for training. A source is in the same
 * part whatever stands beside it. Each part keeps the order of its rows.
 *
 * Throws `DatasetOptionError` for parts that leave nothing to train with.
 *
 * @example
 * const { train, validation, test } = splitParallelText(await readParallelText("german-english.tsv"));
 */
export function splitParallelText(rows: readonly ParallelText[], options: HashSplitOptions = {}): ParallelData {
  return splitByHash("splitParallelText", rows, ({ source }) => source, options);
}

/**
 * Each source with each of its targets, to train with: as many of the one as of the other.
 *
 * @example
 * parallelPairs([{ source: "read", targets: ["R EH D", "R IY D"] }]); // { sources: ["read", "read"], targets: ["R EH D", "R IY D"] }
 */
export function parallelPairs(rows: readonly ParallelText[]): {
  readonly sources: string[];
  readonly targets: string[];
} {
  return {
    sources: rows.flatMap(({ source, targets }) => targets.map(() => source)),
    targets: rows.flatMap(({ targets }) => targets),
  };
}
