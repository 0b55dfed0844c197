/** Keras's legacy Tokenizer: expected values follow, step by step, from keras/src/legacy/preprocessing/text.py. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fitOnTexts,
  sequencesToTexts,
  TextOptionError,
  type TokenizerOptions,
  textsToSequences,
  tokenizer,
  vocabularyFromTokenizer,
} from "../src/index.ts";
import { encodeTexts } from "../src/vocabulary.ts";

const texts = ["The cat sat on the mat.", "The dog ate my homework in 1990!", "Don't panic -- it's the cat's 1990"];
const unseen = ["The cat ate the zebra", ""];
const fitted = (options?: TokenizerOptions) => fitOnTexts(tokenizer(options), texts);

describe("fitOnTexts", () => {
  test("indexes run from 1 by count, ties keep first-seen order", () => {
    const { wordIndex, wordCounts, wordDocs, indexWord, documentCount } = fitted();
    // "the" occurs 4 times, "1990" twice, every other word once; "cat's" is a word of its own.
    expect([...wordIndex]).toEqual(
      [
        "the",
        "1990",
        "cat",
        "sat",
        "on",
        "mat",
        "dog",
        "ate",
        "my",
        "homework",
        "in",
        "don't",
        "panic",
        "it's",
        "cat's",
      ].map((word, rank) => [word, rank + 1]),
    );
    expect([...wordCounts].slice(0, 3)).toEqual([
      ["the", 4],
      ["cat", 1],
      ["sat", 1],
    ]);
    expect(wordCounts.get("1990")).toBe(2);
    // In 3 texts, although twice in the first.
    expect(wordDocs.get("the")).toBe(3);
    expect(indexWord.get(2)).toBe("1990");
    expect(indexWord.has(0)).toBe(false);
    expect(documentCount).toBe(3);
  });

  test("numWords limits sequences, not the index", () => {
    expect(fitted({ numWords: 4 }).wordIndex.size).toBe(15);
  });

  test("oovToken takes index 1; one that is also a word ends up with that word's index, as a Python dict does", () => {
    expect([...fitted({ oovToken: "<OOV>" }).wordIndex].slice(0, 3)).toEqual([
      ["<OOV>", 1],
      ["the", 2],
      ["1990", 3],
    ]);
    const { wordIndex, indexWord } = fitted({ oovToken: "cat" });
    expect(wordIndex.get("cat")).toBe(4);
    expect(indexWord.get(1)).toBe(undefined);
  });

  test("counts add up over calls, and the first tokenizer stays as it was", () => {
    const first = fitOnTexts(tokenizer(), ["a b"]);
    const second = fitOnTexts(first, ["b c", "c b"]);
    expect([...first.wordCounts]).toEqual([
      ["a", 1],
      ["b", 1],
    ]);
    expect([...second.wordCounts]).toEqual([
      ["a", 1],
      ["b", 3],
      ["c", 2],
    ]);
    expect([...second.wordDocs]).toEqual([
      ["a", 1],
      ["b", 3],
      ["c", 2],
    ]);
    expect([...second.wordIndex.keys()]).toEqual(["b", "c", "a"]);
    expect(second.documentCount).toBe(3);
  });

  test("charLevel counts every character, filters do not apply", () => {
    const { wordIndex } = fitted({ charLevel: true });
    // 18 spaces, 13 t, 10 e; the full stop and the exclamation mark are characters like any other.
    expect([...wordIndex.keys()].slice(0, 3)).toEqual([" ", "t", "e"]);
    expect(wordIndex.has("!") && wordIndex.has(".")).toBe(true);
    expect([...fitOnTexts(tokenizer({ charLevel: true }), ["a😀😀"]).wordIndex]).toEqual([
      ["😀", 1],
      ["a", 2],
    ]);
  });

  test("a list of words is taken as it stands, but for lower case", () => {
    const { wordIndex } = fitOnTexts(tokenizer(), [
      ["New York", "is", "BIG!"],
      ["", "is"],
    ]);
    expect([...wordIndex.keys()]).toEqual(["is", "new york", "big!", ""]);
  });

  test("words that are names of Object's own things", () => {
    const words = ["constructor", "__proto__", "toString", "hasOwnProperty"];
    const { wordIndex } = fitOnTexts(tokenizer({ filters: "", lower: false }), [words.join(" ")]);
    expect([...wordIndex]).toEqual(words.map((word, rank) => [word, rank + 1]));
  });
});

describe("textsToSequences", () => {
  test("words past numWords and unknown words are dropped, or become oovToken", () => {
    expect(textsToSequences(fitted(), unseen)).toEqual([[1, 3, 8, 1], []]);
    // Only indexes below numWords stay: 1 (the), 2 (1990), 3 (cat).
    expect(textsToSequences(fitted({ numWords: 4 }), unseen)).toEqual([[1, 3, 1], []]);
    // With the token, 1 is <OOV>, 2 is "the" and 3 is "1990"; "cat" has 4.
    expect(textsToSequences(fitted({ numWords: 4, oovToken: "<OOV>" }), unseen)).toEqual([[2, 1, 1, 2, 1], []]);
    // The token's index is that of the word "cat".
    expect(textsToSequences(fitted({ oovToken: "cat" }), unseen)).toEqual([[2, 4, 9, 2, 4], []]);
  });

  test("before any text is counted every word is unknown", () => {
    expect(textsToSequences(tokenizer(), ["a b"])).toEqual([[]]);
    expect(textsToSequences(tokenizer({ oovToken: "?" }), ["a b"])).toEqual([[1, 1]]);
  });

  test("refuses one text where a list belongs, and what is no text", () => {
    expect(() => textsToSequences(fitted(), "the cat")).toThrow('texts must be a list of texts, got "the cat"');
    // @ts-expect-error: numbers are not texts
    expect(() => fitOnTexts(tokenizer(), [7])).toThrow(TextOptionError);
  });
});

describe("sequencesToTexts", () => {
  test("indexes without a word are left out, or become oovToken", () => {
    const sequences = [[1, 2, 3, 4, 99, 0], []];
    expect(sequencesToTexts(fitted(), sequences)).toEqual(["the 1990 cat sat", ""]);
    expect(sequencesToTexts(fitted({ numWords: 4 }), sequences)).toEqual(["the 1990 cat", ""]);
    expect(sequencesToTexts(fitted({ numWords: 4, oovToken: "<OOV>" }), sequences)).toEqual([
      "<OOV> the 1990 <OOV> <OOV> <OOV>",
      "",
    ]);
  });

  test("gives back the words of any text that was counted", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.stringMatching(/^[a-z']{1,6}$/))), (rows) => {
        const texts = rows.map((words) => words.join(" "));
        const all = fitOnTexts(tokenizer(), texts);
        expect(sequencesToTexts(all, textsToSequences(all, texts))).toEqual(texts);
      }),
    );
  });
});

test("the vocabulary of a tokenizer encodes as the tokenizer does", () => {
  const word = fc.constantFrom("a", "b", "c", "d", "e");
  const corpus = fc.array(fc.array(word).map((words) => words.join(" ")));
  const numWords = fc.option(fc.integer({ min: 1, max: 8 }));
  const oovToken = fc.option(fc.constant("<oov>"));
  fc.assert(
    fc.property(corpus, corpus, numWords, oovToken, (seen, others, numWords, oovToken) => {
      const fitted = fitOnTexts(tokenizer({ numWords, oovToken }), seen);
      expect(encodeTexts(vocabularyFromTokenizer(fitted), others)).toEqual(textsToSequences(fitted, others));
    }),
  );
});

test("a tokenizer that is no vocabulary is refused", () => {
  expect(() => vocabularyFromTokenizer(fitted({ charLevel: true }))).toThrow(/charLevel must be false/);
  expect(() => vocabularyFromTokenizer(fitted({ oovToken: "cat" }))).toThrow(/oovToken must not be a word/);
});

test("options that cannot work", () => {
  expect(() => tokenizer({ numWords: 0 })).toThrow(
    "numWords must be a whole number of at least 1, or null for all words, got 0",
  );
  expect(() => tokenizer({ numWords: 2.5 })).toThrow(TextOptionError);
  expect(() => tokenizer({ split: "" })).toThrow(TextOptionError);
});
