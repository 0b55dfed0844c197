/** What a vocabulary holds, to show it and to draw from it. */
import { normalizeForSubwords } from "@ostinato/text";
import { type SideVocabulary, vocabularyTokens } from "@ostinato/translator";

/** The tokens of a side that are text: all of them but the bytes of subwords. */
export function textTokens(side: SideVocabulary): readonly string[] {
  const tokens = vocabularyTokens(side);
  return side.tokens === "subwords" ? tokens.filter((token) => !/^<0x[0-9A-F]{2}>$/.test(token)) : tokens;
}

/** The first tokens that tell something of a vocabulary: of subwords those of several characters, as its first ones are letters. */
export function telling(side: SideVocabulary, count: number): readonly string[] {
  const tokens = textTokens(side);
  const longer = side.tokens === "subwords" ? tokens.filter((token) => Array.from(token).length > 3) : [];
  return (longer.length < count ? tokens : longer).slice(0, count);
}

/** Whether letters of texts are made small. */
export function makesSmall(side: SideVocabulary): boolean {
  return side.tokens === "subwords" ? normalizeForSubwords(side.subwords, "A") === "a" : side.lowercase;
}
