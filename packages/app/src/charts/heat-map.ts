/** A picture of shares in rows and columns: the deeper a square, the larger its share. */
import * as Plot from "@observablehq/plot";
import type { Chart } from "./draw.ts";

/** What the picture is of. */
export interface HeatMap {
  readonly title: string;
  /** What stands beside each row, and what the rows are. Two may be the same. */
  readonly rows: readonly string[];
  readonly rowLabel: string;
  /** The same of the columns. */
  readonly columns: readonly string[];
  readonly columnLabel: string;
  /** From 0 to 1: [rows][columns]. */
  readonly shares: readonly ArrayLike<number>[];
}

interface Cell {
  readonly row: number;
  readonly column: number;
  readonly share: number;
}

/** Shares below it are shown as a dot, and none as nothing. */
const least = 0.0005;
const shownShare = ({ share }: Cell): string => (share < least ? "·" : (share * 100).toFixed(1));

const cellWidth = 44;
const leastSide = 480;

/** About how wide a label is: letters of some scripts, and emoji, are as wide as they are high. */
function widthOf(label: string): number {
  let width = 0;
  for (const letter of label)
    width += /[\p{Mark}\p{Format}]/u.test(letter) ? 0 : /[\u1100-\u11ff\u2e80-\u{3ffff}]/u.test(letter) ? 14 : 7.5;
  return width;
}
const widest = (labels: readonly string[]): number => Math.max(0, ...labels.map(widthOf));

const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A label in the direction of its first letter (Unicode's isolates), so that a full stop at its end stands behind it from right to left, too. */
const isolated = (label: string): string => (rightToLeft.test(label) ? `\u2068${label}\u2069` : label);

/** A square with its share in percent for each row and column. */
export function heatMap({ title, rows, rowLabel, columns, columnLabel, shares }: HeatMap): Chart {
  const cells = rows.flatMap((_, row) =>
    columns.map((_, column): Cell => ({ row, column, share: shares[row]?.[column] ?? 0 })),
  );
  const numbers = (labels: readonly string[]) => labels.map((_, i) => i);
  const named = (labels: readonly string[]) => (i: number) => isolated(labels[i] ?? "");
  const centred = { labelAnchor: "center", labelArrow: "none" } as const;
  const left = Math.max(110, 50 + widest(rows));
  // Columns' labels rise at an angle of 45 degrees.
  const bottom = Math.max(90, 60 + widest(columns) * Math.SQRT1_2);
  return {
    title,
    legend: [],
    options: {
      width: Math.max(leastSide, left + 30 + cellWidth * columns.length),
      height: Math.max(leastSide, bottom + 50 + cellWidth * rows.length),
      marginLeft: left,
      marginBottom: bottom,
      padding: 0.04,
      x: { ...centred, label: columnLabel, domain: numbers(columns), tickFormat: named(columns), tickRotate: -45 },
      y: { ...centred, label: rowLabel, domain: numbers(rows), tickFormat: named(rows) },
      color: { type: "sqrt", domain: [0, 1], range: ["#f4f8fc", "#1f6fb4"] },
      marks: [
        Plot.cell(cells, { x: "column", y: "row", fill: "share" }),
        Plot.text(
          cells.filter(({ share }) => share > 0),
          {
            x: "column",
            y: "row",
            text: shownShare,
            fill: (cell: Cell) => (cell.share > 0.4 ? "white" : "#333"),
            fontSize: 11,
          },
        ),
      ],
    },
  };
}
