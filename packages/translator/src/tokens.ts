/** From texts to tokens and back: letters, or words. */

/** All kinds of tokens. */
export const tokenKinds = ["characters", "words"] as const;
/** What the tokens of a text are: its characters, which are code points, or its words, which stand between white space. */
export type TokenKind = (typeof tokenKinds)[number];

/** How texts of one side become tokens. */
export type TokenRules = {
  readonly tokens: TokenKind;
  /** Whether letters are made small first. */
  readonly lowercase: boolean;
};

/** The tokens of a text: of its composed form (Unicode's NFC), where white space at the ends counts for nothing and any other for one space. */
export function tokensOf({ tokens, lowercase }: TokenRules, text: string): string[] {
  const plain = (lowercase ? text.toLowerCase() : text).normalize("NFC").replace(/\s+/gu, " ").trim();
  if (plain === "") return [];
  return tokens === "characters" ? Array.from(plain) : plain.split(" ");
}

/** The text of tokens. */
export function textOf({ tokens }: TokenRules, list: readonly string[]): string {
  return list.join(tokens === "characters" ? "" : " ");
}

/** What the tokens of these texts seem to be: words where every second text or more has white space within, else characters. */
export function likelyTokens(texts: readonly string[]): TokenKind {
  const spaced = texts.filter((text) => /\S\s+\S/u.test(text)).length;
  return spaced > 0 && spaced * 2 >= texts.length ? "words" : "characters";
}
