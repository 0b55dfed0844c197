/** Rows of CSV and TSV files: RFC 4180, with any line ends and with or without a byte order mark. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { DatasetError, DatasetFormatError } from "../errors.ts";
import { type Columns, listed, longestRow, type VisitRow } from "./columns.ts";
import { utf8Chunks } from "./utf8-chunks.ts";

export interface DelimitedOptions {
  readonly delimiter: string;
  /** The first row names the columns; else they are called "1", "2", … */
  readonly header: boolean;
}

/** Visits every row but the header; throws `DatasetFormatError` naming the line. */
export async function readDelimited(
  path: string,
  columns: Columns,
  { delimiter, header }: DelimitedOptions,
  visit: VisitRow,
): Promise<void> {
  let names: readonly string[] | undefined;
  let places = { text: 0, label: 0 };
  /** Lines that the rows so far take up, blank ones aside. */
  let lines = 0;

  const visitRecord = (fields: readonly string[], emptyLines: number): void => {
    const line = lines + emptyLines + 1;
    for (const field of fields) lines += newlinesIn(field);
    lines += 1;
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
    visit({ text: fields[places.text]!, label: fields[places.label]!, line });
  };

  const parser = parse({
    bom: true,
    delimiter,
    record_delimiter: ["\r\n", "\n", "\r"],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: longestRow,
    on_record: (fields: readonly string[], { empty_lines }) => {
      visitRecord(fields, empty_lines);
      return null;
    },
  });
  // Rows go to the visitor; nothing is left to read.
  parser.resume();
  try {
    await pipeline(Readable.from(bytesOf(path)), parser);
  } catch (error) {
    if (error instanceof DatasetError || !(error instanceof CsvError)) throw error;
    throw new DatasetFormatError(path, problemOf(error, lines + Number(error.empty_lines) + 1), { cause: error });
  }
  if (names === undefined) throw new DatasetFormatError(path, "holds nothing but empty lines");
}

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of utf8Chunks(path)) yield bytes;
}

function problemOf(error: CsvError, line: number): string {
  switch (error.code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return `a quote is opened in the row from line ${line} on and never closed`;
    case "CSV_MAX_RECORD_SIZE":
      return `the row from line ${line} on is longer than 16 MiB; is a quote never closed?`;
    default:
      return `line ${line}: ${error.message}`;
  }
}

function placesOf(path: string, columns: Columns, names: readonly string[], header: boolean) {
  const placeOf = (name: string): number => {
    const place = names.indexOf(name);
    if (place === -1) {
      const hint = header ? "; name another one, or say that there is no header" : " (there is no header)";
      throw new DatasetFormatError(path, `has no column ${JSON.stringify(name)}, only ${listed(names)}${hint}`);
    }
    if (names.includes(name, place + 1)) throw new DatasetFormatError(path, `has two columns ${JSON.stringify(name)}`);
    return place;
  };
  return { text: placeOf(columns.text), label: placeOf(columns.label) };
}

function countOf(fields: readonly string[]): string {
  return fields.length === 1 ? "1 field" : `${fields.length} fields`;
}

function newlinesIn(field: string): number {
  return field.includes("\n") || field.includes("\r") ? (field.match(/\r\n|\n|\r/g)?.length ?? 0) : 0;
}
