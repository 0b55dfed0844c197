/** How often n-grams stand in a text. */
import { pythonWords } from "./python-words.ts";

/** A text of tokens: words with one space between them, or characters with nothing. */
export interface Tokens {
  readonly text: string;
  /** Where each token starts; at the end, where another would. */
  readonly starts: readonly number[];
  /** 1 for the space between words, 0 between characters. */
  readonly gap: 0 | 1;
}

function tokensOf(tokens: readonly string[], gap: 0 | 1): Tokens {
  const starts = [0];
  for (const token of tokens) starts.push(starts[starts.length - 1]! + token.length + gap);
  return { text: tokens.join(gap === 1 ? " " : ""), starts, gap };
}

/** Words of which none holds white space. */
export const wordTokens = (words: readonly string[]): Tokens => tokensOf(words, 1);

/** The characters (code points) of a text, without white space where that does not count. */
export const characterTokens = (text: string, whitespace: boolean): Tokens =>
  tokensOf([...(whitespace ? text : pythonWords(text).join(""))], 0);

export type NgramCounts = Map<string, number>;

/** How often each n-gram of `order` tokens stands there. */
export function countNgrams({ text, starts, gap }: Tokens, order: number): NgramCounts {
  const counts: NgramCounts = new Map();
  for (let first = 0; first + order < starts.length; first++) {
    const ngram = text.slice(starts[first], starts[first + order]! - gap);
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/** How many n-grams of the one stand in the other, each as often as in both. */
export function sharedNgrams(written: NgramCounts, reference: NgramCounts): number {
  let shared = 0;
  for (const [ngram, count] of written) shared += Math.min(count, reference.get(ngram) ?? 0);
  return shared;
}
