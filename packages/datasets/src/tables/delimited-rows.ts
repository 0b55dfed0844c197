/** Rows of CSV and TSV files, as they were written by people, spreadsheets and databases. */
import { DatasetFormatError, MissingColumnError } from "../errors.ts";
import { type Columns, listed, longestRow, type TableRow, type VisitRow } from "./columns.ts";
import { type DelimitedRow, rowAt, unfinished } from "./delimited-row.ts";
import { detectDelimiter, separatorLine } from "./delimiter.ts";
import { swallowedRows } from "./swallowed-rows.ts";
import { textPieces } from "./text-pieces.ts";

export interface DelimitedOptions {
  /** By default what the file begins with tells. */
  readonly delimiter?: string;
  /** What it is where the file does not tell. */
  readonly usualDelimiter: string;
  /** The first row names the columns; else they are called "1", "2", … */
  readonly header: boolean;
}

/** Where a quote stands that was read as a character. */
export interface QuotePlace {
  /** From 1. */
  readonly line: number;
  /** Number of the field, from 1. */
  readonly column: number;
}

/** How a file turned out to be written. */
export interface DelimitedForm {
  readonly delimiter: string;
  readonly header: boolean;
  /** Within quotes `\"` stands for a quote. */
  readonly backslashEscapes: boolean;
  /** Quotes at the start of a field that nothing closes, which were read as characters. */
  readonly strayQuotes: readonly QuotePlace[];
}

/** Visits every row but the header; throws as `delimitedRows`. */
export async function readDelimited(
  path: string,
  columns: Columns,
  options: DelimitedOptions,
  visit: VisitRow,
): Promise<DelimitedForm> {
  const pieces = delimitedRows(path, columns, options);
  for (;;) {
    const { value, done } = await pieces.next();
    if (done === true) return value;
    for (const row of value) visit(row);
  }
}

/** Every row but the header, some at a time, and then how the file is written; throws `DatasetFormatError` naming the line. */
export async function* delimitedRows(
  path: string,
  columns: Columns,
  { header, usualDelimiter, ...given }: DelimitedOptions,
): AsyncGenerator<readonly TableRow[], DelimitedForm> {
  const strayQuotes: QuotePlace[] = [];
  const swallowed = swallowedRows(path);
  let delimiter: string | undefined;
  let backslashes = false;
  let names: readonly string[] | undefined;
  let places = { text: 0, label: 0 };
  let line = 1;
  let found: TableRow[] = [];

  const visitRow = (row: DelimitedRow, text: string, start: number): void => {
    const { fields } = row;
    if (names === undefined) {
      names = header ? fields.map((name) => name.trim()) : fields.map((_, index) => String(index + 1));
      places = placesOf(path, columns, names, header);
      if (header) return;
    }
    if (fields.length !== names.length) {
      const wanted = `${header ? "the header" : "the first row"} has ${names.length}`;
      const why =
        fields.length > names.length ? `; put quotes around a text that holds ${JSON.stringify(delimiter)}` : "";
      throw new DatasetFormatError(path, `line ${line} has ${countOf(fields)}, ${wanted}${why}`);
    }
    for (const field of row.strays) strayQuotes.push({ line, column: field + 1 });
    const label = fields[places.label]!;
    swallowed.add(row, { text, start, line, delimiter: delimiter as string, label: places.label });
    found.push({ text: detached(fields[places.text]!, row.end - start), label, line });
  };

  const read = (text: string, from: number, last: boolean): number => {
    let at = from;
    while (at < text.length) {
      const rules = { delimiter: delimiter as string, backslashes };
      const whole = last || text.length - at > longestRow;
      let row = rowAt(text, at, rules, whole);
      if (row === unfinished) break;
      if (!backslashes && names !== undefined && row.fields.length !== names.length) {
        const other = rowAt(text, at, { ...rules, backslashes: true }, whole);
        if (other !== unfinished && other.fields.length === names.length) row = { ...other, needsBackslashes: true };
      }
      if (row.end - at > longestRow)
        throw new DatasetFormatError(path, `the row from line ${line} on is longer than 16 MiB`);
      backslashes ||= row.needsBackslashes;
      if (row.fields.length > 1 || row.fields[0] !== "") visitRow(row, text, at);
      line += lineEnds(text, at, row.end);
      at = row.end;
    }
    return at;
  };

  let text = "";
  /** Less than this is not read again: a long row must not be tried with each piece. */
  let enough = 0;
  for await (const piece of textPieces(path)) {
    text += piece;
    if (delimiter === undefined) {
      const named = separatorLine(text);
      if (named !== undefined) {
        text = text.slice(named.length);
        line += 1;
      }
      delimiter = given.delimiter ?? named?.delimiter ?? detectDelimiter(text, columns, header, usualDelimiter);
    }
    if (text.length < enough) continue;
    text = text.slice(read(text, 0, false));
    enough = Math.min(2 * text.length, longestRow);
    yield found;
    found = [];
  }
  read(text, 0, true);
  yield found;
  if (names === undefined) throw new DatasetFormatError(path, "holds nothing but empty lines");
  swallowed.check();
  return { delimiter: delimiter as string, header, backslashEscapes: backslashes, strayQuotes };
}

/** A text of its own where it is a small part of its row: a slice would keep the whole file in memory. */
function detached(text: string, rowLength: number): string {
  return 2 * text.length < rowLength ? Buffer.from(text, "utf16le").toString("utf16le") : text;
}

function placesOf(path: string, columns: Columns, names: readonly string[], header: boolean) {
  const placeOf = (name: string): number => {
    const place = names.indexOf(name);
    if (place === -1) {
      const by = header ? "" : " (there is no header, and columns are called by number)";
      const remedy = header
        ? "name another one with textColumn and labelColumn, or say with delimiter what is between the fields, or with header: false that there is no header"
        : "name another one with textColumn and labelColumn, or say with delimiter what is between the fields";
      const problem = `has no column ${JSON.stringify(name)}, only ${listed(names)}${by}`;
      throw new MissingColumnError(path, name, problem, remedy);
    }
    if (names.includes(name, place + 1)) throw new DatasetFormatError(path, `has two columns ${JSON.stringify(name)}`);
    return place;
  };
  return { text: placeOf(columns.text), label: placeOf(columns.label) };
}

function countOf(fields: readonly string[]): string {
  return fields.length === 1 ? "1 field" : `${fields.length} fields`;
}

function lineEnds(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === 10 || (code === 13 && text.charCodeAt(at + 1) !== 10)) count++;
  }
  return count;
}
