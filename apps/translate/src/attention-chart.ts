/** The picture of what a translation's words attended to. */
import { type Chart, heatMap, shownCount, shownLabel, UsageError } from "@ostinato/app";
import type { Side, Translation, TranslatorVocabulary } from "@ostinato/translator";
import { wordAttention } from "./word-attention.ts";

/** A picture with more of them could not be read. */
const most = 100;

/**
 * A row for each word of the translation, a column for each of the text; with `tokens` true for each token. Of a model without attention there is none. Throws `UsageError` for
 * more words than a picture can show.
 */
export function attentionChart(
  translation: Translation,
  vocabulary: TranslatorVocabulary,
  { tokens }: { readonly tokens: boolean },
): Chart {
  const { source, target, shares } = tokens
    ? { source: translation.sourceTokens, target: translation.tokens, shares: translation.attention ?? [] }
    : wordAttention(vocabulary, translation);
  const noun = (side: Side): string => (tokens || vocabulary[side].tokens === "characters" ? "token" : "word");
  expectReadable("the text", source.length, noun("source"));
  expectReadable("its translation", target.length, noun("target"));
  return heatMap({
    title: "Attention (share of each row, in %)",
    rows: target.map(shownLabel),
    rowLabel: `${noun("target")} that the model writes`,
    columns: source.map(shownLabel),
    columnLabel: `${noun("source")} that it attends to`,
    shares,
  });
}

function expectReadable(what: string, count: number, noun: string): void {
  if (count === 0) throw new UsageError(`--attention: ${what} is empty; nothing was drawn`);
  if (count > most)
    throw new UsageError(
      `--attention: ${what} has ${shownCount(count)} ${noun}s, and a picture shows up to ${most}; nothing was drawn`,
    );
}
