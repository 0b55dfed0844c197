/** `predict`: what the model makes of reviews from the arguments, or from standard input as they come. */
import { decodeLabels } from "@ostinato/text";
import type { RuntimeName } from "../backends.ts";
import { FailureError } from "../failures.ts";
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

export async function predict(
  texts: readonly string[],
  { model, backend }: PredictOptions,
  output: Output,
  input: Input,
): Promise<void> {
  const sentiment = await loadSentiment(model);
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
  for (let from = 0; from < texts.length && !output.closed; from += batchSize) {
    const batch = texts.slice(from, from + batchSize);
    const probabilities = await probabilitiesOf(scorer, encodeReviews(preset, vocabulary, batch, maxLength));
    const labels = decodeLabels(labelEncoder, labelsOf(probabilities));
    for (const [row, text] of batch.entries()) {
      const [probability = Number.NaN, label = ""] = [probabilities[row], labels[row]];
      output.event({ text, probability, label });
      output.say(table([[label.padEnd(8), probability.toFixed(4), excerpt(text, shownLength)]]));
    }
    await output.drained();
  }
}
