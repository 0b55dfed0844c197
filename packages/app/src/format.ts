/** Numbers, durations and tables as people read them. */
import type { Logs } from "@ostinato/core";

/** 22500 as "22,500". */
export function shownCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** A share of 1 as a percentage. */
export function shownPercent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Four decimals; "n/a" where there is no such figure. */
export function shownFigure(figure: number): string {
  return Number.isFinite(figure) ? figure.toFixed(4) : "n/a";
}

/** How figures are shown that are no shares or losses, by their names. */
export type ShownBy = Readonly<Record<string, (figure: number) => string>>;

/** { loss: 0.5, accuracy: 0.75 } as "loss 0.5000  accuracy 0.7500", but as `shownBy` has it. */
export function shownFigures(logs: Logs, shownBy: ShownBy = {}): string {
  return Object.entries(logs)
    .map(([name, figure]) => `${name} ${(shownBy[name] ?? shownFigure)(figure)}`)
    .join("  ");
}

/** 83.2 seconds as "1 min 23 s". */
export function shownDuration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Rows of cells in columns: the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}

/** The name of an option on the command line: "maxLength" as "max-length". */
export const kebabCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const longestLabel = 24;

/** A label of the user's, which may be any text. */
export function shownLabel(label: string): string {
  return excerpt(label, longestLabel);
}

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

/** What a terminal might obey or XML does not take, and white space; not the invisible characters that join letters of some scripts, or emoji to one. */
const hidden = /(?:(?!\u200c|\u200d|[\u{e0020}-\u{e007f}])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s\ufffe\uffff])+/gu;

/** A text of any origin on one line, with nothing in it that a terminal would obey. */
export function onOneLine(text: string): string {
  return text.replace(hidden, " ").trim();
}

/** The start of a text on one line, so many characters as people see them, with nothing in it that a terminal would obey. */
export function excerpt(text: string, length: number): string {
  // Only the part that can show up is looked at: texts may be large.
  const most = length * 16;
  const characters = Array.from(graphemes.segment(onOneLine(text.slice(0, most))), ({ segment }) => segment);
  if (characters.length <= length && text.length <= most) return characters.join("");
  // The last one may be cut.
  return `${characters.slice(0, Math.min(length, characters.length) - 1).join("")}…`;
}
