/** Vocabularies: the ids of the three ways to treat unknown words, text of every kind, data of every origin. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  adapt,
  decodeIds,
  encodeText,
  encodeTexts,
  fitOnTexts,
  idWord,
  padSequences,
  parseVocabulary,
  TextDataError,
  TextOptionError,
  textsToSequences,
  textToWordSequence,
  textVectorization,
  tokenizer,
  UnknownIdError,
  type UnknownWords,
  type Vocabulary,
  vectorizeTexts,
  vocabularyFromTexts,
  vocabularySize,
  wordId,
} from "../src/index.ts";

const texts = ["The cat sat on the mat.", "The cat ran!", "a CAT"];
const throughJson = (vocabulary: Vocabulary) => parseVocabulary(JSON.parse(JSON.stringify(vocabulary)));

describe("vocabularyFromTexts", () => {
  // "the" and "cat" occur 3 times, the others once; ties keep first-seen order.
  test("own id: 0 is padding only, 1 is unknown, words from 2", () => {
    const vocabulary = vocabularyFromTexts(texts, { maxTokens: 5 });
    expect(vocabulary.words).toEqual(["the", "cat", "sat"]);
    expect(vocabularySize(vocabulary)).toBe(5);
    expect(encodeText(vocabulary, "The dog sat, the cat ran")).toEqual([2, 1, 4, 2, 3, 1]);
    expect(decodeIds(vocabulary, [0, 2, 1, 4, 0, 0])).toBe("the [UNK] sat");
  });

  test("padding: unknown words become 0 in place, and what is left is padded in front", () => {
    const vocabulary = vocabularyFromTexts(texts, { maxTokens: 4, unknown: "padding" });
    expect(vocabulary.words).toEqual(["the", "cat", "sat"]);
    const ids = encodeTexts(vocabulary, ["The dog sat", "cat"]);
    expect(ids).toEqual([[1, 0, 3], [2]]);
    expect(padSequences(ids, { maxLength: 4 }).data).toEqual(Int32Array.of(0, 1, 0, 3, 0, 0, 0, 2));
    expect(decodeIds(vocabulary, [0, 1, 0, 3])).toBe("the sat");
  });

  test("drop: unknown words leave no trace", () => {
    const vocabulary = vocabularyFromTexts(texts, { maxTokens: 4, unknown: "drop" });
    expect(encodeText(vocabulary, "The dog sat")).toEqual([1, 3]);
    expect(wordId(vocabulary, "dog")).toBe(null);
  });

  test("minCount: words that occur seldom have no id", () => {
    expect(vocabularyFromTexts(texts, { minCount: 2 }).words).toEqual(["the", "cat"]);
    expect(vocabularyFromTexts(texts, { minCount: 4 }).words).toEqual([]);
  });

  test("fewer words than maxTokens, and no words at all", () => {
    expect(vocabularySize(vocabularyFromTexts(texts, { maxTokens: 5000 }))).toBe(9);
    expect(encodeText(vocabularyFromTexts([]), "a b")).toEqual([1, 1]);
  });

  test("a vocabulary is frozen, so that its ids cannot drift from what was trained", () => {
    const vocabulary = vocabularyFromTexts(texts);
    expect([vocabulary, vocabulary.words, vocabulary.reserved, vocabulary.standardization].every(Object.isFrozen)).toBe(
      true,
    );
  });

  test("options that cannot work", () => {
    expect(() => vocabularyFromTexts(texts, { maxTokens: 2 })).toThrow(
      "maxTokens must be a whole number above 2 (the reserved ids), got 2",
    );
    expect(() => vocabularyFromTexts(texts, { maxTokens: 10.5 })).toThrow(TextOptionError);
    for (const ngram of [0, 1.5, 65])
      expect(() => vocabularyFromTexts(texts, { ngram })).toThrow(
        `ngram must be a whole number from 1 to 64, got ${ngram}`,
      );
    expect(() => vocabularyFromTexts(texts, { ngram: 2, unknown: "drop" })).toThrow(
      'unknown must be "own-id" or "padding" with ngram: each word keeps its place, got "drop"',
    );
    expect(() => vocabularyFromTexts(texts, { minCount: 0 })).toThrow(
      "minCount must be a whole number of at least 1, got 0",
    );
    expect(() => vocabularyFromTexts("one text")).toThrow("texts must be a list of texts");
    // @ts-expect-error: not a way to treat unknown words
    expect(() => vocabularyFromTexts(texts, { unknown: "toString" })).toThrow(
      'unknown must be one of "own-id", "padding", "drop", got "toString"',
    );
    // @ts-expect-error: not a text
    expect(() => encodeText(vocabularyFromTexts(texts), 7)).toThrow("text must be a string, got 7");
  });

  test("what is no text among many is told by its place", () => {
    const odd = ["one", "two", 7] as string[];
    const vocabulary = vocabularyFromTexts(texts);
    const fitted = fitOnTexts(tokenizer(), texts);
    const layer = adapt(textVectorization(), texts);
    for (const act of [
      () => vocabularyFromTexts(odd),
      () => encodeTexts(vocabulary, odd),
      () => adapt(textVectorization(), odd),
      () => vectorizeTexts(layer, odd),
    ])
      expect(act).toThrow("texts[2] must be a string, got 7");
    const words = [["one"], "two", ["three", null]] as unknown as string[];
    for (const act of [() => fitOnTexts(tokenizer(), odd), () => textsToSequences(fitted, odd)])
      expect(act).toThrow("texts[2] must be a string or a list of words, got 7");
    expect(() => textsToSequences(fitted, words)).toThrow(
      "texts[2] must be a string or a list of words, got an array of 2",
    );
  });
});

describe("n-grams of words", () => {
  test("each word has the id of the n-gram that ends with it", () => {
    const bigrams = vocabularyFromTexts(texts, { ngram: 2 });
    // "the" begins two of the texts; within them no word stands alone.
    expect(bigrams.words).toEqual([
      "the",
      "the cat",
      "cat sat",
      "sat on",
      "on the",
      "the mat",
      "cat ran",
      "a",
      "a cat",
    ]);
    expect(encodeText(bigrams, "The cat sat on a mat!")).toEqual([2, 3, 4, 5, 1, 1]);
    expect(wordId(bigrams, "on the")).toBe(6);
    expect(decodeIds(bigrams, [2, 3, 4])).toBe("the the cat cat sat");
    const trigrams = vocabularyFromTexts(texts, { ngram: 3, minCount: 2 });
    expect(trigrams.words).toEqual(["the", "the cat"]);
    expect(encodeText(trigrams, "the cat sat")).toEqual([2, 3, 1]);
  });

  test("they are the words of a window over the text, whatever is around them", () => {
    const text = fc.array(fc.constantFrom("a", "B", "cc", "!", ",", "d-e")).map((words) => words.join(" "));
    fc.assert(
      fc.property(fc.array(text), text, fc.integer({ min: 2, max: 5 }), (texts, other, ngram) => {
        const vocabulary = throughJson(vocabularyFromTexts(texts, { ngram }));
        const words = textToWordSequence(other);
        const grams = words.map((_, end) => words.slice(Math.max(0, end + 1 - ngram), end + 1).join(" "));
        expect(encodeText(vocabulary, other)).toEqual(grams.map((gram) => wordId(vocabulary, gram)));
        const known = new Set(
          texts.flatMap((text) => encodeText(vocabulary, text).map((id) => idWord(vocabulary, id))),
        );
        expect(known).toEqual(new Set(vocabulary.words));
      }),
    );
  });
});

describe("ids and words", () => {
  const word = fc.oneof(
    fc.stringMatching(/^[a-z']{1,4}$/),
    fc.constantFrom("__proto__", "constructor", "hasownproperty", "10", "😀", "naïve", "\ud83d"),
  );
  const text = fc.array(word).map((words) => words.join(" "));
  const unknown = fc.constantFrom<UnknownWords>("own-id", "padding", "drop");

  test("every word comes back as it went in, also after a way through JSON", () => {
    fc.assert(
      fc.property(fc.array(text), unknown, (texts, unknown) => {
        // No filters: "__proto__" stays one word.
        const vocabulary = throughJson(vocabularyFromTexts(texts, { unknown, filters: "" }));
        for (const text of texts) {
          expect(decodeIds(vocabulary, encodeText(vocabulary, text))).toBe(text);
        }
        for (const [index, word] of vocabulary.words.entries()) {
          expect(wordId(vocabulary, word)).toBe(vocabulary.reserved.length + index);
          expect(idWord(vocabulary, vocabulary.reserved.length + index)).toBe(word);
        }
      }),
    );
  });

  test("ids stay below maxTokens, one for each word of the text", () => {
    fc.assert(
      fc.property(
        fc.array(text),
        fc.string({ unit: "binary" }),
        fc.integer({ min: 3, max: 9 }),
        (texts, other, maxTokens) => {
          const ids = encodeText(vocabularyFromTexts(texts, { maxTokens }), other);
          expect(ids).toHaveLength(textToWordSequence(other).length);
          expect(ids.every((id) => id >= 1 && id < maxTokens)).toBe(true);
        },
      ),
    );
  });

  test("an id beyond the last word is refused", () => {
    const vocabulary = vocabularyFromTexts(texts, { maxTokens: 5 });
    expect(() => decodeIds(vocabulary, [2, 5])).toThrow(UnknownIdError);
    expect(() => idWord(vocabulary, -1)).toThrow("vocabulary: id -1 is outside 0 to 4");
    expect(() => idWord(vocabulary, 2.5)).toThrow(UnknownIdError);
  });
});

describe("text of every kind", () => {
  const vocabulary = vocabularyFromTexts(["good 😀 film"]);

  test("empty, only unknown, emoji, broken", () => {
    expect(encodeText(vocabulary, "")).toEqual([]);
    expect(encodeText(vocabulary, "zzz qqq")).toEqual([1, 1]);
    expect(encodeText(vocabulary, "GOOD 😀 \ud83d \u0000")).toEqual([2, 3, 1, 1]);
  });

  test("a megabyte of words, of one word, of nothing but filters", () => {
    expect(encodeText(vocabulary, "good ".repeat(200_000))).toHaveLength(200_000);
    expect(encodeText(vocabulary, "x".repeat(1_000_000))).toEqual([1]);
    expect(encodeText(vocabulary, "!".repeat(1_000_000))).toEqual([]);
    expect(vocabularyFromTexts(["x".repeat(1_000_000)]).words).toEqual(["x".repeat(1_000_000)]);
  });
});

describe("parseVocabulary", () => {
  const valid = {
    version: 1,
    standardization: { lower: true, filters: "", split: " " },
    reserved: ["", "[UNK]"],
    unknownId: 1,
    words: ["a", "b"],
  };

  test("takes valid data, and leaves out what it does not know", () => {
    expect(parseVocabulary({ ...valid, extra: 1 })).toEqual(valid);
    expect(parseVocabulary({ ...valid, reserved: ["", "[UNK]", "[START]"] }).reserved).toHaveLength(3);
  });

  test.each([
    [undefined, "vocabulary must be an object, got undefined"],
    [[], "vocabulary must be an object, got an array of 0"],
    [{}, "vocabulary.version must be 1, 2 or 3, got undefined"],
    [{ ...valid, version: 4 }, "vocabulary.version must be 1, 2 or 3, got 4"],
    [Object.create(valid), "vocabulary.version must be 1, 2 or 3, got undefined"],
    [{ ...valid, words: "ab" }, 'vocabulary.words must be an array, got "ab"'],
    [{ ...valid, words: ["a", 7] }, "vocabulary.words[1] must be a string, got 7"],
    [{ ...valid, words: ["a", ""] }, "vocabulary.words[1] must not be empty"],
    [{ ...valid, words: ["a", "b", "a"] }, 'vocabulary.words[2] repeats vocabulary.words[0]: "a"'],
    [{ ...valid, reserved: [] }, "vocabulary.reserved must hold at least id 0"],
    [{ ...valid, unknownId: 2 }, "vocabulary.unknownId must be one of the 2 reserved ids, got 2"],
    [{ ...valid, unknownId: -1 }, "vocabulary.unknownId must be a whole number of at least 0, got -1"],
    [{ ...valid, unknownId: undefined }, "vocabulary.unknownId must be a whole number"],
    [
      { ...valid, version: 3 },
      "vocabulary.ngram cannot work: ngram must be a whole number from 1 to 64, got undefined",
    ],
    [
      { ...valid, version: 3, ngram: 1 },
      "vocabulary.ngram cannot work: ngram must be a whole number from 1 to 64, got 1",
    ],
    [{ ...valid, version: 3, ngram: 2, unknownId: null }, "vocabulary.unknownId must be a reserved id"],
    [{ ...valid, standardization: null }, "vocabulary.standardization must be an object, got null"],
    [{ ...valid, standardization: { lower: true, filters: "" } }, "vocabulary.standardization.split must be a string"],
    [{ ...valid, standardization: { lower: true, filters: "", split: "" } }, "vocabulary.standardization cannot work"],
  ])("refuses %#", (data, message) => {
    expect(() => parseVocabulary(data)).toThrow(TextDataError);
    expect(() => parseVocabulary(data)).toThrow(message);
  });

  test("never throws anything but TextDataError", () => {
    const part = fc.oneof(fc.anything(), fc.constantFrom(...Object.values(valid)));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.record({
            version: fc.constantFrom(1, 2, 3),
            ngram: part,
            standardization: part,
            reserved: part,
            unknownId: part,
            words: part,
          }),
        ),
        (data) => {
          try {
            parseVocabulary(data);
          } catch (error) {
            expect(error).toBeInstanceOf(TextDataError);
          }
        },
      ),
    );
  });
});

test("an option that there is not is refused by every function, with those that there are", () => {
  const odd = (option: string) => ({ [option]: 3 }) as never;
  const acts: [act: () => unknown, message: string][] = [
    [
      () => padSequences([[1]], odd("maxlen")),
      "maxlen must be left out: padSequences takes maxLength, padding, truncating, value, dtype, got 3",
    ],
    [
      () => vocabularyFromTexts(texts, odd("numWords")),
      "numWords must be left out: vocabularyFromTexts takes maxTokens, unknown, ngram, minCount, lower",
    ],
    [() => tokenizer(odd("num_words")), "num_words must be left out: tokenizer takes numWords, lower"],
    [() => textVectorization(odd("max_tokens")), "max_tokens must be left out: textVectorization takes maxTokens"],
    [() => textToWordSequence("a", odd("lowercase")), "lowercase must be left out: textToWordSequence takes lower"],
  ];
  for (const [act, message] of acts) {
    expect(act).toThrow(TextOptionError);
    expect(act).toThrow(message);
  }
});

test("what is no vocabulary is told: none, its JSON as a text, arguments that changed places", () => {
  const own = vocabularyFromTexts(texts);
  for (const given of [undefined, null, JSON.stringify(own), ["the", "cat"], {}] as unknown as Vocabulary[]) {
    for (const act of [
      () => encodeText(given, "the cat"),
      () => encodeTexts(given, ["the cat"]),
      () => wordId(given, "cat"),
      () => idWord(given, 2),
      () => decodeIds(given, [2]),
      () => vocabularySize(given),
    ])
      expect(act).toThrow("vocabulary must be what vocabularyFromTexts(texts) or parseVocabulary(data) gave, got");
  }
  expect(encodeText(JSON.parse(JSON.stringify(own)) as Vocabulary, "the cat")).toEqual([2, 3]);
});
