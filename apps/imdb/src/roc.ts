/** The ROC curve of an evaluation. */
import * as Plot from "@observablehq/plot";
import type { Chart } from "@ostinato/app";
import type { RocPoint } from "@ostinato/core";

/** What its files are called. */
export const rocName = "roc";

const colours = { model: "#1f6fb4", chance: "#888888" };
const mostPoints = 500;

/** True positive rate over false positive rate; the dashed line is guessing. */
export function rocChart(curve: readonly RocPoint[], auc: number): Chart {
  return {
    title: "ROC curve",
    legend: [
      { label: `this model, area ${auc.toFixed(4)}`, colour: colours.model },
      { label: "guessing, area 0.5", colour: colours.chance },
    ],
    options: {
      width: 560,
      height: 560,
      x: { label: "false positive rate", domain: [0, 1], grid: true, labelAnchor: "center", labelArrow: "none" },
      y: { label: "true positive rate", domain: [0, 1], grid: true, labelAnchor: "center", labelArrow: "none" },
      marks: [
        Plot.line(
          [
            [0, 0],
            [1, 1],
          ],
          { stroke: colours.chance, strokeDasharray: "5 4", strokeWidth: 1.5 },
        ),
        Plot.line(thinned(curve), {
          x: "falsePositiveRate",
          y: "truePositiveRate",
          stroke: colours.model,
          strokeWidth: 2.5,
        }),
      ],
    },
  };
}

/** No more points than the eye can tell apart, the last one included. */
function thinned(curve: readonly RocPoint[]): RocPoint[] {
  const every = Math.max(1, Math.ceil(curve.length / mostPoints));
  return curve.filter((_, point) => point % every === 0 || point === curve.length - 1);
}
