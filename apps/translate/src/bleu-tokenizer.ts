/** How BLEU takes texts apart, by the script that they are written in. */
const [words, chinese, characters] = ["13a", "zh", "char"] as const;

/** As sacreBLEU calls them. */
export const tokenizers = [words, chinese, characters] as const;
export type Tokenizer = (typeof tokenizers)[number];

const letters = /\p{L}/gu;
const han = /\p{Script=Han}/gu;
const kana = /[\p{Script=Hiragana}\p{Script=Katakana}]/gu;
/** Letters of scripts that write no spaces between words. */
const unspaced =
  /(?=\p{L})[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}\p{scx=Tibetan}]/gu;

/** The share that letters of a kind have among all letters: the mean over texts, of which a long one counts no more than another. */
function shareOf(kind: RegExp, texts: readonly string[]): number {
  const countIn = (text: string, counted: RegExp): number => text.match(counted)?.length ?? 0;
  const shares = texts.map((text) => countIn(text, kind) / countIn(text, letters)).filter((share) => share >= 0);
  return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
}

/** Of letters of Chinese texts: names may be in kana. Of Japanese letters they are about half. */
const mostKana = 0.05;

/** Words and punctuation, but where half of all letters are of scripts without spaces: there as sacreBLEU has it for Chinese, or else characters. */
export function tokenizerOf(texts: readonly string[]): Tokenizer {
  const without = shareOf(unspaced, texts);
  if (without < 0.5) return words;
  const [ofChina, ofJapan] = [shareOf(han, texts), shareOf(kana, texts)];
  return ofChina * 2 >= without && ofJapan <= mostKana * (ofChina + ofJapan) ? chinese : characters;
}
