/** From texts to tokens and back: letters, words, or parts of words. */
import { decodeSubwords, encodeSubwords, idSubword, type Subwords, subwordId } from "@ostinato/text";

/** All kinds of tokens. */
export const tokenKinds = ["characters", "words", "subwords"] as const;
/**
 * What the tokens of a text are: its characters, which are code points; its words, which stand between white space; or subwords, which are words and parts of words that
 * byte-pair encoding has found.
 */
export type TokenKind = (typeof tokenKinds)[number];

/** How texts become tokens that stand in a list. */
export type ListRules = {
  readonly tokens: "characters" | "words";
  /** Whether letters are made small first. */
  readonly lowercase: boolean;
};

/** How texts become subwords: as `@ostinato/text` does it, with all that is done to a text first. */
export type SubwordRules = {
  readonly tokens: "subwords";
  readonly subwords: Subwords;
};

/** How texts of one side become tokens. */
export type TokenRules = ListRules | SubwordRules;

/**
 * The tokens of a text: of its composed form (Unicode's NFC), where white space at the ends counts for nothing and any other for one space. Subwords have "▁" for a space, and
 * bytes in the place of a character that has no token.
 */
export function tokensOf(rules: TokenRules, text: string): string[] {
  if (rules.tokens === "subwords")
    return encodeSubwords(rules.subwords, text).map((id) => idSubword(rules.subwords, id));
  const { tokens, lowercase } = rules;
  const plain = (lowercase ? text.toLowerCase() : text).normalize("NFC").replace(/\s+/gu, " ").trim();
  if (plain === "") return [];
  return tokens === "characters" ? Array.from(plain) : plain.split(" ");
}

/** The text of tokens. Subwords that the vocabulary does not hold are left out. */
export function textOf(rules: TokenRules, list: readonly string[]): string {
  if (rules.tokens !== "subwords") return list.join(rules.tokens === "characters" ? "" : " ");
  const { subwords } = rules;
  return decodeSubwords(
    subwords,
    list.map((token) => subwordId(subwords, token)).filter((id) => id !== null),
  );
}

/** What the tokens of these texts seem to be: words where every second text or more has white space within, else characters. */
export function likelyTokens(texts: readonly string[]): ListRules["tokens"] {
  const spaced = texts.filter((text) => /\S\s+\S/u.test(text)).length;
  return spaced > 0 && spaced * 2 >= texts.length ? "words" : "characters";
}
