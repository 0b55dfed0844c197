/** The picture of what a translation's tokens attended to. */
import { type Chart, heatMap } from "@ostinato/app";
import type { Translation } from "@ostinato/translator";

/** A row for each token of the translation, a column for each of the text. Of a model without attention there is none. */
export function attentionChart({ sourceTokens, tokens, attention = [] }: Translation): Chart {
  return heatMap({
    title: "Attention (share of each row, in %)",
    rows: tokens,
    rowLabel: "token that the model writes",
    columns: sourceTokens,
    columnLabel: "token that it attends to",
    shares: attention,
  });
}
