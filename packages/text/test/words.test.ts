/** Splitting text into words, against Python's own steps. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { kerasFilters, TextError, TextOptionError, textToWordSequence } from "../src/index.ts";

/** Keras's text_to_word_sequence, line by line: lower, translate, split, drop empty words. */
function transcribed(text: string, filters: string, lower: boolean, split: string): string[] {
  const cased = lower ? text.toLowerCase() : text;
  const translated = Array.from(cased, (character) => (Array.from(filters).includes(character) ? split : character));
  return translated
    .join("")
    .split(split)
    .filter((word) => word !== "");
}

describe("textToWordSequence", () => {
  test("lower case, filters become spaces, the apostrophe stays", () => {
    expect(textToWordSequence("Don't panic -- it's O.K.!")).toEqual(["don't", "panic", "it's", "o", "k"]);
  });

  test("only the space splits: a carriage return and a no-break space belong to words", () => {
    expect(textToWordSequence("a\tb\nc\rd\u00a0e")).toEqual(["a", "b", "c\rd\u00a0e"]);
  });

  test("every one of Keras's 33 filter characters separates words", () => {
    expect(kerasFilters).toHaveLength(33);
    expect(textToWordSequence(Array.from(kerasFilters, (filter) => `a${filter}`).join(""))).toEqual(
      new Array(33).fill("a"),
    );
  });

  test("a longer split, and filters beyond the basic plane", () => {
    // A filter character becomes the split itself, as in Keras.
    expect(textToWordSequence("One--two. three", { split: "--" })).toEqual(["one", "two", " three"]);
    expect(textToWordSequence("a😀bxc 😁", { filters: "😀x" })).toEqual(["a", "b", "c", "😁"]);
  });

  test("empty, blank and broken text", () => {
    expect(textToWordSequence("")).toEqual([]);
    expect(textToWordSequence(" \t\n!? ")).toEqual([]);
    expect(textToWordSequence("a \ud83d b\udc00")).toEqual(["a", "\ud83d", "b\udc00"]);
  });

  test("agrees with Keras's steps for any text and settings", () => {
    const piece = fc.oneof(fc.constantFrom(" ", ".", "-", "--", "x", "É", "ß", "😀", "\ud83d", "\n"), fc.string());
    const text = fc.array(piece).map((pieces) => pieces.join(""));
    const filters = fc.constantFrom(kerasFilters, "", "x", "é😀", ". ");
    const split = fc.constantFrom(" ", "-", "--", "ab", "x");
    fc.assert(
      fc.property(text, filters, fc.boolean(), split, (text, filters, lower, split) => {
        expect(textToWordSequence(text, { filters, lower, split })).toEqual(transcribed(text, filters, lower, split));
      }),
    );
  });

  test("refuses settings that cannot work", () => {
    expect(() => textToWordSequence("a", { split: "" })).toThrow(TextOptionError);
    expect(() => textToWordSequence("a", { split: "\ud83d" })).toThrow(/split must be a well-formed string/);
  });
});

test("filters out of a file may be long", () => {
  expect(textToWordSequence("a;b c", { filters: ";".repeat(200_000) })).toEqual(["a", "b", "c"]);
});

test("every error of the package is a TextError", () => {
  const wrong = () => textToWordSequence("a", { split: "" });
  expect(wrong).toThrow(TextOptionError);
  expect(wrong).toThrow(TextError);
});
