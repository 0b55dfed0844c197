/** What a vocabulary holds, to show it and to draw from it. */
import { normalizeForSubwords } from "@ostinato/text";
import { type SideVocabulary, vocabularyTokens } from "@ostinato/translator";

/** The tokens of a side that are text: all of them but the bytes of subwords. */
export function textTokens(side: SideVocabulary): readonly string[] {
  const tokens = vocabularyTokens(side);
  return side.tokens === "subwords" ? tokens.filter((token) => !/^<0x[0-9A-F]{2}>$/.test(token)) : tokens;
}

/** Whether letters of texts are made small. */
export function makesSmall(side: SideVocabulary): boolean {
  return side.tokens === "subwords" ? normalizeForSubwords(side.subwords, "A") === "a" : side.lowercase;
}
