/** The reviews: the official halves, a share of the training half kept for validation, and `--limit`. */
import { type LabelledTexts, readImdb, selectRows, stratifiedSplit } from "@ostinato/datasets";
import type { LabelEncoder } from "@ostinato/text";

/** Reviews in each half. */
export const reviewsPerHalf = 25_000;
/** The fewest reviews that can be split into training and validation with both classes likely in each. */
export const fewestReviews = 10;
const validationShare = 0.1;

export interface TrainingReviews {
  /** Both parts together: what the vocabulary counts words in, labels unseen. */
  readonly all: readonly string[];
  readonly train: LabelledTexts;
  readonly validation: LabelledTexts;
  readonly labelEncoder: LabelEncoder<string>;
}

/** The first `limit` rows of the shuffled training half, nine tenths to train with; classes in proportion. */
export async function readTrainingReviews(seed: number, limit?: number): Promise<TrainingReviews> {
  const { train: half, labelEncoder } = await readImdb({ seed });
  const used = firstRows(half, limit);
  const { train, validation } = stratifiedSplit(used.labels, validationShare, seed);
  return {
    all: used.texts,
    train: selectRows(used, train),
    validation: selectRows(used, validation),
    labelEncoder,
  };
}

/** The first `limit` rows of the shuffled test half. */
export async function readTestReviews(seed: number, limit?: number): Promise<LabelledTexts> {
  const { test } = await readImdb({ seed });
  return firstRows(test, limit);
}

function firstRows(rows: LabelledTexts, limit = reviewsPerHalf): LabelledTexts {
  return limit >= rows.texts.length ? rows : { texts: rows.texts.slice(0, limit), labels: rows.labels.slice(0, limit) };
}
