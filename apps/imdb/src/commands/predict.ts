/** `predict`: what the model makes of reviews from the arguments, or from standard input as they come. */
import { decodeLabels } from "@ostinato/text";
import type { RuntimeName } from "../backends.ts";
import { FailureError, UsageError } from "../failures.ts";
import { excerpt, table } from "../format.ts";
import { LineTooLongError, lineBatches } from "../lines.ts";
import { labelsOf, loadSentiment, openScorer, probabilitiesOf, type Scorer, type Sentiment } from "../model.ts";
import type { Output } from "../output.ts";
import { encodeReviews } from "../presets.ts";

export interface PredictOptions {
  readonly model: string;
  readonly backend: RuntimeName;
}

/** Where reviews come from when there are none among the arguments. */
export type Input = AsyncIterable<Uint8Array> & { readonly isTTY?: boolean };

const batchSize = 32;
const longestLine = 64 * 2 ** 20;
const shownLength = 60;
const longestLabel = 24;

export async function predict(
  texts: readonly string[],
  { model, backend }: PredictOptions,
  output: Output,
  input: Input,
): Promise<void> {
  const sentiment = await loadSentiment(model);
  if (sentiment.data.kind === "imdbIds") {
    throw new UsageError(
      `the model in ${model} was trained on the ids of imdb.npz and knows no words; put imdb_word_index.json beside imdb.npz and train again`,
    );
  }
  await using scorer = await openScorer(sentiment.trained, backend);
  if (texts.length > 0) {
    await answer(texts, sentiment, scorer, output); // before the scorer is disposed of
    return;
  }

  if (input.isTTY) output.note("One review a line; Ctrl-D ends.");
  let seen = 0;
  try {
    for await (const lines of lineBatches(input, longestLine)) {
      for (const { number } of lines.filter((line) => !line.valid)) {
        output.note(`imdb: line ${number} is not valid UTF-8; its broken bytes are read as U+FFFD`);
      }
      seen += lines.length;
      await answer(
        lines.map((line) => line.text),
        sentiment,
        scorer,
        output,
      );
      if (output.closed) return;
    }
  } catch (error) {
    if (error instanceof LineTooLongError) throw new FailureError(error.message, { cause: error });
    throw error;
  }
  if (seen === 0) output.note("imdb: no reviews on standard input");
}

async function answer(texts: readonly string[], sentiment: Sentiment, scorer: Scorer, output: Output): Promise<void> {
  const { preset, vocabulary, maxLength, labelEncoder } = sentiment;
  const { classes } = labelEncoder;
  const width = Math.max(...classes.map((name) => Math.min(name.length, longestLabel)));
  for (let from = 0; from < texts.length && !output.closed; from += batchSize) {
    const batch = texts.slice(from, from + batchSize);
    const scores = await probabilitiesOf(scorer, encodeReviews(preset, vocabulary, batch, maxLength));
    const ids = labelsOf(scores, classes.length);
    const labels = decodeLabels(labelEncoder, ids);
    for (const [row, text] of batch.entries()) {
      const label = labels[row] ?? "";
      const place = classes.length === 2 ? row : row * classes.length + (ids[row] ?? 0);
      const probability = scores[place] ?? Number.NaN;
      output.event({ text, probability, label });
      const shown = excerpt(label, longestLabel).padEnd(width);
      output.say(table([[shown, probability.toFixed(4), excerpt(text, shownLength)]]));
    }
    await output.drained();
  }
}
