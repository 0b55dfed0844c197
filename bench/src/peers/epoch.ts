/** The batches of an IMDB epoch, exactly as `fit` forms them, and those of a pass over the test reviews. */
import { readImdb, selectRows, stratifiedSplit } from "@ostinato/datasets";
import { encodeTexts, vocabularyFromTexts } from "@ostinato/text";
import { listener } from "./listener.ts";
import { imdb, trainerOf } from "./network.ts";

/** Reviews and whether they praise. */
interface Batch {
  readonly rows: readonly (readonly number[])[];
  readonly labels: readonly number[];
}

export interface Reviews {
  readonly train: Batch;
  readonly test: Batch;
}

/** The reviews as the app's default preset has them: 22,500 to train with, of each the last 300 words. */
export async function readReviews(): Promise<Reviews> {
  const seed = 1;
  const { train: half, test } = await readImdb({ seed });
  const { train } = stratifiedSplit(half.labels, 0.1, seed);
  const vocabulary = vocabularyFromTexts(half.texts, { maxTokens: imdb.words, unknown: "own-id" });
  const encoded = ({ texts, labels }: typeof half): Batch => ({
    rows: encodeTexts(vocabulary, texts).map((ids) => ids.slice(-imdb.time)),
    labels: Array.from(labels),
  });
  return { train: encoded(selectRows(half, train)), test: encoded(test) };
}

/** The first epoch's batches. */
export async function batchesOfEpoch({ rows, labels }: Batch, groupByLength: boolean): Promise<Batch[]> {
  const batches: Batch[] = [];
  const hearing = listener({
    fed(feeds) {
      const [ids, targets] = Object.values(feeds);
      const [count = 0, time = 0] = ids?.shape ?? [];
      const taken = Array.from({ length: count }, (_, row) => {
        const padded = Array.from(ids?.data.subarray(row * time, (row + 1) * time) ?? []);
        const end = padded.indexOf(0);
        return end < 0 ? padded : padded.slice(0, end);
      });
      batches.push({ rows: taken, labels: Array.from(targets?.data.subarray(0, count) ?? []) });
    },
  });
  await using listening = await trainerOf(imdb, true, hearing);
  const y = Int32Array.from(labels);
  await listening.fit({ x: rows, y }, { batchSize: imdb.batch, groupByLength });
  return batches;
}

/** Batches of the rows sorted by length. */
export function sortedBatches({ rows, labels }: Batch): Batch[] {
  const order = rows.map((_, row) => row).sort((a, b) => (rows[a]?.length ?? 0) - (rows[b]?.length ?? 0));
  return Array.from({ length: Math.ceil(order.length / imdb.batch) }, (_, batch) => {
    const taken = order.slice(batch * imdb.batch, (batch + 1) * imdb.batch);
    return { rows: taken.map((row) => rows[row] ?? []), labels: taken.map((row) => labels[row] ?? 0) };
  });
}

/** So many whole batches, drawn evenly over the batches by length, in the order that they had. */
export function drawEvenly(batches: readonly Batch[], count: number): Batch {
  const whole = batches.filter(({ rows }) => rows.length === imdb.batch);
  const words = whole.map(({ rows }) => rows.reduce((sum, row) => sum + row.length, 0));
  const byLength = whole.map((_, batch) => batch).sort((a, b) => (words[a] ?? 0) - (words[b] ?? 0));
  const wanted = Math.min(count, whole.length);
  const drawn = Array.from(
    { length: wanted },
    (_, i) => byLength[Math.floor(((i + 0.5) * whole.length) / wanted)] ?? 0,
  );
  const taken = drawn.sort((a, b) => a - b).map((batch) => whole[batch] as Batch);
  return { rows: taken.flatMap(({ rows }) => rows), labels: taken.flatMap(({ labels }) => labels) };
}
