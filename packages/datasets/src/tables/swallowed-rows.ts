/** Rows that a stray quote may have swallowed: a quoted text over several lines that could be rows of their own. */
import { DatasetFormatError } from "../errors.ts";
import type { DelimitedRow } from "./delimited-row.ts";

/** Where a row was read. */
interface Origin {
  readonly text: string;
  readonly start: number;
  readonly line: number;
  readonly delimiter: string;
  /** The number of the field with the label. */
  readonly label: number;
}

interface Suspicion {
  readonly line: number;
  readonly column: number;
  readonly lines: number;
  /** What the lines would have for labels. */
  readonly labels: readonly string[];
}

export interface SwallowedRows {
  add(row: DelimitedRow, origin: Origin): void;
  /** Throws `DatasetFormatError` where lines of a text would be rows with labels that other rows have. */
  check(): void;
}

/** Watches the rows of one file. What a text that is meant so looks like is known only from the other rows. */
export function swallowedRows(path: string): SwallowedRows {
  const labels = new Set<string>();
  const suspicions: Suspicion[] = [];
  return {
    add(row, origin) {
      const suspicion = row.spanning === undefined ? undefined : suspicionOf(row, row.spanning, origin);
      if (suspicion === undefined) labels.add(row.fields[origin.label]!.trim());
      else suspicions.push(suspicion);
    },
    check() {
      const found = suspicions.find((suspicion) => suspicion.labels.every((label) => labels.has(label)));
      if (found === undefined) return;
      const { line, column } = found;
      const end = line + found.lines - 1;
      throw new DatasetFormatError(
        path,
        `line ${line}, column ${column}: a quote opens a text that goes on to line ${end}, over lines that would be rows with a label of the file; write a quote that belongs to a text as "" within quotes, or the file as JSONL`,
      );
    },
  };
}

/**
 * A row whose lines could be rows. Of three lines or more it is those in between that tell: each has as many fields as the row, and a label. Of
 * two it is the one of which the label is not the row's own.
 */
function suspicionOf(
  { fields, end }: DelimitedRow,
  { field, start: fieldStart }: NonNullable<DelimitedRow["spanning"]>,
  { text, line, delimiter, label }: Origin,
): Suspicion | undefined {
  const lines = text
    .slice(fieldStart, end)
    .replace(/(?:\r\n|\n|\r)$/, "")
    .split(/\r\n|\n|\r/)
    .map((each) => each.split(delimiter));
  const between =
    lines.length > 2 ? lines.slice(1, -1) : [label > field ? firstOf(lines, field, fields.length) : lines[1]!];
  if (!between.every((row) => row.length === fields.length)) return undefined;
  const labels = between.map((row) => unquoted(row[label]!));
  return labels.includes("") ? undefined : { line, column: field + 1, lines: lines.length, labels };
}

/** The first line as a row: its text may hold delimiters, and of the fields before it only the number counts. */
function firstOf([first = []]: readonly (readonly string[])[], field: number, width: number): readonly string[] {
  const behind = width - 1 - field;
  if (first.length <= behind) return [];
  return [...new Array<string>(field + 1).fill(""), ...first.slice(first.length - behind)];
}

function unquoted(cell: string): string {
  return cell.trim().replace(/^"(.*)"$/, "$1");
}
