/** Texts as tokens and back: characters, words and subwords, whatever Unicode they are of. */
import { subwordsFromTexts } from "@ostinato/text";
import { likelyTokens, type TokenRules, textOf, tokenKinds, tokensOf } from "@ostinato/translator";
import { expect, test } from "vitest";

const characters: TokenRules = { tokens: "characters", lowercase: false };
const words: TokenRules = { tokens: "words", lowercase: false };
const subwords: TokenRules = {
  tokens: "subwords",
  subwords: subwordsFromTexts(["low lower lowest", "new newer newest"], { maxTokens: 290 }),
};

test.each<[string, TokenRules, string, readonly string[]]>([
  ["characters are code points", characters, "a🙂b", ["a", "🙂", "b"]],
  ["composed", characters, "e\u0301t", ["é", "t"]],
  ["white space at the ends is none, other is one space", characters, " a \t\n b ", ["a", " ", "b"]],
  ["words stand between white space", words, "\u00a0HH AH  L\tOW\n", ["HH", "AH", "L", "OW"]],
  ["letters are made small where it is asked for", { ...words, lowercase: true }, "Das ÄRGERT", ["das", "ärgert"]],
  ["of a small letter that is two code points one is made", { ...characters, lowercase: true }, "É", ["é"]],
  ["nothing", characters, " \n", []],
])("%s", (_, rules, text, tokens) => {
  expect(tokensOf(rules, text)).toEqual(tokens);
});

test("tokens are a text again, of every kind", () => {
  for (const kind of tokenKinds) {
    const rules = { characters, words, subwords }[kind];
    expect(textOf(rules, tokensOf(rules, " a b  c"))).toBe("a b c");
  }
  expect(textOf(characters, ["c", "a", "t"])).toBe("cat");
  expect(textOf(words, ["K", "AE", "T"])).toBe("K AE T");
  expect(textOf(words, [])).toBe("");
  expect(textOf(subwords, [])).toBe("");
});

test("subwords: parts of words with their space, bytes of what has no token, and nothing that is lost", () => {
  expect(tokensOf(subwords, " low  newest")).toEqual(["▁lo", "w", "▁ne", "west"]);
  expect(tokensOf(subwords, "é")).toEqual(["▁", "<0xC3>", "<0xA9>"]);
  for (const text of ["שלום 🙂", "我们 走", "</s> <pad>"])
    expect(textOf(subwords, tokensOf(subwords, text))).toBe(text);
  expect(textOf(subwords, ["</s>", "▁ne", "w", "no such token"])).toBe("new");
});

test.each([
  [["cat", "dog"], "characters"],
  [["K AE T", "D AO G"], "words"],
  [["a b", "c"], "words"],
  [["a b", "c", "d"], "characters"],
  [[" padded ", "alone"], "characters"],
  [[], "characters"],
] as const)("what tokens seem to be: %j are %s", (texts, kind) => {
  expect(likelyTokens(texts)).toBe(kind);
});
