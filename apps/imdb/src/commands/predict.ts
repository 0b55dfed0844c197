/** `predict`: what the model makes of reviews from the arguments, or from standard input as they come. */
import {
  answerLines,
  excerpt,
  FailureError,
  type ForeignOptions,
  type Input,
  type Output,
  type RuntimeName,
  shownLabel,
  table,
  UsageError,
} from "@ostinato/app";
import type { TextClassifier } from "@ostinato/classifier";
import { encodeText } from "@ostinato/text";
import { loadSentiment, openClassifier, type Sentiment } from "../model.ts";
import { nounOf } from "../reviews.ts";

export interface PredictOptions extends ForeignOptions {
  readonly model: string;
  readonly backend: RuntimeName;
}

const batchSize = 32;
const shownLength = 60;

export async function predict(
  texts: readonly string[],
  { model, backend, ...foreign }: PredictOptions,
  output: Output,
  input: Input,
): Promise<void> {
  const sentiment = await loadSentiment(model, foreign);
  if (sentiment.data.kind === "imdbIds") {
    throw new UsageError(
      `the model in ${model} was trained on the ids of imdb.npz and knows no words; put imdb_word_index.json beside imdb.npz and train again`,
    );
  }
  await using classifier = await openClassifier(sentiment, backend);
  const noun = nounOf(sentiment.data);
  if (texts.length > 0) {
    const problems = texts.map((text) => nothingToJudge(sentiment, text));
    if (problems.every((problem) => problem !== undefined)) {
      throw new FailureError(`nothing to judge: ${[...new Set(problems)].join("; ")}`);
    }
    await answer(texts, (row) => `text ${row + 1}`, sentiment, classifier, output); // before the classifier is disposed of
    return;
  }

  await answerLines(input, { noun: noun.slice(0, -1), nouns: noun }, output, (lines) =>
    answer(
      lines.map((line) => line.text),
      (row) => `line ${lines[row]?.number}`,
      sentiment,
      classifier,
      output,
    ),
  );
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
        output.warn(`${place(from + row)}: nothing to judge: ${problem}`);
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
