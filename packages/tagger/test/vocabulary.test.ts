/** What is read of a token, and its ids. */
import { ConfigError, ModelFileError } from "@ostinato/core";
import {
  featureNames,
  taggerVocabulary,
  tokenEncoder,
  tokenize,
  unknownId,
  unknownWordId,
  wordVocabulary,
} from "@ostinato/tagger";
import { describe, expect, test } from "vitest";
import { features } from "../src/features.ts";
import { parseTaggerVocabulary } from "../src/vocabulary.ts";

const of = (token: string) => Object.fromEntries(featureNames.map((name) => [name, features[name].of(token)]));

test("the word, its first and last letters, and its shape", () => {
  expect(of("Don't")).toEqual({
    word: "don't",
    prefix1: "d",
    prefix2: "do",
    prefix3: "don",
    prefix4: "don'",
    suffix1: "t",
    suffix2: "'t",
    suffix3: "n't",
    suffix4: "on't",
    suffix5: "don't",
    shape: "Xx'x",
  });
  const at = of("at");
  expect([at.prefix3, at.suffix3, at.prefix4, at.suffix5]).toEqual(["at\u0001", "\u0001at", "at\u0001", "\u0001at"]);
});

test.each([
  ["1961", "0000", "0"],
  ["٣٤", "00", "0"],
  ["U.S.", "u.s.", "X.X."],
  ["1960’s", "0000's", "0'x"],
  ["``", '"', '"'],
  ["”", '"', '"'],
  ["日本", "日本", "x"],
  ["💩", "💩", "💩"],
  ["Ångström", "ångström", "Xx"],
  ["McX-ray", "mcx-ray", "XxX-x"],
])("%s: the word %s, the shape %s", (token, word, shape) => {
  expect(of(token)).toMatchObject({ word, shape });
});

test("letters are whole characters", () => {
  expect(of("a💩b")).toMatchObject({ prefix2: "a💩", suffix2: "💩b" });
});

describe("ids", () => {
  const vocabulary = taggerVocabulary([
    ["The", "cat", "sat"],
    ["the", "dog", "sat"],
    ["the", "sat"],
  ]);

  test("most frequent first, rare ones left out", () => {
    expect(vocabulary.values.word).toEqual(["the", "sat"]);
    expect(vocabulary.values.suffix2).toEqual(["at", "he"]);
    expect(taggerVocabulary([["a"]], { minCount: { word: 1 } }).values).toMatchObject({ word: ["a"], shape: [] });
  });

  test("of each sentence a row for each feature; 1 for what is unknown", () => {
    const ids = tokenEncoder(vocabulary)([["The", "dog"], ["sat"]]);
    expect(Object.keys(ids)).toEqual([...featureNames]);
    expect(ids.word).toEqual([[2, unknownId], [3]]);
    expect(ids.shape).toEqual([[1, 2], [2]]);
  });

  test("a vocabulary comes back from JSON; a damaged one is refused", () => {
    expect(parseTaggerVocabulary(JSON.parse(JSON.stringify(vocabulary)))).toEqual(vocabulary);
    const { values } = vocabulary;
    for (const damaged of [
      null,
      [],
      { version: 2, values },
      { version: 3, values },
      { version: 1, values: null },
      { version: 1, values: { ...values, word: "the" } },
      { version: 1, values: { ...values, word: ["the", "the"] } },
      { version: 1, values: { ...values, shape: [1] } },
    ]) {
      expect(() => parseTaggerVocabulary(damaged)).toThrow(ModelFileError);
    }
    expect(() => taggerVocabulary([], { minCount: { word: 0 } })).toThrow(ConfigError);
  });
});

describe("words alone", () => {
  const names = { reserved: ["<pad>", "[CLS]", "<unk>"], unknownId: 2 };

  test("each is looked up as it is, or made small", () => {
    const words = wordVocabulary({ ...names, lower: false, words: ["The", "the", "cat"] });
    expect(tokenEncoder(words)([["The", "the", "THE", "cat", "1961"], []])).toEqual({ word: [[3, 4, 2, 5, 2], []] });
    expect(tokenEncoder({ ...words, lower: true })([["The", "CAT"]])).toEqual({ word: [[4, 5]] });
    expect([unknownWordId(words), unknownWordId(vocabularyOf([["a"]]))]).toEqual([2, unknownId]);
  });

  test("a vocabulary comes back from JSON; a damaged one is refused", () => {
    const words = wordVocabulary({ ...names, lower: true, words: ["the", "cat"] });
    expect(parseTaggerVocabulary(JSON.parse(JSON.stringify(words)))).toEqual(words);
    for (const damage of [
      { lower: 1 },
      { reserved: [] },
      { reserved: "<pad>" },
      { unknownId: 3 },
      { unknownId: null },
      { values: null },
      { values: { word: ["the", "the"] } },
      { values: { word: [1] } },
    ])
      expect(() => parseTaggerVocabulary({ ...words, ...damage })).toThrow(ModelFileError);
    expect(() => wordVocabulary({ ...names, lower: true, words: ["the", "the"] })).toThrow(ConfigError);
    expect(() => wordVocabulary({ ...names, unknownId: 9, lower: true, words: [] })).toThrow(
      /an id of unknown words below 3/,
    );
  });
});

const vocabularyOf = (sentences: string[][]) => taggerVocabulary(sentences, { minCount: { word: 1 } });

test.each([
  ["The cat's here.", "The cat's here ."],
  [
    "Mr. Smith didn't see the U.S. president's 3.5% raise...",
    "Mr. Smith didn't see the U.S. president's 3.5 % raise ...",
  ],
  ['"Well," he said -- "no!"', '" Well , " he said -- " no ! "'],
  ["@you #fun https://x.org/a?b=1 and/or twenty-one", "@you #fun https://x.org/a?b=1 and/or twenty-one"],
  ["  \n", ""],
])("tokenize %j", (text, tokens) => expect(tokenize(text).join(" ")).toBe(tokens));
