/** Texts with a class each: what readers of classification data return. */

import { DatasetOptionError } from "./errors.ts";

/** Texts, each with its class. */
export interface LabelledTexts {
  readonly texts: readonly string[];
  /** Class id of each text. */
  readonly labels: Int32Array;
}

/** The chosen rows, in the order of `indices`; throws `DatasetOptionError` for a row that is not there. */
export function selectRows(rows: LabelledTexts, indices: ArrayLike<number>): LabelledTexts {
  const texts = Array.from(indices, (index) => {
    const text = rows.texts[index];
    if (text === undefined) throw new DatasetOptionError("indices", `lie below ${rows.texts.length}`, index);
    return text;
  });
  return { texts, labels: Int32Array.from(indices, (index) => rows.labels[index]!) };
}
