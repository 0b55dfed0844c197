/** Keras's TextVectorization: its own documented results, its steps line by line, and the way into a model file. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  adapt,
  decodeIds,
  encodeText,
  encodeTexts,
  padSequences,
  parseTextVectorization,
  parseVocabulary,
  TextDataError,
  TextOptionError,
  type TextVectorization,
  textVectorization,
  vectorizeTexts,
  vocabularyFromTextVectorization,
} from "../src/index.ts";

const rows = ({ shape, data }: { shape: readonly [number, number]; data: ArrayLike<number> }) =>
  Array.from({ length: shape[0] }, (_, row) => Array.from(data).slice(row * shape[1], (row + 1) * shape[1]));
const throughJson = (layer: TextVectorization) => parseTextVectorization(JSON.parse(JSON.stringify(layer)));

describe("int output", () => {
  test("the example of Keras's documentation: ties from high to low, filled at the end", () => {
    const layer = adapt(textVectorization({ maxTokens: 5000, outputSequenceLength: 4 }), [
      "foo bar",
      "bar baz",
      "baz bada boom",
    ]);
    expect(layer.vocabulary).toEqual(["baz", "bar", "foo", "boom", "bada"]);
    expect(rows(vectorizeTexts(layer, ["foo qux bar", "qux baz"]))).toEqual([
      [4, 1, 3, 0],
      [1, 2, 0, 0],
    ]);
  });

  test("a vocabulary that is given, with the reserved names or without", () => {
    const words = ["earth", "wind", "and", "fire"];
    for (const vocabulary of [words, ["", "[UNK]", ...words]]) {
      const layer = textVectorization({ vocabulary });
      expect(rows(vectorizeTexts(layer, ["Fire and water", "wind"]))).toEqual([
        [5, 4, 1],
        [3, 0, 0],
      ]);
    }
  });

  test("punctuation goes without a trace, the apostrophe too; ASCII only", () => {
    const layer = adapt(textVectorization(), ["Don't PANIC -- it's\u00a0O.K.! É’"]);
    expect([...(layer.vocabulary ?? [])].sort()).toEqual(["dont", "its\u00a0ok", "panic", "É’"]);
  });

  test("the other ways to standardize and to split", () => {
    const tokens = (options: Parameters<typeof textVectorization>[0], text: string) =>
      [...(adapt(textVectorization(options), [text]).vocabulary ?? [])].reverse();
    expect(tokens({ standardize: "lower" }, "It's A")).toEqual(["a", "it's"]);
    expect(tokens({ standardize: "stripPunctuation" }, "It's A")).toEqual(["A", "Its"]);
    expect(tokens({ standardize: null }, "It's [UNK] A")).toEqual(["A", "It's"]);
    expect(tokens({ standardize: null }, "a\tb\n\v\f\rc")).toEqual(["a", "b", "c"]);
    expect(tokens({ split: "character" }, "b 😀a")).toEqual([" ", "a", "b", "😀"]);
    expect(tokens({ split: null }, "New York!")).toEqual(["new york"]);
  });

  test("texts that are one token each have one column, be they empty", () => {
    const layer = adapt(textVectorization({ split: null }), ["New York", "Rome", "Rome"]);
    expect(rows(vectorizeTexts(layer, ["rome", "", "Oslo", "new york"]))).toEqual([[2], [0], [1], [3]]);
    expect(vectorizeTexts(layer, [""]).shape).toEqual([1, 1]);
  });

  test("n-grams: all of one length, then all of the next", () => {
    const vocabulary = ["a", "b", "a b", "b a", "a b a"];
    const ids = (ngrams: number | number[]) =>
      rows(vectorizeTexts(textVectorization({ vocabulary, ngrams }), ["a b a"]))[0];
    expect(ids(1)).toEqual([2, 3, 2]);
    expect(ids(2)).toEqual([2, 3, 2, 4, 5]);
    expect(ids(3)).toEqual([2, 3, 2, 4, 5, 6]);
    expect(ids([2])).toEqual([4, 5]);
    expect(ids([3, 1])).toEqual([6, 2, 3, 2]);
    expect(ids([4])).toEqual([]);
  });

  test("cut at the end, maxTokens with the reserved ids", () => {
    const layer = adapt(textVectorization({ maxTokens: 3, outputSequenceLength: 2 }), ["a b a"]);
    expect(rows(vectorizeTexts(layer, ["b a a", "a", ""]))).toEqual([
      [1, 2],
      [2, 0],
      [0, 0],
    ]);
  });

  test("adapting anew forgets, and leaves the old layer as it was", () => {
    const first = adapt(textVectorization(), ["a a b"]);
    expect(adapt(first, ["c"]).vocabulary).toEqual(["c"]);
    expect(first.vocabulary).toEqual(["a", "b"]);
    expect(Object.isFrozen(first) && Object.isFrozen(first.vocabulary)).toBe(true);
  });
});

describe("one number for each id", () => {
  const texts = ["a a b", "a c"];

  test("count and multiHot: unknown tokens have the first column, padding has none", () => {
    const count = adapt(textVectorization({ outputMode: "count" }), texts);
    expect(count.vocabulary).toEqual(["a", "c", "b"]);
    expect(rows(vectorizeTexts(count, ["a x a b y", ""]))).toEqual([
      [2, 2, 0, 1],
      [0, 0, 0, 0],
    ]);
    const multiHot = adapt(textVectorization({ outputMode: "multiHot", maxTokens: 3 }), texts);
    expect(rows(vectorizeTexts(multiHot, ["a x a b y"]))).toEqual([[1, 1, 0]]);
  });

  test("tfIdf: counts times log(1 + texts / (1 + texts with the token)), unknown the mean", () => {
    const layer = adapt(textVectorization({ outputMode: "tfIdf" }), texts);
    const [a, c, b] = [Math.log(1 + 2 / 3), Math.log(1 + 2 / 2), Math.log(1 + 2 / 2)];
    const [row] = rows(vectorizeTexts(layer, ["a x a b"]));
    for (const [id, value] of [(a + b + c) / 3, 2 * a, 0, b].entries()) expect(row?.[id]).toBeCloseTo(value, 6);
  });

  test("weights that are given, with an entry for unknown tokens or without", () => {
    const options = { outputMode: "tfIdf", vocabulary: ["a", "b"], idfWeights: [1, 3] } as const;
    expect(rows(vectorizeTexts(textVectorization(options), ["a b b x"]))).toEqual([[2, 1, 6]]);
    const named = { ...options, vocabulary: ["[UNK]", "a", "b"], idfWeights: [5, 1, 3] };
    expect(rows(vectorizeTexts(textVectorization(named), ["a b b x"]))).toEqual([[5, 1, 6]]);
  });
});

describe("against Keras's own steps", () => {
  const piece = fc.constantFrom(" ", "\n", "\u00a0", ".", "'", "-", "A", "b", "É", "😀", "ｆ", "cat", "[UNK]");
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
  const texts = fc.array(text, { maxLength: 6 });
  const standardize = fc.constantFrom("lowerAndStripPunctuation", "lower", "stripPunctuation", null);
  const split = fc.constantFrom("whitespace", "character", null);
  const ngrams = fc.constantFrom(null, 1, 2, [3], [2, 1]);
  const outputMode = fc.constantFrom("int", "count", "multiHot", "tfIdf");
  const options = fc.record({ standardize, split, ngrams, outputMode, maxTokens: fc.constantFrom(null, 4, 7) });

  /** `TextVectorization._preprocess`, step by step over strings. */
  function tokensOf(layer: TextVectorization, text: string): string[] {
    let clean = text;
    if (layer.standardize?.startsWith("lower")) {
      clean = Array.from(clean, (c) => (c >= "A" && c <= "Z" ? c.toLowerCase() : c)).join("");
    }
    if (layer.standardize?.toLowerCase().endsWith("strippunctuation")) {
      clean = Array.from(clean, (c) => ("!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'".includes(c) ? "" : c)).join("");
    }
    let tokens = [clean];
    if (layer.split === "whitespace") tokens = clean.split(/[ \t\n\v\f\r]+/).filter((token) => token !== "");
    if (layer.split === "character") tokens = [...clean];
    if (layer.ngrams === null) return tokens;
    return layer.ngrams.flatMap((width) =>
      tokens.flatMap((_, start) =>
        start + width <= tokens.length ? [tokens.slice(start, start + width).join(" ")] : [],
      ),
    );
  }

  test("vocabulary and ids, for any options", () => {
    fc.assert(
      fc.property(options, texts, texts, (options, learned, others) => {
        const layer = adapt(textVectorization(options), learned);
        const counts = new Map<string, number>();
        for (const token of learned.flatMap((text) => tokensOf(layer, text))) {
          if (token !== "" && token !== "[UNK]") counts.set(token, (counts.get(token) ?? 0) + 1);
        }
        const reserved = options.outputMode === "int" ? 2 : 1;
        // numpy.lexsort((tokens, counts))[::-1] over UTF-8 bytes.
        const ranked = [...counts]
          .sort(([a, m], [b, n]) => n - m || Buffer.compare(Buffer.from(b), Buffer.from(a)))
          .map(([token]) => token)
          .slice(0, (options.maxTokens ?? 1e9) - reserved);
        expect(layer.vocabulary).toEqual(ranked);

        const ids = others.map((text) =>
          tokensOf(layer, text).map((token) => (token === "" ? -1 : ranked.indexOf(token) + reserved)),
        );
        const { shape, data } = vectorizeTexts(layer, others);
        for (const [row, wanted] of ids.entries()) {
          const got = Array.from(data).slice(row * shape[1], (row + 1) * shape[1]);
          const known = wanted.filter((id) => id >= 0);
          if (options.outputMode === "int") {
            expect(got).toEqual([...known, ...new Array(shape[1] - known.length).fill(0)]);
          } else if (options.outputMode !== "tfIdf") {
            const count = got.map((_, id) => known.filter((other) => other === id).length);
            expect(got).toEqual(options.outputMode === "count" ? count : count.map((n) => Math.min(n, 1)));
          }
        }
        expect(throughJson(layer)).toEqual(layer);
        expect(vectorizeTexts(throughJson(layer), others)).toEqual(vectorizeTexts(layer, others));
      }),
    );
  });

  test("as a vocabulary it gives the same ids, also after a way through JSON", () => {
    fc.assert(
      fc.property(options, texts, texts, (options, learned, others) => {
        const layer = adapt(textVectorization({ ...options, outputMode: "int" }), learned);
        const vocabulary = parseVocabulary(JSON.parse(JSON.stringify(vocabularyFromTextVectorization(layer))));
        expect(vocabulary).toEqual(vocabularyFromTextVectorization(layer));
        const ids = encodeTexts(vocabulary, others);
        const { shape, data } = vectorizeTexts(layer, others);
        if (shape[1] > 0) expect(padSequences(ids, { maxLength: shape[1], padding: "post" }).data).toEqual(data);
      }),
    );
  });

  test("decoding joins as text was split", () => {
    const characters = vocabularyFromTextVectorization(adapt(textVectorization({ split: "character" }), ["a cat"]));
    expect(decodeIds(characters, encodeText(characters, "cat a"))).toBe("cat a");
    const words = vocabularyFromTextVectorization(adapt(textVectorization(), ["a cat"]));
    expect(decodeIds(words, encodeText(words, "A cat, a dog!"))).toBe("a cat a [UNK]");
  });
});

