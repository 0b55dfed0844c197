/** `info`: shows the data, its split, its tags, the lengths of sentences and the coverage of a vocabulary; or describes a model. */
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
import { summariseLengths, type TaggedSentence } from "@ostinato/datasets";
import { taggerVocabulary, tokenEncoder, unknownId } from "@ostinato/tagger";
import { type DataOptions, readAllParts } from "../data.ts";
import { loadTagger } from "../model.ts";

export interface InfoOptions extends DataOptions, ForeignOptions {
  readonly minCount: number;
  readonly model?: string;
}

const shownTags = 40;
const shownWords = 10;
/** Sentences beyond it are told. */
const long = 100;

const tokensOf = (sentences: readonly TaggedSentence[]) => sentences.map(({ tokens }) => tokens);
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

export async function info(options: InfoOptions, output: Output): Promise<void> {
  const { model, vocabulary } = options;
  if (model === undefined && vocabulary !== undefined) throw new UsageError("--vocabulary requires --model");
  await (model === undefined ? tellData(options, output) : tellModel(model, options, output));
}

/** A sentence of this length is shown in the summary. */
const time = 20;

/** Describes the model of `--model`: its layers, tags and vocabulary. */
async function tellModel(path: string, foreign: ForeignOptions, output: Output): Promise<void> {
  const model = await loadTagger(path, foreign);
  const { trained, own, settings, vocabulary, data, seed } = model;
  const words = vocabulary.values.word;
  output.event({
    event: "model",
    file: model.path,
    parameters: countParameters(trained),
    layers: summaryRows(trained, { time }),
    ...settings,
    words: words.length,
    ...(own ? { trainedOn: data.kind, seed } : {}),
  });
  const { tags } = settings;
  output.say(
    [
      summary(trained, { time }),
      "",
      model.path,
      `${tags.length} tags${settings.output === "crf" ? " of a CRF" : ""}: ${tags.slice(0, shownTags).map(shownLabel).join(" ")}${tags.length > shownTags ? " …" : ""}`,
      `${shownCount(words.length)} words, the first are ${words.slice(0, shownWords).map(shownLabel).join(", ")}.`,
      own
        ? `Trained on ${data.kind === "brown" ? "the Brown corpus" : "data of your own"} with the seed ${seed}.`
        : "It was made by another program.",
    ].join("\n"),
  );
}

async function tellData(options: InfoOptions, output: Output): Promise<void> {
  const { train, validation, test } = await readAllParts(options);
  const split = Object.entries({ train, validation, test }).map(([part, sentences]) => ({
    part,
    sentences: sentences.length,
    tokens: sum(sentences.map(({ tokens }) => tokens.length)),
  }));
  const counts = new Map<string, number>();
  for (const tag of train.flatMap(({ tags }) => tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  const tags = [...counts].sort(([, a], [, b]) => b - a).map(([tag, count]) => ({ tag, count }));
  const lengths = summariseLengths(
    train.map(({ tokens }) => tokens.length),
    long,
  );
  const vocabulary = taggerVocabulary(tokensOf(train), { minCount: { word: options.minCount } });
  const ids = tokenEncoder(vocabulary)(tokensOf(validation)).word.flat();
  const unknown = ids.filter((id) => id === unknownId).length;
  const words = {
    minCount: options.minCount,
    known: vocabulary.values.word.length,
    unknownShare: unknown / ids.length,
  };

  for (const part of split) output.event({ event: "split", ...part });
  output.event({ event: "tags", tags });
  output.event({ event: "lengths", ...lengths });
  output.event({ event: "vocabulary", ...words });
  const trained = sum(tags.map(({ count }) => count));
  const more = tags.length - shownTags;
  output.say(
    [
      options.data === undefined
        ? "Brown corpus (Francis and Kučera 1964), split by the hash of each sentence modulo 20: 0 to test with, 1 to validate, the rest to train."
        : options.data,
      "",
      table([
        ["split", "sentences", "tokens"],
        ...split.map((part) => [part.part, shownCount(part.sentences), shownCount(part.tokens)]),
      ]),
      "",
      table([
        ["tag", "tokens", "share"],
        ...tags
          .slice(0, shownTags)
          .map(({ tag, count }) => [shownLabel(tag), shownCount(count), shownPercent(count / trained)]),
      ]),
      ...(more > 0 ? [`  and ${shownCount(more)} more`] : []),
      "",
      table([
        ["tokens of a training sentence", ""],
        ["  shortest", shownCount(lengths.min)],
        ["  median", shownCount(lengths.median)],
        ["  mean", lengths.mean.toFixed(1)],
        ["  90 % have at most", shownCount(lengths.percentile90)],
        ["  longest", shownCount(lengths.max)],
      ]),
      "",
      table([
        ["words", ""],
        [`  that occur ${options.minCount} times or more in training`, shownCount(words.known)],
        ["  validation tokens whose word is unknown", shownPercent(words.unknownShare)],
      ]),
    ].join("\n"),
  );
}
