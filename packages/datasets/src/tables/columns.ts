/** What a table's reader is told, and what it gives for each row. */

export interface Columns {
  readonly text: string;
  readonly label: string;
}

/** A row of a table; `line` is where it starts in the file, from 1 on. */
export interface TableRow {
  readonly text: string;
  readonly label: string;
  readonly line: number;
}

export type VisitRow = (row: TableRow) => void;

/** The longest row in characters: far more than a text, and where an unclosed quote is noticed. */
export const longestRow = 16 * 2 ** 20;

/** Names for an error message. */
export function listed(names: readonly string[]): string {
  const some = names.slice(0, 12).map((name) => JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name));
  return names.length > 12 ? `${some.join(", ")}, … (${names.length} in all)` : some.join(", ") || "none";
}
