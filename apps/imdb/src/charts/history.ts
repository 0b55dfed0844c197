/** The curves of a training: loss and accuracy over the epochs. */
import * as Plot from "@observablehq/plot";
import type { History } from "../history.ts";
import type { Chart } from "./draw.ts";

const colours = { training: "#1f6fb4", validation: "#d9541e" };

/** What is drawn: names of figures in the history. */
const figures = {
  loss: { title: "Loss (crossentropy)", validation: "valLoss" },
  accuracy: { title: "Accuracy", validation: "valAccuracy" },
} as const;

export type HistoryFigure = keyof typeof figures;
export const historyFigures = Object.keys(figures) as HistoryFigure[];

/** A dot an epoch for training and validation; the thin line is training within the epochs. */
export function historyChart(history: History, figure: HistoryFigure): Chart {
  const { title, validation } = figures[figure];
  const { epochs, parts } = history;
  const at = (x: string, y: string, colour: string) => [
    Plot.line(epochs, { x, y, stroke: colour, strokeWidth: 2.5 }),
    Plot.dot(epochs, { x, y, fill: colour, r: 4.5 }),
  ];
  return {
    title,
    legend: [
      { label: "training (thin: within the epoch)", colour: colours.training },
      { label: "validation", colour: colours.validation },
    ],
    options: {
      x: {
        label: "epoch",
        domain: [0, epochs.length],
        ticks: epochTicks(epochs.length),
        tickFormat: "d",
        labelAnchor: "center",
        labelArrow: "none",
      },
      y: { label: figure, grid: true, nice: true, labelAnchor: "center", labelArrow: "none" },
      marks: [
        Plot.line(parts, { x: "epoch", y: figure, stroke: colours.training, strokeOpacity: 0.45, strokeWidth: 1.25 }),
        ...at("epoch", figure, colours.training),
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
