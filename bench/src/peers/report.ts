/** What was measured, as tables. */
import type { Limits } from "./limits.ts";

export interface Row {
  readonly name: string;
  /** Who it is in the summary. */
  readonly peer?: string;
  readonly version?: string;
  /** In the section's unit. */
  readonly value: number;
  /** How many times the section's measure; absent for what did other work. */
  readonly ratio?: number;
  readonly gflops?: number;
  /** With settings that one has to know of left as they come. */
  readonly outOfBox?: boolean;
  /** Did other work. */
  readonly aside?: boolean;
}

export interface Section {
  /** The same for the same work, whatever the machine. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** The row that the ratios are to. */
  readonly measure?: string;
  readonly rows: readonly Row[];
  readonly limits?: Limits;
  /** Said below the table. */
  readonly notes: readonly string[];
}

/** Rows with ratios to the named one, fastest first; those that did other work come last. */
export function rated(rows: readonly Row[], measure: string): Row[] {
  const base = rows.find(({ name }) => name === measure)?.value;
  const compared = rows.map((row) => (base === undefined || row.aside ? row : { ...row, ratio: row.value / base }));
  return compared.toSorted((a, b) => Number(a.aside ?? false) - Number(b.aside ?? false) || a.value - b.value);
}

export const digits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
export const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

export function percent(part: number | undefined, whole: number | undefined): string {
  return part === undefined || whole === undefined ? "" : `${Math.round((100 * part) / whole)} %`;
}

export const megabytes = (bytes: number): string => `${digits(bytes / 1e6)} MB`;

/** How near our step comes to what the processor can do. */
function limitsIn({ peak, products, forward, backward, moved, arena }: Limits): string {
  const parts = Object.entries({ "products alone": products, forward, backward }).flatMap(([name, gflops]) => {
    if (gflops === undefined) return [];
    return [`${name} ${digits(gflops)} GFLOP/s${peak === undefined ? "" : ` (${percent(gflops, peak)})`}`];
  });
  const of = peak === undefined ? "" : ` of the peak of ${digits(peak)} GFLOP/s`;
  return `Ours${of}: ${parts.join(", ")}. The steps of its program move ${megabytes(moved)}, in an arena of ${megabytes(arena)}.`;
}

/** The table of a section, and what is said below it. */
export function tableOf({ title, unit, measure, rows, limits, notes }: Section): string[] {
  const rates = rows.some(({ gflops }) => gflops !== undefined);
  const peak = rates ? limits?.peak : undefined;
  const ratios = measure !== undefined && rows.some(({ ratio }) => ratio !== undefined);
  const head = [
    title,
    unit,
    ...(rates ? ["GFLOP/s"] : []),
    ...(peak === undefined ? [] : ["of the peak"]),
    ...(ratios ? [`times ${measure}`] : []),
  ];
  return [
    line(head),
    line(head.map((_, cell) => (cell === 0 ? "---" : "--:"))),
    ...rows.map(({ name, value, gflops, ratio }) =>
      line([
        name === measure ? `**${name}**` : name,
        digits(value),
        ...(rates ? [gflops === undefined ? "" : digits(gflops)] : []),
        ...(peak === undefined ? [] : [percent(gflops, peak)]),
        ...(ratios ? [ratio === undefined ? "" : ratio.toFixed(2)] : []),
      ]),
    ),
    "",
    ...(limits === undefined ? [] : [limitsIn(limits), ""]),
    ...notes.flatMap((note) => [note, ""]),
  ];
}
