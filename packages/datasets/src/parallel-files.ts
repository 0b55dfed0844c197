/** Parallel texts from files: a table with a column of sources and one of targets, or two files line by line. */
import { DatasetFormatError, DatasetOptionError, MissingColumnError, refuseUnknown } from "./errors.ts";
import { excerpt } from "./excerpt.ts";
import { endingOf } from "./gzip.ts";
import { type ParallelText, parallelRows } from "./parallel-text.ts";
import { readError } from "./read-error.ts";
import { boundedLines } from "./tables/bounded-lines.ts";
import { readDelimited } from "./tables/delimited-rows.ts";

/** How a table of parallel texts is written. */
export type ParallelFormat = "tsv" | "csv";

/** Options of `readParallelText`. */
export interface ParallelTextOptions {
  /** `"csv"` for a file whose name ends in `.csv`, else `"tsv"`. */
  readonly format?: ParallelFormat;
  /** The column of the sources, from 1 on. Default 1. */
  readonly sourceColumn?: number;
  /** The column of the targets, from 1 on. Default 2. */
  readonly targetColumn?: number;
  /** Whether the first line names the columns, and is passed over. Default false. */
  readonly header?: boolean;
}

/** The fields of each row that is not blank, and its line. */
type VisitFields = (source: string, target: string, line: number) => void;

interface Columns {
  readonly source: number;
  readonly target: number;
}

const dataset = "parallel text";
const remedy = "give the path of a file with a source and its target on each line, a tab between them";

const columnRemedy = "name the columns by their numbers with sourceColumn and targetColumn";

/** A tab is a column's end and a quote is a quote: texts hold quotes, and programs that write such files do not double them. */
async function visitTabbed(path: string, { source, target }: Columns, visit: VisitFields): Promise<void> {
  let line = 0;
  let first: { readonly line: number; readonly width: number } | undefined;
  for await (const text of boundedLines(path)) {
    line += 1;
    if (text.trim() === "") continue;
    const fields = text.split("\t");
    first ??= { line, width: fields.length };
    const wanted = Math.max(source, target);
    if (first.width < wanted)
      throw new MissingColumnError(
        path,
        String(wanted),
        `line ${line} has ${columns(first.width)}: "${excerpt(text)}"`,
        first.width === 1 ? "a tab is wanted between source and target" : columnRemedy,
      );
    if (fields.length !== first.width)
      throw new DatasetFormatError(
        path,
        `line ${line} has ${columns(fields.length)}, line ${first.line} has ${first.width}: "${excerpt(text)}"`,
      );
    visit(fields[source - 1] as string, fields[target - 1] as string, line);
  }
}

async function visitQuoted(path: string, { source, target }: Columns, visit: VisitFields): Promise<void> {
  const names = { text: String(source), label: String(target) };
  try {
    await readDelimited(path, names, { header: false, delimiter: ",", usualDelimiter: "," }, ({ text, label, line }) =>
      visit(text, label, line),
    );
  } catch (error) {
    if (!(error instanceof MissingColumnError)) throw error;
    throw new MissingColumnError(path, error.column, error.problem, columnRemedy);
  }
}

const visitors = { tsv: visitTabbed, csv: visitQuoted } satisfies Record<ParallelFormat, unknown>;

const columns = (count: number): string => (count === 1 ? "1 column" : `${count} columns`);

/** A text that is not blank, without the space around it. */
function expectText(path: string, what: "source" | "target", text: string, line: number): string {
  const trimmed = text.trim();
  if (trimmed === "") throw new DatasetFormatError(path, `line ${line} has no ${what}`);
  return trimmed;
}

function columnOf(option: "sourceColumn" | "targetColumn", value: number): number {
  if (!(Number.isSafeInteger(value) && value >= 1))
    throw new DatasetOptionError(option, "be the number of a column, from 1 on", value);
  return value;
}

/**
 * Reads a file with a source and its target on each line, a tab between them. Rows of one source are one, with several targets; targets that are alike are one. Space around texts does not count, and blank
 * lines are passed over; lines may end in CR LF, and a byte order mark is left out. More columns may follow. In a file whose name ends in `.csv` there are commas between columns, and texts may be in quotes (RFC 4180).
 *
 * Throws `DatasetNotFoundError` where there is no file, `MissingColumnError` where it has no such column, and `DatasetFormatError`, with the line, for one without a source or a target, or of another number of
 * columns than the first, or longer than 16 MiB, and for a file that is empty or not UTF-8.
 *
 * @example
 * const rows = await readParallelText("german-english.tsv"); // "Guten Tag\tGood day"
 * rows[0]; // { source: "Guten Tag", targets: ["Good day"] }
 */
export async function readParallelText(path: string, options: ParallelTextOptions = {}): Promise<ParallelText[]> {
  refuseUnknown("readParallelText", options, {
    format: true,
    sourceColumn: true,
    targetColumn: true,
    header: true,
  } satisfies Record<keyof ParallelTextOptions, true>);
  const format = options.format ?? (endingOf(path) === ".csv" ? "csv" : "tsv");
  if (!Object.hasOwn(visitors, format)) throw new DatasetOptionError("format", 'be "tsv" or "csv"', format);
  const source = columnOf("sourceColumn", options.sourceColumn ?? 1);
  const target = columnOf("targetColumn", options.targetColumn ?? 2);
  if (source === target) throw new DatasetOptionError("targetColumn", "be another column than sourceColumn", target);
  const found = parallelRows();
  let passOver = options.header === true;
  try {
    await visitors[format](path, { source, target }, (said, written, line) => {
      if (passOver) passOver = false;
      else found.add(expectText(path, "source", said, line), expectText(path, "target", written, line));
    });
  } catch (error) {
    throw readError(error, dataset, path, remedy);
  }
  return withRows(path, found.rows());
}

function withRows(path: string, rows: ParallelText[]): ParallelText[] {
  if (rows.length === 0) throw new DatasetFormatError(path, "has no rows");
  return rows;
}

/**
 * Reads two files of which each line of the one is the source of that line of the other, as corpora for translation come. Otherwise as `readParallelText`; lines that are blank in both are passed over.
 *
 * Throws as `readParallelText`, and `DatasetFormatError` where the files have not as many lines.
 *
 * @example
 * const rows = await readParallelFiles("train.de", "train.en");
 */
export async function readParallelFiles(sourcePath: string, targetPath: string): Promise<ParallelText[]> {
  const found = parallelRows();
  const linesOf = async function* (path: string): AsyncGenerator<string> {
    try {
      yield* boundedLines(path);
    } catch (error) {
      throw readError(error, dataset, path, "give the paths of two files with as many lines");
    }
  };
  const sources = linesOf(sourcePath);
  const targets = linesOf(targetPath);
  try {
    for (let line = 1; ; line++) {
      const [said, written] = [await sources.next(), await targets.next()];
      if (said.done === true && written.done === true) break;
      if (said.done === true || written.done === true) {
        const [shorter, longer] = said.done === true ? [sourcePath, targetPath] : [targetPath, sourcePath];
        throw new DatasetFormatError(
          shorter,
          `ends before line ${line}, which ${longer} has; each line of the one belongs to that line of the other`,
        );
      }
      if (said.value.trim() === "" && written.value.trim() === "") continue;
      const source = expectText(sourcePath, "source", said.value, line);
      found.add(source, expectText(targetPath, "target", written.value, line));
    }
  } finally {
    // Closes the files where one of them is not read to its end.
    await Promise.all([sources.return(undefined), targets.return(undefined)]);
  }
  return withRows(sourcePath, found.rows());
}
