/** `info`: shows the data, its split, the lengths of reviews and the coverage of a vocabulary; or describes a model. */
import {
  type ForeignOptions,
  type Output,
  shownCount,
  shownLabel,
  shownPercent,
  table,
  UsageError,
} from "@ostinato/app";
import { countParameters, summary, summaryRows } from "@ostinato/core";
import { readImdb, summariseLengths } from "@ostinato/datasets";
import { encodeTexts, vocabularyFromTexts } from "@ostinato/text";
import { sizesOf } from "../inputs.ts";
import { loadSentiment, shownReading } from "../model.ts";
import type { TrainOptions } from "../options.ts";
import { readTrainingReviews } from "../reviews.ts";

export interface InfoOptions extends Pick<TrainOptions, "maxWords" | "maxLength" | "seed">, ForeignOptions {
  readonly model?: string;
}

const shownWords = 10;

export async function info(options: InfoOptions, output: Output): Promise<void> {
  const { model, vocabulary, externalData } = options;
  if (model === undefined && vocabulary !== undefined) throw new UsageError("--vocabulary requires --model");
  await (model === undefined ? tellData(options, output) : tellModel(model, { vocabulary, externalData }, output));
}

/** Describes the model of `--model`: its layers, labels and vocabulary, and its settings for texts. */
async function tellModel(path: string, foreign: ForeignOptions, output: Output): Promise<void> {
  const sentiment = await loadSentiment(path, foreign);
  const { trained, own, settings, vocabularies, data, seed } = sentiment;
  const { labels, maxLength } = settings;
  const sizes = sizesOf(vocabularies);
  const sizesOfSteps = { time: maxLength };
  output.event({
    event: "model",
    file: sentiment.path,
    parameters: countParameters(trained),
    layers: summaryRows(trained, sizesOfSteps),
    ...settings,
    ids: sizes,
    ...(own ? { trainedOn: data.kind, seed } : {}),
  });
  output.say(
    [
      summary(trained, sizesOfSteps),
      "",
      `${sentiment.path}`,
      `Labels: ${labels.map(shownLabel).join(", ")}`,
      shownReading(settings),
      ...Object.entries(vocabularies).map(
        ([name, { words }]) =>
          `Vocabulary of "${name}": ${shownCount(sizes[name] ?? 0)} ids, the first words are ${words.slice(0, shownWords).map(shownLabel).join(", ")}.`,
      ),
      own
        ? `Trained on ${data.kind === "imdb" ? "the IMDB reviews" : "data of your own"} with the seed ${seed}.`
        : "It was made by another program.",
    ].join("\n"),
  );
}

async function tellData({ maxWords, maxLength, seed }: InfoOptions, output: Output): Promise<void> {
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
