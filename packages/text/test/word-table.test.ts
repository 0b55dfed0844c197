/** The table of words against a Map. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeText, vocabularyFromTexts } from "../src/vocabulary.ts";
import { addWord, findWord, wordAt, wordTable } from "../src/word-table.ts";
import { hashOf } from "../src/words.ts";

test("ids are places in first-seen order, whatever the words and hashes", () => {
  const word = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("", "__proto__", "constructor", "\ud800"));
  // Two or three different hashes only: nearly every word collides.
  const hash = fc.constantFrom(hashOf, (text: string) => text.length % 3);
  fc.assert(
    fc.property(fc.array(word, { maxLength: 200 }), hash, (words, hash) => {
      const table = wordTable();
      const ids = new Map<string, number>();
      for (const word of words) {
        if (!ids.has(word)) {
          expect(findWord(table, word, 0, word.length, hash(word))).toBe(-1);
          ids.set(word, ids.size);
        }
        expect(addWord(table, `<${word}>`, 1, word.length + 1, hash(word))).toBe(ids.get(word));
      }
      expect(table.size).toBe(ids.size);
      for (const [word, id] of ids) {
        expect(findWord(table, `<${word}>`, 1, word.length + 1, hash(word))).toBe(id);
        expect(wordAt(table, id)).toBe(word);
      }
    }),
  );
});

test("grows past its first capacity, in words and in characters", () => {
  const words = Array.from({ length: 10_000 }, (_, index) => `word-${index}`);
  const long = "x".repeat(1_000_000);
  const table = wordTable([...words, long]);
  expect(words.map((word) => findWord(table, word, 0, word.length, hashOf(word)))).toEqual([...words.keys()]);
  expect(wordAt(table, 10_000)).toBe(long);
});

/** 2^14 words of one hash: at each of 14 places one of two pieces of three letters that take the hash to the same value. */
function collidingWords(): string[] {
  const letter = (number: number) => String.fromCharCode(0x5000 + (number & 0xfff));
  const pieces = (before: string): string[] => {
    const seen = new Map<number, string>();
    for (let number = 0; ; number++) {
      const two = letter(number * 2654435761) + letter(number * 40503);
      // A third letter can turn the lowest 12 bits as it likes.
      const rest = hashOf(before + two) >>> 12;
      const other = seen.get(rest);
      if (other !== undefined) return [two + letter(hashOf(before + two)), other + letter(hashOf(before + other))];
      seen.set(rest, two);
    }
  };
  let words = [""];
  for (let place = 0; place < 14; place++) {
    const both = pieces(words[0]!);
    words = words.flatMap((word) => both.map((piece) => word + piece));
  }
  return words;
}

test("words chosen to collide take the time of others, and have their ids in order", () => {
  const colliding = collidingWords();
  expect(new Set(colliding.map(hashOf)).size).toBe(1);
  const others = colliding.map((word, index) => index.toString(36).padStart(word.length, "é"));
  const time = (words: readonly string[]): number => {
    const start = performance.now();
    const table = wordTable(words);
    expect(words.map((word) => findWord(table, word, 0, word.length, hashOf(word)))).toEqual([...words.keys()]);
    expect(wordAt(table, 9999)).toBe(words[9999]);
    expect(findWord(table, words[0]!, 0, 3, hashOf(words[0]!))).toBe(-1);
    return performance.now() - start;
  };
  const plain = Math.min(time(others), time(others));
  // Comparing each with each takes some hundred times as long.
  expect(Math.min(time(colliding), time(colliding)) / plain).toBeLessThan(30);
  const vocabulary = vocabularyFromTexts([colliding.join(" ")]);
  expect(vocabulary.words).toEqual(colliding);
  expect(encodeText(vocabulary, `${colliding[9999]} ${colliding[3]}`)).toEqual([10_001, 5]);
});
