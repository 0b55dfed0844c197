/** Saved tokenizers in Keras's own format: what `Tokenizer.to_json` writes and `tokenizer_from_json` reads. */
import { shown, TextDataError } from "./errors.ts";
import { booleanField, field, jsonFrom, settingsAt, stringField, wholeNumber } from "./saved-data.ts";
import { indexed, type Tokenizer, type TokenizerSettings, tokenizer, tokenizerSettings } from "./tokenizer.ts";

/** The tokenizer as JSON text that Keras's `tokenizer_from_json` reads as well. */
export function tokenizerToJson(fitted: Tokenizer): string {
  const { options, documentCount, wordCounts, wordDocs, wordIndex, indexWord } = fitted;
  const indexDocs = Array.from(wordDocs, ([word, count]): [number, number] => [wordIndex.get(word)!, count]);
  return JSON.stringify({
    class_name: "Tokenizer",
    config: {
      num_words: options.numWords,
      filters: options.filters,
      lower: options.lower,
      split: options.split,
      char_level: options.charLevel,
      oov_token: options.oovToken,
      document_count: documentCount,
      word_counts: jsonObject(wordCounts),
      word_docs: jsonObject(wordDocs),
      index_docs: jsonObject(indexDocs),
      index_word: jsonObject(indexWord),
      word_index: jsonObject(wordIndex),
    },
  });
}

/** A tokenizer from `tokenizerToJson` or from Keras's `to_json`; throws `TextDataError` for anything else. */
export function tokenizerFromJson(json: string): Tokenizer {
  const config = field(jsonFrom(json, "tokenizer"), "tokenizer", "config");
  const path = "tokenizer.config";
  const options = settingsFrom(config, path);
  const documentCount = wholeNumber(field(config, path, "document_count"), `${path}.document_count`, 0);
  const counts = (name: string) => new Map(numberEntries(stringField(config, path, name), `${path}.${name}`));
  const wordCounts = counts("word_counts");
  const wordDocs = counts("word_docs");
  const saved = counts("word_index");
  // Keras gives its token for unknown words no index until texts are counted.
  if (saved.size === 0 && wordCounts.size === 0) return indexed({ ...tokenizer(options), documentCount });
  for (const word of wordDocs.keys()) {
    if (!wordCounts.has(word))
      throw new TextDataError(`${path}.word_docs`, `holds ${shown(word)}, word_counts does not`);
  }

  const wordIndex = new Map([...saved].sort(([, a], [, b]) => a - b));
  requireIndex(wordIndex, wordCounts, options.oovToken, `${path}.word_index`);
  return indexed({ options, documentCount, wordCounts, wordDocs, wordIndex });
}

/** Every word has an index, and the indexes run from 1 on without a gap. */
function requireIndex(
  wordIndex: ReadonlyMap<string, number>,
  wordCounts: ReadonlyMap<string, number>,
  oovToken: string | null,
  path: string,
): void {
  for (const word of oovToken === null ? wordCounts.keys() : [oovToken, ...wordCounts.keys()]) {
    if (!wordIndex.has(word)) throw new TextDataError(path, `has no index for ${shown(word)}`);
  }
  // An oovToken that is itself a word leaves index 1 free.
  let expected = oovToken !== null && wordCounts.has(oovToken) ? 2 : 1;
  for (const [word, index] of wordIndex) {
    if (index !== expected) throw new TextDataError(path, `gives ${shown(word)} the index ${index}, not ${expected}`);
    expected++;
  }
}

function settingsFrom(config: unknown, path: string): TokenizerSettings {
  const numWords = field(config, path, "num_words");
  const oovToken = field(config, path, "oov_token");
  return settingsAt(path, () =>
    tokenizerSettings({
      numWords: numWords === null ? null : wholeNumber(numWords, `${path}.num_words`, 1),
      filters: stringField(config, path, "filters"),
      lower: booleanField(config, path, "lower"),
      split: stringField(config, path, "split"),
      charLevel: booleanField(config, path, "char_level"),
      oovToken: oovToken === null ? null : stringField(config, path, "oov_token"),
    }),
  );
}

/** A JSON object written entry by entry: a JavaScript object would move words such as "1990" to the front. */
function jsonObject(entries: Iterable<readonly [string | number, number | string]>): string {
  const fields = Array.from(entries, ([key, value]) => `${JSON.stringify(String(key))}: ${JSON.stringify(value)}`);
  return `{${fields.join(", ")}}`;
}

/** The entries of a JSON object of whole numbers, in the order they are written. */
function numberEntries(json: string, path: string): [word: string, value: number][] {
  const object = jsonFrom(json, path);
  const isObject = typeof object === "object" && object !== null && !Array.isArray(object);
  if (!isObject) throw new TextDataError(path, `must hold a JSON object, got ${shown(object)}`);
  for (const [word, value] of Object.entries(object)) wholeNumber(value, `${path}[${shown(word)}]`, 1);

  // Well-formed from here on: a key, a colon, digits, and so on.
  const entries: [string, number][] = [];
  for (let start = json.indexOf('"'); start !== -1; start = json.indexOf('"', start)) {
    let end = start + 1;
    while (json[end] !== '"') end += json[end] === "\\" ? 2 : 1;
    const key: string = JSON.parse(json.slice(start, end + 1));
    start = end + 1;
    while (json[start] !== "," && json[start] !== "}") start++;
    entries.push([key, Number(json.slice(json.indexOf(":", end) + 1, start))]);
  }
  return entries;
}
