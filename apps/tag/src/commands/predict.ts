/** `predict`: the tags of sentences from the arguments, or from standard input as they come. */
import {
  answerLines,
  excerpt,
  FailureError,
  type ForeignOptions,
  type Input,
  type Output,
  type RuntimeName,
} from "@ostinato/app";
import { type Tagger, type Tagging, tokenize } from "@ostinato/tagger";
import { areSpanTags, tagSpans } from "@ostinato/text";
import { loadTagger, openTagger } from "../model.ts";
import type { Split } from "../options.ts";

export interface PredictOptions extends ForeignOptions {
  readonly model: string;
  readonly backend: RuntimeName;
  readonly split: Split;
}

const batchSize = 32;
const lineWidth = 100;
const longestToken = 40;
const empty = "the sentence is empty";

const splitters: Readonly<Record<Split, (text: string) => string[]>> = {
  words: tokenize,
  whitespace: (text) => text.split(/\s+/).filter((token) => token !== ""),
};

export async function predict(
  texts: readonly string[],
  { model, backend, split, ...foreign }: PredictOptions,
  output: Output,
  input: Input,
): Promise<void> {
  await using tagger = await openTagger(await loadTagger(model, foreign), backend);
  const tokensOf = splitters[split];
  if (texts.length > 0) {
    if (texts.every((text) => tokensOf(text).length === 0)) throw new FailureError(`nothing to tag: ${empty}`);
    await answer(texts, (row) => `sentence ${row + 1}`, tokensOf, tagger, output); // before the tagger is disposed of
    return;
  }
  await answerLines(input, { noun: "sentence", nouns: "sentences" }, output, (lines) =>
    answer(
      lines.map((line) => line.text),
      (row) => `line ${lines[row]?.number}`,
      tokensOf,
      tagger,
      output,
    ),
  );
}

/** Answers each text in order; an empty one has no tags. `place` says where text `row` stands. */
async function answer(
  texts: readonly string[],
  place: (row: number) => string,
  tokensOf: (text: string) => string[],
  tagger: Tagger,
  output: Output,
): Promise<void> {
  const spans = areSpanTags(tagger.tags);
  for (let from = 0; from < texts.length && !output.closed; from += batchSize) {
    const batch = texts.slice(from, from + batchSize);
    const sentences = batch.map(tokensOf);
    const taggings = await tagger.tag(sentences.filter((tokens) => tokens.length > 0));
    let next = 0;
    for (const [row, text] of batch.entries()) {
      if (sentences[row]?.length === 0) {
        output.event({ text, tokens: [], tags: null, problem: empty });
        output.say("-");
        output.warn(`${place(from + row)}: nothing to tag: ${empty}`);
        continue;
      }
      const tagging = taggings[next++] as Tagging;
      output.event({ text, ...tagging, ...(spans ? { spans: spansIn(tagging) } : {}) });
      output.say(shown(tagging));
    }
    await output.drained();
  }
}

function spansIn({ tokens, tags }: Tagging) {
  return tagSpans(tags).map((span) => ({ ...span, text: tokens.slice(span.start, span.end).join(" ") }));
}

/** Tokens with their tags below, in lines of a terminal's width. */
function shown({ tokens, tags }: Tagging): string {
  const cells = tokens.map((token, i) => {
    const [above, below] = [excerpt(token, longestToken) || "?", excerpt(tags[i] ?? "", longestToken)];
    const width = Math.max([...above].length, [...below].length);
    const padded = (text: string) => text + " ".repeat(width - [...text].length);
    return { width, above: padded(above), below: padded(below) };
  });
  const lines: string[] = [];
  for (let from = 0; from < cells.length; ) {
    let to = from;
    for (let width = 0; to < cells.length; to++) {
      width += (cells[to]?.width ?? 0) + 2;
      if (width > lineWidth && to > from) break;
    }
    const part = cells.slice(from, to);
    lines.push(
      part
        .map(({ above }) => above)
        .join("  ")
        .trimEnd(),
      part
        .map(({ below }) => below)
        .join("  ")
        .trimEnd(),
    );
    from = to;
  }
  return `${lines.join("\n")}\n`;
}
