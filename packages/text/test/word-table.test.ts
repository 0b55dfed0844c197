/** The table of words against a Map. */
import fc from "fast-check";
import { expect, test } from "vitest";
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
