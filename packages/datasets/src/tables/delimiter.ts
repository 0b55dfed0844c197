/** What stands between the fields of a CSV or TSV text, found out from how it begins. */
import type { Columns } from "./columns.ts";
import { rowAt, unfinished } from "./delimited-row.ts";

const sampledRows = 20;
const candidates = [",", ";", "\t"];

/** The first line in which Excel names the delimiter, as `sep=;`: that, and the line's length. */
export function separatorLine(text: string): { readonly delimiter: string; readonly length: number } | undefined {
  const found = /^"?sep=([^"\r\n])"?(?:\r\n|\n|\r)/i.exec(text);
  return found === null ? undefined : { delimiter: found[1] as string, length: found[0].length };
}

/**
 * Comma, semicolon or tab: the one that gives the wanted columns, or else rows of one width; of several the one with
 * the fewest different labels, and then `usual`.
 */
export function detectDelimiter(text: string, columns: Columns, header: boolean, usual: string): string {
  const order = [usual, ...candidates.filter((candidate) => candidate !== usual)];
  const scores = order.map((delimiter) => scoreOf(sample(text, delimiter), columns, header));
  return order[scores.indexOf(Math.max(...scores))] ?? usual;
}

function sample(text: string, delimiter: string): (readonly string[])[] {
  const rows: (readonly string[])[] = [];
  for (let at = 0; at < text.length && rows.length < sampledRows; ) {
    // The end of the text may be that of a piece: the row there is no sample.
    const row = rowAt(text, at, { delimiter, backslashes: false }, rows.length === 0);
    if (row === unfinished) break;
    if (row.fields.length > 1 || row.fields[0] !== "") rows.push(row.fields);
    at = row.end;
  }
  return rows;
}

function scoreOf(rows: readonly (readonly string[])[], columns: Columns, header: boolean): number {
  const [first = []] = rows;
  const wanted = [columns.text, columns.label];
  const names = header ? first.map((name) => name.trim()) : first.map((_, index) => String(index + 1));
  const regular = first.length > 1 && rows.every((row) => row.length === first.length);
  const label = names.indexOf(columns.label);
  const labels = new Set((header ? rows.slice(1) : rows).map((row) => row[label] ?? ""));
  const repeated = label >= 0 && regular ? 1 - labels.size / rows.length : 0;
  return (wanted.every((name) => names.includes(name)) ? 4 : 0) + (regular ? 2 : 0) + repeated;
}
