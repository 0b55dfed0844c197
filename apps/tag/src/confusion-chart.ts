/** The picture of which tags are taken for which. */

import * as Plot from "@observablehq/plot";
import type { Chart } from "@ostinato/app";

/** What its files are called. */
export const confusionName = "confusion";

const mostTags = 20;

/** A square for each tag and each that the model gives: the deeper, the larger its share of the tag's tokens. The most frequent tags are shown. */
export function confusionChart(tags: readonly string[], confusion: readonly (readonly number[])[]): Chart {
  const support = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  const shown = tags
    .map((tag, id) => ({ tag, id }))
    .sort((a, b) => (support[b.id] ?? 0) - (support[a.id] ?? 0))
    .slice(0, mostTags)
    .filter(({ id }) => (support[id] ?? 0) > 0);
  const cells = shown.flatMap((is) =>
    shown.map((said) => {
      const count = confusion[is.id]?.[said.id] ?? 0;
      return { is: is.tag, said: said.tag, count, share: count / (support[is.id] || 1) };
    }),
  );
  const names = shown.map(({ tag }) => tag);
  const side = Math.max(480, 140 + 44 * names.length);
  return {
    title: "Tags and what the model makes of them (share of each row, in %)",
    legend: [],
    options: {
      width: side,
      height: side,
      marginLeft: 110,
      marginBottom: 90,
      padding: 0.04,
      x: {
        label: "tag that the model gives",
        domain: names,
        tickRotate: -45,
        labelAnchor: "center",
        labelArrow: "none",
      },
      y: { label: "right tag", domain: names, labelAnchor: "center", labelArrow: "none" },
      color: { type: "sqrt", domain: [0, 1], range: ["#f4f8fc", "#1f6fb4"] },
      marks: [
        Plot.cell(cells, { x: "said", y: "is", fill: "share" }),
        Plot.text(
          cells.filter(({ count }) => count > 0),
          {
            x: "said",
            y: "is",
            text: ({ share }: { readonly share: number }) => (share < 0.0005 ? "·" : (share * 100).toFixed(1)),
            fill: ({ share }: { readonly share: number }) => (share > 0.4 ? "white" : "#333"),
            fontSize: 11,
          },
        ),
      ],
    },
  };
}
