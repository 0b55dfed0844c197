/** A picture of a figure of several groups: a bar for each. */
import * as Plot from "@observablehq/plot";
import type { Chart } from "./draw.ts";

/** What the picture is of. */
export interface Bars {
  readonly title: string;
  /** What the groups are, in words. */
  readonly groupLabel: string;
  /** What the figure is. */
  readonly label: string;
  readonly bars: readonly {
    /** The name of the group, unlike all others. */
    readonly group: string;
    readonly figure: number;
    /** What stands above the bar. */
    readonly shown: string;
  }[];
}

export function barChart({ title, groupLabel, label, bars }: Bars): Chart {
  const centred = { labelAnchor: "center", labelArrow: "none" } as const;
  return {
    title,
    legend: [],
    options: {
      x: { ...centred, label: groupLabel, domain: bars.map(({ group }) => group), padding: 0.25 },
      y: { ...centred, label, grid: true, nice: true, zero: true },
      marks: [
        Plot.barY(bars, { x: "group", y: "figure", fill: "#1f6fb4" }),
        Plot.text(bars, { x: "group", y: "figure", text: "shown", dy: -9, fontSize: 12 }),
      ],
    },
  };
}
