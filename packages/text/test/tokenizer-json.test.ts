/** Saved tokenizers: Keras's files are read, ours come back whole, anything else is refused. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fitOnTexts,
  TextDataError,
  textsToSequences,
  tokenizer,
  tokenizerFromJson,
  tokenizerToJson,
} from "../src/index.ts";

const texts = ["the café the 10", '10 2 ☕ "q"'];
const fitted = fitOnTexts(tokenizer({ numWords: 4, oovToken: "<OOV>" }), texts);

// What json.dumps makes of these texts in Keras's to_json: escapes inside JSON inside JSON, keys in insertion order.
const keras = String.raw`{"class_name": "Tokenizer", "config": {"num_words": 4, "filters": "!\"#$%&()*+,-./:;<=>?@[\\]^_${"`"}{|}~\t\n", "lower": true, "split": " ", "char_level": false, "oov_token": "<OOV>", "document_count": 2, "word_counts": "{\"the\": 2, \"caf\\u00e9\": 1, \"10\": 2, \"2\": 1, \"\\u2615\": 1, \"q\": 1}", "word_docs": "{\"10\": 2, \"caf\\u00e9\": 1, \"the\": 1, \"2\": 1, \"q\": 1, \"\\u2615\": 1}", "index_docs": "{\"3\": 2, \"4\": 1, \"2\": 1, \"5\": 1, \"7\": 1, \"6\": 1}", "index_word": "{\"1\": \"<OOV>\", \"2\": \"the\", \"3\": \"10\", \"4\": \"caf\\u00e9\", \"5\": \"2\", \"6\": \"\\u2615\", \"7\": \"q\"}", "word_index": "{\"<OOV>\": 1, \"the\": 2, \"10\": 3, \"caf\\u00e9\": 4, \"2\": 5, \"\\u2615\": 6, \"q\": 7}"}}`;

describe("tokenizerFromJson", () => {
  test("reads a file of Keras's, words that look like numbers in their place", () => {
    expect(tokenizerFromJson(`\ufeff${keras}`)).toEqual(tokenizerFromJson(keras));
    const read = tokenizerFromJson(keras);
    expect(read).toEqual(fitted);
    expect([...read.wordCounts.keys()]).toEqual([...fitted.wordCounts.keys()]);
    expect(textsToSequences(read, ["the 10 café"])).toEqual([[2, 3, 1]]);
    // A tie with a word that came first must still be won by it.
    expect(fitOnTexts(read, ["q"]).wordIndex).toEqual(fitOnTexts(fitted, ["q"]).wordIndex);
  });

  test("ours hold the same data as Keras's", () => {
    const inside = (json: string) => {
      const { class_name, config } = JSON.parse(json);
      const parsed = ["word_counts", "word_docs", "index_docs", "index_word", "word_index"].map((name) => [
        name,
        JSON.parse(config[name]),
      ]);
      return { class_name, config: { ...config, ...Object.fromEntries(parsed) } };
    };
    expect(inside(tokenizerToJson(fitted))).toEqual(inside(keras));
  });

  test("gives back any tokenizer, in order", () => {
    const word = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("__proto__", "10", "9", '"', "\\", "\ud800"));
    const options = fc.record({ lower: fc.boolean(), oovToken: fc.option(fc.constantFrom("<OOV>", "10")) });
    fc.assert(
      fc.property(fc.array(fc.array(word)), options, (texts, options) => {
        const original = fitOnTexts(tokenizer(options), texts);
        const read = tokenizerFromJson(tokenizerToJson(original));
        expect(read).toEqual(original);
        expect([...read.wordCounts]).toEqual([...original.wordCounts]);
      }),
    );
  });

  test("a tokenizer that Keras saved before it counted anything", () => {
    const empty = keras.replaceAll(
      /"(word_counts|word_docs|index_docs|index_word|word_index)": "(?:[^"\\]|\\.)*"/g,
      '"$1": "{}"',
    );
    expect(tokenizerFromJson(empty).wordIndex).toEqual(new Map([["<OOV>", 1]]));
  });

  test.each([
    ["{", "tokenizer is not JSON"],
    ["[]", "tokenizer must be an object"],
    ["{}", "tokenizer.config must be an object, got undefined"],
    [keras.replace('"lower": true', '"lower": 1'), "tokenizer.config.lower must be a boolean, got 1"],
    [keras.replace('"num_words": 4', '"num_words": -1'), "tokenizer.config.num_words must be a whole number"],
    [keras.replace('"split": " "', '"split": ""'), "tokenizer.config cannot work: split must be"],
    [keras.replace(String.raw`{\"the\": 2`, String.raw`{\"the\": 2.5`), 'word_counts["the"] must be a whole number'],
    [keras.replace(String.raw`{\"the\": 2`, String.raw`[\"the\", 2`), "tokenizer.config.word_counts is not JSON"],
    [keras.replace(/"word_counts": "(?:[^"\\]|\\.)*"/, '"word_counts": "[]"'), "word_counts must hold a JSON object"],
    [keras.replace(String.raw`\"2\": 5`, String.raw`\"3\": 5`), 'word_index has no index for "2"'],
    [keras.replace(String.raw`\"q\": 7`, String.raw`\"q\": 9`), 'word_index gives "q" the index 9, not 7'],
    [keras.replace(String.raw`{\"10\": 2,`, String.raw`{\"11\": 2,`), 'word_docs holds "11", word_counts does not'],
  ])("refuses %#", (json, message) => {
    expect(() => tokenizerFromJson(json)).toThrow(TextDataError);
    expect(() => tokenizerFromJson(json)).toThrow(message);
  });
});
