/** The curves of a training: a figure over the epochs. */
import * as Plot from "@observablehq/plot";
import type { History } from "../history.ts";
import type { Chart } from "./draw.ts";

const colours = { training: "#1f6fb4", validation: "#d9541e" };

/** A figure of the history that is drawn. */
export interface HistoryFigure {
  /** As the history calls it in training; that of validation is `val` and the same with a capital. */
  readonly name: string;
  readonly title: string;
}

/** What most trainings draw. */
export const classificationFigures: readonly HistoryFigure[] = [
  { name: "loss", title: "Loss (crossentropy)" },
  { name: "accuracy", title: "Accuracy" },
];

/** A dot an epoch for training and validation, where there is such a figure of them; the thin line is training within the epochs. */
export function historyChart({ epochs, parts }: History, { name, title }: HistoryFigure): Chart {
  const validation = `val${name[0]?.toUpperCase()}${name.slice(1)}`;
  const at = (x: string, y: string, colour: string) => [
    Plot.line(epochs, { x, y, stroke: colour, strokeWidth: 2.5 }),
    Plot.dot(epochs, { x, y, fill: colour, r: 4.5 }),
  ];
  return {
    title,
    legend: [
      { of: name, label: "training (thin: within the epoch)", colour: colours.training },
      { of: validation, label: "validation", colour: colours.validation },
    ].filter(({ of }) => epochs.some((figures) => of in figures)),
    options: {
      x: {
        label: "epoch",
        domain: [0, epochs.length],
        ticks: epochTicks(epochs.length),
        tickFormat: "d",
        labelAnchor: "center",
        labelArrow: "none",
      },
      y: { label: name, grid: true, nice: true, labelAnchor: "center", labelArrow: "none" },
      marks: [
        Plot.line(parts, { x: "epoch", y: name, stroke: colours.training, strokeOpacity: 0.45, strokeWidth: 1.25 }),
        ...at("epoch", name, colours.training),
        ...at("epoch", validation, colours.validation),
      ],
    },
  };
}

/** Whole epochs, at most about ten of them. */
function epochTicks(epochs: number): number[] {
  const step = Math.ceil(epochs / 10);
  return Array.from({ length: Math.floor(epochs / step) + 1 }, (_, tick) => tick * step);
}
