/** Texts with a label each from a file of your own: CSV, TSV or JSONL. */
import { encodeLabels, type LabelEncoder, labelEncoder } from "@ostinato/text";
import { DatasetFormatError, DatasetOptionError, refuseUnknown } from "./errors.ts";
import { endingOf } from "./gzip.ts";
import type { LabelledTexts } from "./labelled-texts.ts";
import { readError } from "./read-error.ts";
import { type Columns, listed, type VisitRow } from "./tables/columns.ts";
import { type DelimitedForm, readDelimited } from "./tables/delimited-rows.ts";
import { readJsonLines } from "./tables/json-lines.ts";

/** The forms of a table, each with the endings of file names that stand for it. */
export const tableEndings = { csv: [".csv"], tsv: [".tsv", ".tab"], jsonl: [".jsonl", ".ndjson"] } as const;

/** The formats of tables that are read. */
export type TableFormat = keyof typeof tableEndings;
const tableFormats = Object.keys(tableEndings) as TableFormat[];

/** How a table is read. */
export interface TableOptions {
  /** By default what the file's name ends in. */
  readonly format?: TableFormat;
  /** Name of the column with the text; `"text"` by default. */
  readonly textColumn?: string;
  /** Name of the column with the label; `"label"` by default. Space around a label does not count. */
  readonly labelColumn?: string;
  /**
   * One character between fields of CSV and TSV. By default what a first line such as `sep=;` names, or else the comma,
   * semicolon or tab that gives the wanted columns.
   */
  readonly delimiter?: string;
  /** `false` if the first row is data already: the columns are then called "1", "2", …; `true` by default. */
  readonly header?: boolean;
}

export const tableOptions: Record<keyof TableOptions, true> = {
  format: true,
  textColumn: true,
  labelColumn: true,
  delimiter: true,
  header: true,
};

/** Options of `readTextClassification`. */
export interface TextClassificationOptions extends TableOptions {
  /** The classes of a trained model: any other label is an error. By default the labels that occur, in order. */
  readonly labelEncoder?: LabelEncoder<string>;
}

/** The rows of a file in its order, and the classes of their labels. */
export interface TextClassification {
  readonly rows: LabelledTexts;
  readonly labelEncoder: LabelEncoder<string>;
  readonly form: TableForm;
}

/** How a file turned out to be written. */
export type TableForm =
  | { readonly format: "jsonl" }
  | ({ readonly format: Exclude<TableFormat, "jsonl"> } & DelimitedForm);

const dataset = "data";

/**
 * Reads a file of texts with a label each. CSV and TSV are read as RFC 4180 has it: quotes, commas and line ends
 * inside quotes, a byte order mark, any line ends. The delimiter is found out, `\"` within quotes is a quote where it
 * must be, and a quote at the start of a field that nothing closes is a character: `form` says what was found. Line
 * ends within a text become `\n`. An empty text is kept; an empty label is an error.
 *
 * Throws `DatasetNotFoundError`, `DatasetOptionError`, and `DatasetFormatError` for a file that is empty or not UTF-8
 * (it names the encoding and how to convert it), for a column that is missing (it names those that are there), for a
 * row with too few or too many fields or without label (it names the line), for a quoted text whose lines would be
 * rows with labels that other rows have (a stray quote swallows rows so; it names line and column), and, unless
 * `labelEncoder` is given, where all rows have the same label.
 *
 * @example
 * const { rows, labelEncoder } = await readTextClassification("tickets.csv", { labelColumn: "queue" });
 */
export async function readTextClassification(
  path: string,
  options: TextClassificationOptions = {},
): Promise<TextClassification> {
  refuseUnknown("readTextClassification", options, { ...tableOptions, labelEncoder: true });
  const columns = { text: options.textColumn ?? "text", label: options.labelColumn ?? "label" };
  const read = tableReader(path, columns, options);
  const texts: string[] = [];
  const labels: string[] = [];
  const classes = options.labelEncoder && new Set(options.labelEncoder.classes);
  let form: TableForm;
  try {
    form = await read(({ text, label, line }) => {
      const name = label.trim();
      if (name === "") throw new DatasetFormatError(path, `line ${line} has no label in ${columns.label}`);
      if (classes?.has(name) === false) {
        throw new DatasetFormatError(
          path,
          `line ${line} has the label ${listed([name])}, not one of ${listed([...classes])}`,
        );
      }
      texts.push(text);
      labels.push(name);
    });
  } catch (error) {
    throw readError(error, dataset, path, `give the path of a ${tableFormats.join(", ")} file`);
  }
  if (texts.length === 0) throw new DatasetFormatError(path, "has no rows");
  const encoder = options.labelEncoder ?? labelEncoder(labels);
  if (encoder.classes.length < 2) {
    const all = `all ${texts.length} rows have the label ${listed(encoder.classes)} in ${columns.label}`;
    throw new DatasetFormatError(path, `${all}: a classifier needs two labels or more`);
  }
  return { rows: { texts, labels: encodeLabels(encoder, labels) }, labelEncoder: encoder, form };
}

/** The form that a file's name stands for, `.gz` behind it or not; `undefined` for any other name. */
export function tableFormatOf(path: string): TableFormat | undefined {
  const ending = endingOf(path);
  return tableFormats.find((format) => tableEndings[format].some((known) => known === ending));
}

function tableReader(path: string, columns: Columns, options: TableOptions): (visit: VisitRow) => Promise<TableForm> {
  const format = options.format ?? tableFormatOf(path);
  if (format === undefined || !tableFormats.includes(format)) {
    throw new DatasetOptionError(
      "format",
      `be ${tableFormats.join(", ")}, or the file's name end in one`,
      format ?? path,
    );
  }
  if (columns.text === columns.label) {
    throw new DatasetOptionError("labelColumn", "be another column than textColumn", columns.label);
  }
  if (format === "jsonl") {
    if (options.delimiter !== undefined)
      throw new DatasetOptionError("delimiter", "be left out for JSONL", options.delimiter);
    if (options.header === false) throw new DatasetOptionError("header", "be left out for JSONL", options.header);
    return async (visit) => {
      await readJsonLines(path, columns, visit);
      return { format };
    };
  }
  const { delimiter, header = true } = options;
  if (delimiter !== undefined && (delimiter.length !== 1 || /["\r\n]/.test(delimiter))) {
    throw new DatasetOptionError("delimiter", "be one character, neither a quote nor a line end", delimiter);
  }
  const written = {
    header,
    usualDelimiter: usualDelimiters[format],
    ...(delimiter === undefined ? {} : { delimiter }),
  };
  return async (visit) => ({ format, ...(await readDelimited(path, columns, written, visit)) });
}

const usualDelimiters = { csv: ",", tsv: "\t" } as const;
