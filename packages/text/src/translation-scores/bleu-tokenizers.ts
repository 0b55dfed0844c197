/** How BLEU takes texts apart: the tokenizers of NIST's mteval and those that sacreBLEU has beside them. */
import { pythonWords, withoutSpaceAtEnd, withoutSpaceAtStart } from "./python-words.ts";

/** Marks of ASCII but the apostrophe, comma, hyphen and period, and what depends on digits, in the order of mteval's rules. */
const western: readonly (readonly [RegExp, string])[] = [
  [/[!-&(-+/:-@[-`{-~]/gu, " $& "],
  [/([^0-9])([.,])/gu, "$1 $2 "],
  [/([.,])([^0-9])/gu, " $1 $2"],
  [/([0-9])(-)/gu, "$1 $2 "],
];

/** Punctuation that does not stand between digits, and symbols. */
const international: readonly (readonly [RegExp, string])[] = [
  [/(\P{N})(\p{P})/gu, "$1 $2 "],
  [/(\p{P})(\P{N})/gu, " $1 $2"],
  [/\p{S}/gu, " $& "],
];

const replaced = (text: string, rules: readonly (readonly [RegExp, string])[]): string =>
  rules.reduce((so, [pattern, by]) => so.replace(pattern, by), text);

/**
 * What stands by itself in Chinese text: ideographs of the basic plane, their punctuation and full-width forms. sacreBLEU's list means to
 * have those of planes beyond, too, but its bounds there are read as U+2000 and U+2A6D, so that all between is in it, and scores depend on that.
 */
const chinese =
  /[\u2001-\u2a6d\u2e80-\u2fdf\u2ff0-\u303f\u3100-\u312f\u31a0-\u31bf\u31c0-\u31ef\u3200-\u4db5\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef]/gu;

function mteval13a(text: string): string {
  const line = text.replaceAll("<skipped>", "").replaceAll("-\n", "").replaceAll("\n", " ");
  const plain = line.replaceAll("&quot;", '"').replaceAll("&amp;", "&").replaceAll("&lt;", "<").replaceAll("&gt;", ">");
  // Rules that ask for a neighbour find one at either end.
  return replaced(` ${plain} `, western);
}

/** Each puts white space between the tokens of a text that has none at its end. */
const spacers = {
  "13a": mteval13a,
  intl: (text) => replaced(text, international),
  char: (text) => [...text].join(" "),
  zh: (text) => replaced(withoutSpaceAtStart(text).replace(chinese, " $& "), western),
  none: (text) => text,
} satisfies Record<string, (text: string) => string>;

/** `"13a"` is that of WMT and of nearly all published figures; `"intl"` knows punctuation of all scripts, `"zh"` Chinese; `"char"` makes tokens of characters, `"none"` of what stands between white space. */
export type BleuTokenizer = keyof typeof spacers;

export const bleuTokenizers = Object.keys(spacers) as readonly BleuTokenizer[];

/** The tokens of a text. */
export const bleuTokens = (text: string, tokenizer: BleuTokenizer): string[] =>
  pythonWords(spacers[tokenizer](withoutSpaceAtEnd(text)));
