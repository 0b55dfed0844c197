/** The picture of what a translation's words attended to. */
import { type Chart, heatMap, shownCount, shownLabel, UsageError } from "@ostinato/app";
import type { Side, Translation, TranslatorVocabulary } from "@ostinato/translator";
import { wordAttention } from "./word-attention.ts";

/** A picture with more of them could not be read. */
const most = 100;

/** A picture, and what it does not show. */
export interface AttentionPicture {
  readonly chart: Chart;
  /** Of each side that is longer than a picture: "the first 100 of the translation's 102 words". */
  readonly cut: readonly string[];
}

/**
 * A row for each word of the translation, a column for each of the text; with `tokens` true for each token. Of each side the first 100 are drawn. Throws `UsageError` if the translation is
 * empty.
 */
export function attentionPicture(
  translation: Translation,
  vocabulary: TranslatorVocabulary,
  { tokens }: { readonly tokens: boolean },
): AttentionPicture {
  const { source, target, shares } = tokens
    ? { source: translation.sourceTokens, target: translation.tokens, shares: translation.attention ?? [] }
    : wordAttention(vocabulary, translation);
  if (target.length === 0) throw new UsageError("--attention: the translation is empty; nothing was drawn");
  const noun = (side: Side): string => (tokens || vocabulary[side].tokens === "characters" ? "token" : "word");
  const shown = (labels: readonly string[]) => labels.slice(0, most).map(shownLabel);
  const cutOf = (name: string, count: number, side: Side): string[] =>
    count > most ? [`the first ${most} of the ${name}'s ${shownCount(count)} ${noun(side)}s`] : [];
  return {
    chart: heatMap({
      title: "Attention (share of each row, in %)",
      rows: shown(target),
      rowLabel: `${noun("target")} that the model writes`,
      columns: shown(source),
      columnLabel: `${noun("source")} that it attends to`,
      shares: shares.slice(0, most).map((row) => Array.from(row.slice(0, most))),
    }),
    cut: [...cutOf("text", source.length, "source"), ...cutOf("translation", target.length, "target")],
  };
}