describe("what cannot work", () => {
  test("options", () => {
    const refused = (options: object, message: string) => {
      expect(() => textVectorization(options)).toThrow(TextOptionError);
      expect(() => textVectorization(options)).toThrow(message);
    };
    refused(
      { maxTokens: 2 },
      "maxTokens must be a whole number above 2 (the reserved ids), or null for no limit, got 2",
    );
    refused({ standardize: "upper" }, 'standardize must be one of "lowerAndStripPunctuation", "lower"');
    refused({ split: "word" }, 'split must be one of "whitespace", "character", got "word"');
    refused({ ngrams: 0 }, "ngrams must be a whole number from 1 to 64");
    refused({ ngrams: [] }, "ngrams must be");
    refused({ outputMode: "oneHot" }, "outputMode must be one of");
    refused({ outputMode: "count", outputSequenceLength: 3 }, 'must be null unless outputMode is "int", got 3');
    refused({ outputSequenceLength: 0 }, "outputSequenceLength must be a whole number of at least 1");
    refused({ vocabulary: ["a", "a"] }, 'vocabulary must hold distinct strings that are not empty, got "a"');
    refused({ vocabulary: ["a", ""] }, "vocabulary must hold distinct");
    refused({ vocabulary: ["a", "b"], maxTokens: 3 }, "vocabulary must give no more ids than maxTokens (3)");
    refused({ outputMode: "tfIdf", vocabulary: ["a"] }, "idfWeights must be a list of finite numbers, one for each");
    refused({ vocabulary: ["a"], idfWeights: [1] }, "idfWeights must be null");
    refused({ outputMode: "tfIdf", idfWeights: [1] }, "idfWeights must be null");
  });

  test("a layer that has learned nothing, texts that are none, a vocabulary of a bag of words", () => {
    expect(() => vectorizeTexts(textVectorization(), ["a"])).toThrow("vectorization must be adapted to texts first");
    expect(() => adapt(textVectorization(), "one text")).toThrow("texts must be a list of texts");
    const bag = adapt(textVectorization({ outputMode: "count" }), ["a"]);
    expect(() => vocabularyFromTextVectorization(bag)).toThrow('outputMode must be "int"');
  });

  test("saved data: TextDataError, whatever it is", () => {
    const valid = adapt(textVectorization({ ngrams: 2, maxTokens: 9 }), ["a b"]);
    const refused = (change: object, message: string) => {
      expect(() => parseTextVectorization({ ...valid, ...change })).toThrow(TextDataError);
      expect(() => parseTextVectorization({ ...valid, ...change })).toThrow(message);
    };
    refused({ version: 2 }, "vectorization.version must be 1, got 2");
    refused({ outputMode: "x" }, 'vectorization.outputMode must be one of "int"');
    refused({ standardize: "x" }, "vectorization.standardize must be one of");
    refused({ split: undefined }, "vectorization.split must be one of");
    refused({ ngrams: 2 }, "vectorization.ngrams must be an array or null, got 2");
    refused({ vocabulary: [1] }, "vectorization.vocabulary[0] must be a string, got 1");
    refused({ maxTokens: 4 }, "vectorization cannot work: vocabulary must give no more ids than maxTokens (4)");
    const part = fc.oneof(fc.anything(), fc.constantFrom(...Object.values(valid)));
    const data = fc.record(Object.fromEntries(Object.keys(valid).map((key) => [key, part])));
    fc.assert(
      fc.property(fc.oneof(fc.anything(), data), (data) => {
        try {
          parseTextVectorization(data);
        } catch (error) {
          expect(error).toBeInstanceOf(TextDataError);
        }
      }),
    );
  });

  test("a vocabulary's rules of version 2", () => {
    const valid = vocabularyFromTextVectorization(adapt(textVectorization(), ["a"]));
    expect(() => parseVocabulary({ ...valid, standardization: { lower: true, filters: "", split: " " } })).toThrow(
      "vocabulary.standardization.standardize must be one of",
    );
    expect(() => parseVocabulary({ ...valid, version: 1 })).toThrow("vocabulary.standardization.lower");
  });
});

test("a megabyte of text, of one word, of punctuation", () => {
  const layer = adapt(textVectorization({ ngrams: 2 }), ["good film"]);
  expect(vectorizeTexts(layer, ["good ".repeat(50_000)]).shape).toEqual([1, 99_999]);
  expect(vectorizeTexts(layer, ["x".repeat(1_000_000), "'".repeat(1_000_000)]).data).toEqual(Int32Array.of(1, 0));
});
