/** The regular expressions that may stand in a file of subwords: each as it is written there, and as JavaScript says the same. */
import { shown, TextDataError } from "../errors.ts";

/** What stands for a space within subwords, as in SentencePiece. */
export const spaceMark = "\u2581";

/** Unicode's White_Space, as Rust has it; JavaScript's `\s` lacks U+0085 and holds U+FEFF. */
const space = "\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

/** The same as characters: escapes differ between engines. */
const spaceCharacters = "\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";

/** White space in a row, with the mark among it, since a text that is decoded has spaces in its place. */
export const spacesPattern = `[${spaceCharacters}${spaceMark}]+`;

/** Words with the space before them: letters, digits, or others, each with its marks and joiners, so that no cluster of these is cut. */
export const wordsPattern =
  `${spaceMark}?\\p{L}[\\p{L}\\p{M}\u200c\u200d]*|` +
  `${spaceMark}?\\p{N}[\\p{N}\\p{M}]*|` +
  `${spaceMark}?[^${spaceMark}\\p{L}\\p{N}]+`;

const suffixes = "'(?:[sS\\u017f]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])";

/** GPT-2's, which is that of `ByteLevel`, too. */
export const gpt2Pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const gpt4Pattern = (digits: string) =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

const gpt4Expression = (digits: string) =>
  `${suffixes}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^${space}\\p{L}\\p{N}]+[\\r\\n]*|[${space}]*[\\r\\n]+|[${space}]+(?![^${space}])|[${space}]+`;

/** An expression of a file that is none of these is refused: engines differ, and one that was made to be slow would stop the program. */
const expressions: ReadonlyMap<string, RegExp> = new Map(
  [
    [spacesPattern, spacesPattern] as const,
    [wordsPattern, wordsPattern] as const,
    [
      gpt2Pattern,
      `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${space}\\p{L}\\p{N}]+|[${space}]+(?![^${space}])|[${space}]+`,
    ] as const,
    // Llama 3's and Qwen 2's.
    [gpt4Pattern("\\p{N}{1,3}"), gpt4Expression("\\p{N}{1,3}")] as const,
    [gpt4Pattern("\\p{N}"), gpt4Expression("\\p{N}")] as const,
  ].map(([pattern, expression]) => [pattern, new RegExp(expression, "gu")]),
);

/** The expression, with the flag "g". */
export function expressionOf(pattern: string): RegExp {
  return expressions.get(pattern)!;
}

/** The pattern if there is an expression for it. @throws TextDataError */
export function knownPattern(pattern: unknown, path: string): string {
  if (typeof pattern === "string" && expressions.has(pattern)) return pattern;
  throw new TextDataError(path, `is no regular expression that this package knows: ${shown(pattern)}`);
}

/** Runs of white space. */
export const whiteSpace: RegExp = new RegExp(`[${space}]+`, "gu");

/** The text without white space at the chosen ends. */
export function stripped(text: string, left: boolean, right: boolean): string {
  let start = 0;
  let end = text.length;
  // All white space is in the basic plane.
  while (left && start < end && isSpace.test(text[start]!)) start++;
  while (right && end > start && isSpace.test(text[end - 1]!)) end--;
  return text.slice(start, end);
}
const isSpace = new RegExp(`[${space}]`, "u");

/** The pieces of a text that an expression matches, and those in between, in order. */
export function* isolated(text: string, expression: RegExp): Iterable<string> {
  let end = 0;
  for (const { 0: match, index } of text.matchAll(expression)) {
    if (index > end) yield text.slice(end, index);
    end = index + match.length;
    if (match !== "") yield match;
  }
  if (end < text.length) yield text.slice(end);
}

/** The text with U+FFFD in the place of lone surrogates, which have no bytes. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD");
}
