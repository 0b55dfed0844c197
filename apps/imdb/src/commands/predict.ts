/** `predict`: what the model makes of reviews from the arguments, or from standard input as they come. */
import { decodeLabels, encodeText } from "@ostinato/text";
import type { RuntimeName } from "../backends.ts";
import { FailureError, UsageError } from "../failures.ts";
import { excerpt, table } from "../format.ts";
import { ForeignEncodingError, LineTooLongError, lineBatches } from "../lines.ts";
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
    const problems = texts.map((text) => nothingToJudge(sentiment, text));
    if (problems.every((problem) => problem !== undefined)) {
      throw new FailureError(`nothing to judge: ${[...new Set(problems)].join("; ")}`);
    }
    await answer(texts, (row) => `text ${row + 1}`, sentiment, scorer, output); // before the scorer is disposed of
    return;
  }

  if (input.isTTY) output.note("One review a line; Ctrl-D ends.");
  let seen = 0;
  let hint = " (if it is Latin-1, convert it: iconv -f WINDOWS-1252 -t UTF-8)";
  try {
    for await (const lines of lineBatches(input, longestLine)) {
      for (const { number } of lines.filter((line) => !line.valid)) {
        output.note(`imdb: line ${number} is not valid UTF-8; its broken bytes are read as U+FFFD${hint}`);
        hint = "";
      }
      seen += lines.length;
      await answer(
        lines.map((line) => line.text),
        (row) => `line ${lines[row]?.number}`,
        sentiment,
        scorer,
        output,
      );
      if (output.closed) return;
    }
  } catch (error) {
    if (error instanceof LineTooLongError || error instanceof ForeignEncodingError)
      throw new FailureError(error.message, { cause: error });
    throw error;
  }
  if (seen === 0) output.note("imdb: no reviews on standard input");
}

/** Why no text could be judged by its words; undefined where the model knows some of those that it reads. */
function nothingToJudge({ vocabulary, maxLength }: Sentiment, text: string): string | undefined {
  if (text.trim() === "") return "the text is empty";
  const ids = encodeText(vocabulary, withNewlines(text)).slice(-maxLength);
  return ids.some((id) => id >= vocabulary.reserved.length) ? undefined : "the model knows none of its words";
}

/** A carriage return is no space to the words of Keras, and would become part of one. */
function withNewlines(text: string): string {
  return text.replaceAll("\r", "\n");
}

/** Answers each text in order; one without anything to judge has no label. `place` says where text `row` stands. */
async function answer(
  texts: readonly string[],
  place: (row: number) => string,
  sentiment: Sentiment,
  scorer: Scorer,
  output: Output,
): Promise<void> {
  const { preset, vocabulary, maxLength, labelEncoder } = sentiment;
  const { classes } = labelEncoder;
  const width = Math.max(...classes.map((name) => Math.min(name.length, longestLabel)));
  for (let from = 0; from < texts.length && !output.closed; from += batchSize) {
    const batch = texts.slice(from, from + batchSize);
    const scores = await probabilitiesOf(scorer, encodeReviews(preset, vocabulary, batch.map(withNewlines), maxLength));
    const ids = labelsOf(scores, classes.length);
    const labels = decodeLabels(labelEncoder, ids);
    for (const [row, text] of batch.entries()) {
      const problem = nothingToJudge(sentiment, text);
      if (problem !== undefined) {
        output.event({ text, probability: null, label: null, problem });
        output.say(table([["-".padEnd(width), "   n/a", excerpt(text, shownLength)]]));
        output.note(`imdb: ${place(from + row)}: nothing to judge: ${problem}`);
        continue;
      }
      const label = labels[row] ?? "";
      const at = classes.length === 2 ? row : row * classes.length + (ids[row] ?? 0);
      const probability = scores[at] ?? Number.NaN;
      output.event({ text, probability, label });
      const shown = excerpt(label, longestLabel).padEnd(width);
      output.say(table([[shown, probability.toFixed(4), excerpt(text, shownLength)]]));
    }
    await output.drained();
  }
}
