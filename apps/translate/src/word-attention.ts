/** Attention between words, from the attention between their subwords. */
import { type SideVocabulary, type Translation, textOf } from "@ostinato/translator";

/** Tokens that stand together, from the first to before the last. */
interface Group {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** Scripts that are written without spaces between words. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]/u;

/** Whether subwords begin a word that follow a text: after white space, and in scripts without spaces where they begin with a character of their own. */
function beginsWord(before: string, added: string): boolean {
  if (/^\s/u.test(added)) return true;
  // Bytes that are no character yet, and what stands upon the character before.
  if (before.endsWith("\ufffd") || /^[\p{Mark}\p{Format}]/u.test(added)) return false;
  const last = Array.from(before).at(-1) ?? "";
  return !/\s$/u.test(before) && (unspaced.test(Array.from(added)[0] ?? "") || unspaced.test(last));
}

/** The words that tokens make: subwords between white space; of scripts without spaces the subwords themselves. Other tokens are words each. */
function wordsOf(side: SideVocabulary, tokens: readonly string[]): Group[] {
  if (side.tokens !== "subwords") return tokens.map((text, from) => ({ text, from, to: from + 1 }));
  const groups: Group[] = [];
  let [from, text] = [0, ""];
  for (let to = 1; to <= tokens.length; to++) {
    const longer = textOf(side, tokens.slice(from, to));
    if (text !== "" && beginsWord(text, longer.slice(text.length))) {
      groups.push({ text: text.trim(), from, to: to - 1 });
      from = to - 1;
      text = textOf(side, tokens.slice(from, to));
    } else text = longer;
  }
  if (from < tokens.length) groups.push({ text: text.trim(), from, to: tokens.length });
  return groups;
}

/** What words of a translation attended to. */
export interface WordAttention {
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** A row for each word of the target, a column for each of the source; rows add up to 1. */
  readonly shares: readonly (readonly number[])[];
}

/** Attention to a word is the sum over its subwords; that of a word is the mean over its subwords. */
export function wordAttention(
  vocabulary: { readonly source: SideVocabulary; readonly target: SideVocabulary },
  { sourceTokens, tokens, attention = [] }: Translation,
): WordAttention {
  const [source, target] = [wordsOf(vocabulary.source, sourceTokens), wordsOf(vocabulary.target, tokens)];
  const sumTo = (row: ArrayLike<number>, { from, to }: Group): number => {
    let sum = 0;
    for (let i = from; i < to; i++) sum += row[i] ?? 0;
    return sum;
  };
  return {
    source: source.map(({ text }) => text),
    target: target.map(({ text }) => text),
    shares: target.map(({ from, to }) =>
      source.map((group) => attention.slice(from, to).reduce((sum, row) => sum + sumTo(row, group), 0) / (to - from)),
    ),
  };
}
