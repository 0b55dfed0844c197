/** `info`: the data, its split, how long reviews are, and what a vocabulary of a size knows. */
import { type Output, shownCount, shownPercent, table } from "@ostinato/app";
import { readImdb, summariseLengths } from "@ostinato/datasets";
import { encodeTexts, vocabularyFromTexts } from "@ostinato/text";
import type { TrainOptions } from "../options.ts";
import { readTrainingReviews } from "../reviews.ts";

export type InfoOptions = Pick<TrainOptions, "maxWords" | "maxLength" | "seed">;

const shownWords = 10;

export async function info({ maxWords, maxLength, seed }: InfoOptions, output: Output): Promise<void> {
  const reviews = await readTrainingReviews(seed);
  const { test } = await readImdb({ seed });
  const split = Object.entries({ train: reviews.train, validation: reviews.validation, test }).map(
    ([part, { labels }]) => {
      const positive = labels.reduce((sum, label) => sum + label, 0);
      return { part, reviews: labels.length, negative: labels.length - positive, positive };
    },
  );

  const every = vocabularyFromTexts(reviews.all);
  const kept = vocabularyFromTexts(reviews.all, { maxTokens: maxWords });
  const rows = encodeTexts(kept, reviews.all);
  const lengths = summariseLengths(
    rows.map((ids) => ids.length),
    maxLength,
  );
  const words = rows.reduce((sum, ids) => sum + ids.length, 0);
  const unknown = rows.reduce((sum, ids) => sum + ids.filter((id) => id === kept.unknownId).length, 0);
  const vocabulary = {
    distinct: every.words.length,
    maxWords,
    known: (words - unknown) / words,
    first: kept.words.slice(0, shownWords),
  };

  for (const part of split) output.event({ event: "split", ...part });
  output.event({ event: "lengths", maxLength, ...lengths });
  output.event({ event: "vocabulary", ...vocabulary });
  const fixed = (number: number) => shownCount(Math.round(number * 10) / 10);
  output.say(
    [
      "Large Movie Review Dataset (Maas et al. 2011): 25,000 reviews to learn from, 25,000 to test with.",
      "",
      table([
        ["split", "reviews", "negative", "positive"],
        ...split.map((part) => [part.part, ...[part.reviews, part.negative, part.positive].map(shownCount)]),
      ]),
      "",
      table([
        ["words of a training review", ""],
        ["  shortest", fixed(lengths.min)],
        ["  median", fixed(lengths.median)],
        ["  mean", fixed(lengths.mean)],
        ["  90 % have at most", fixed(lengths.percentile90)],
        ["  longest", fixed(lengths.max)],
        [`  longer than ${shownCount(maxLength)}`, shownPercent(lengths.cutShare)],
        ["  mean once cut", fixed(lengths.cutMean)],
      ]),
      "",
      table([
        ["vocabulary", ""],
        ["  distinct words", shownCount(vocabulary.distinct)],
        ["  ids kept (--max-words)", shownCount(maxWords)],
        ["  share of the words that they cover", shownPercent(vocabulary.known)],
      ]),
      `  most frequent: ${vocabulary.first.join(", ")}`,
    ].join("\n"),
  );
}
