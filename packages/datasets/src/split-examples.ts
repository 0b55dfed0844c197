/** Training, validation and test rows out of one file, every class in proportion. */
import type { LabelEncoder } from "@ostinato/text";
import { DatasetOptionError, MissingClassError, refuseUnknown } from "./errors.ts";
import { type LabelledTexts, selectRows } from "./labelled-texts.ts";
import { stratifiedSplit } from "./stratified-split.ts";

/** Options of `splitExamples`. */
export interface SplitOptions {
  /** Share of all rows for validation; 0.1 by default, 0 for none. */
  readonly validation?: number;
  /** Share of all rows for testing; 0.1 by default, 0 for none. */
  readonly test?: number;
  /** Draws the rows of each part (a 32-bit integer); 0 by default. */
  readonly seed?: number;
}

/** Three parts of the rows; one that was not asked for is empty. */
export interface Examples {
  readonly train: LabelledTexts;
  readonly validation: LabelledTexts;
  readonly test: LabelledTexts;
}

/**
 * Splits rows by seed, so that every class has its share in each part (`stratifiedSplit`). Throws `MissingClassError`
 * where a class has too few rows to be in training at all.
 *
 * @example
 * const { train, validation, test } = splitExamples(rows, labelEncoder, { validation: 0.1, test: 0.2, seed: 1 });
 */
export function splitExamples(rows: LabelledTexts, labelEncoder: LabelEncoder, options: SplitOptions = {}): Examples {
  refuseUnknown("splitExamples", options, { validation: true, test: true, seed: true } satisfies Record<
    keyof SplitOptions,
    true
  >);
  const { validation = 0.1, test = 0.1, seed = 0 } = options;
  for (const [name, share] of Object.entries({ validation, test })) {
    if (!(share >= 0 && share < 1)) throw new DatasetOptionError(name, "be a share from 0 on and below 1", share);
  }
  if (validation + test >= 1) {
    throw new DatasetOptionError("validation", "leave rows to train with beside test", `${validation} and ${test}`);
  }
  requireEveryClass(rows, labelEncoder, "the data");
  const first = divided(rows, "test", test, seed);
  const second = divided(first.rest, "validation", validation / (1 - test), seed);
  requireEveryClass(second.rest, labelEncoder, "training");
  return { train: second.rest, validation: second.part, test: first.part };
}

function divided(rows: LabelledTexts, name: string, share: number, seed: number) {
  if (share === 0) return { part: selectRows(rows, []), rest: rows };
  const count = Math.round(rows.texts.length * share);
  if (count === 0 || count === rows.texts.length) {
    const total = rows.texts.length;
    throw new DatasetOptionError(name, `leave rows in both parts of ${total} rows`, share);
  }
  const { train, validation } = stratifiedSplit(rows.labels, share, seed);
  return { part: selectRows(rows, validation), rest: selectRows(rows, train) };
}

/** Throws `MissingClassError` if a class has no row in this part of the data: a model could not learn it. */
export function requireEveryClass(rows: LabelledTexts, labelEncoder: LabelEncoder, part = "training"): void {
  const present = new Set(rows.labels);
  const missing = labelEncoder.classes.filter((_, id) => !present.has(id));
  if (missing.length > 0) throw new MissingClassError(missing, part, rows.texts.length);
}
