/** `predict`: what the model makes of reviews from the arguments, or from standard input as they come. */
import type { TextClassifier } from "@ostinato/classifier";
import { encodeText } from "@ostinato/text";
import type { RuntimeName } from "../backends.ts";
import { FailureError, UsageError } from "../failures.ts";
import { excerpt, shownLabel, table } from "../format.ts";
import { ForeignEncodingError, LineTooLongError, lineBatches } from "../lines.ts";
import { loadSentiment, openClassifier, type Sentiment } from "../model.ts";
import type { Output } from "../output.ts";
import { nounOf } from "../reviews.ts";

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
  if (sentiment.data.kind === "imdbIds") {
    throw new UsageError(
      `the model in ${model} was trained on the ids of imdb.npz and knows no words; put imdb_word_index.json beside imdb.npz and train again`,
    );
  }
  await using classifier = await openClassifier(sentiment.trained, backend);
  const noun = nounOf(sentiment.data);
  if (texts.length > 0) {
    const problems = texts.map((text) => nothingToJudge(sentiment, text));
    if (problems.every((problem) => problem !== undefined)) {
      throw new FailureError(`nothing to judge: ${[...new Set(problems)].join("; ")}`);
    }
    await answer(texts, (row) => `text ${row + 1}`, sentiment, classifier, output); // before the classifier is disposed of
    return;
  }

  if (input.isTTY) output.note(`One ${noun.slice(0, -1)} a line; Ctrl-D ends.`);
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
        classifier,
        output,
      );
      if (output.closed) return;
    }
  } catch (error) {
    if (error instanceof LineTooLongError || error instanceof ForeignEncodingError)
      throw new FailureError(error.message, { cause: error });
    throw error;
  }
  if (seen === 0) output.note(`imdb: no ${noun} on standard input`);
}

/** Why no text could be judged by its words; undefined where the model knows some of those that it reads. */
function nothingToJudge({ vocabulary, settings }: Sentiment, text: string): string | undefined {
  if (text.trim() === "") return "the text is empty";
  const ids = encodeText(vocabulary, text.replaceAll("\r", "\n")).slice(-settings.maxLength);
  return ids.some((id) => id >= vocabulary.reserved.length) ? undefined : "the model knows none of its words";
}

/** Answers each text in order; one without anything to judge has no label. `place` says where text `row` stands. */
async function answer(
  texts: readonly string[],
  place: (row: number) => string,
  sentiment: Sentiment,
  classifier: TextClassifier,
  output: Output,
): Promise<void> {
  const { labels } = classifier;
  const width = Math.max(...labels.map((name) => shownLabel(name).length));
  for (let from = 0; from < texts.length && !output.closed; from += batchSize) {
    const batch = texts.slice(from, from + batchSize);
    for (const [row, { label, probabilities }] of (await classifier.classify(batch)).entries()) {
      const text = batch[row] ?? "";
      const problem = nothingToJudge(sentiment, text);
      if (problem !== undefined) {
        output.event({ text, probability: null, label: null, problem });
        output.say(table([["-".padEnd(width), "   n/a", excerpt(text, shownLength)]]));
        output.note(`imdb: ${place(from + row)}: nothing to judge: ${problem}`);
        continue;
      }
      const probability = probabilities[(labels.length === 2 ? labels[1] : label) ?? ""] ?? Number.NaN;
      output.event({ text, probability, label, probabilities });
      const shown = shownLabel(label).padEnd(width);
      output.say(table([[shown, probability.toFixed(4), excerpt(text, shownLength)]]));
    }
    await output.drained();
  }
}
