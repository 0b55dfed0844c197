/** The picture of what is taken for what. */
import type { Chart } from "./draw.ts";
import { heatMap } from "./heat-map.ts";

/** What its files are called. */
export const confusionName = "confusion";

/** What the picture is of. */
export interface Confusions {
  readonly title: string;
  /** What there is to be confused, in the order of the matrix. */
  readonly labels: readonly string[];
  /** confusion[is][said]: how often. */
  readonly confusion: readonly (readonly number[])[];
  /** What the columns are, and the rows, in words. */
  readonly said: string;
  readonly is: string;
}

const mostLabels = 20;

/** A square for each label and each that the model gives: the deeper, the larger its share of the label's row. The most frequent labels are shown. */
export function confusionChart({ title, labels, confusion, said, is }: Confusions): Chart {
  const support = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  const shown = labels
    .map((label, id) => ({ label, id }))
    .sort((a, b) => (support[b.id] ?? 0) - (support[a.id] ?? 0))
    .slice(0, mostLabels)
    .filter(({ id }) => (support[id] ?? 0) > 0);
  const names = shown.map(({ label }) => label);
  const share = (row: number, column: number) => (confusion[row]?.[column] ?? 0) / (support[row] || 1);
  return heatMap({
    title,
    rows: names,
    rowLabel: is,
    columns: names,
    columnLabel: said,
    shares: shown.map((row) => shown.map((column) => share(row.id, column.id))),
  });
}
