/** Plain text as tokens, for taggers of written English and languages like it. */

/** Addresses; what is called with `@` or `#`; titles and other abbreviations; words with inner apostrophes, hyphens and the like; dots and dashes in a row; any other character by itself. */
const token =
  /https?:\/\/\S+|[@#][\p{L}\p{N}_]+|(?:\p{Lu}\.){2,}|\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc)\.|[\p{L}\p{M}\p{N}]+(?:[-'’.,/:](?=[\p{L}\p{N}])[\p{L}\p{M}\p{N}]+)*(?:['’](?=\s|$))?|\.{2,}|-{2,}|\S/gu;

/**
 * Splits text at white space and before and after punctuation: "don't", "twenty-one", "U.S.", "Mr." and "3.5" stay whole.
 *
 * @example
 * tokenize("The cat's here."); // ["The", "cat's", "here", "."]
 */
export function tokenize(text: string): string[] {
  return text.match(token) ?? [];
}
