/** Pairs of a text and its translation, one after the other: from a table with a column of each, or from two files line by line. */
import { DatasetFormatError, DatasetOptionError, MissingColumnError, refuseUnknown } from "./errors.ts";
import { excerpt } from "./excerpt.ts";
import { endingOf } from "./gzip.ts";
import { readError } from "./read-error.ts";
import { boundedLines } from "./tables/bounded-lines.ts";
import { delimitedRows } from "./tables/delimited-rows.ts";

/** A text and its translation, without the space around them; either may be empty. */
export interface TextPair {
  readonly source: string;
  readonly target: string;
  /** Where it begins in its file, from 1 on. */
  readonly line: number;
}

/** Where pairs are: a table, or two files of which each line of the one belongs to that line of the other. */
export type TextPairFiles = string | readonly [sourcePath: string, targetPath: string];

/** How a table of parallel texts is written. */
export type ParallelFormat = "tsv" | "csv";

/** How a table of parallel texts is read. */
export interface ParallelTextOptions {
  /** `"csv"` for a file whose name ends in `.csv` (or `.csv.gz`), else `"tsv"`. */
  readonly format?: ParallelFormat;
  /** The column of the sources, from 1 on. Default 1. */
  readonly sourceColumn?: number;
  /** The column of the targets, from 1 on. Default 2. */
  readonly targetColumn?: number;
  /** Whether the first line names the columns, and is passed over. Default false. */
  readonly header?: boolean;
}

export const parallelTextOptions: Record<keyof ParallelTextOptions, true> = {
  format: true,
  sourceColumn: true,
  targetColumn: true,
  header: true,
};

interface Columns {
  readonly source: number;
  readonly target: number;
}

const dataset = "parallel text";
const remedy = "give the path of a file with a source and its target on each line, separated by a tab";
const columnRemedy = "name the columns by their numbers with sourceColumn and targetColumn";

const columns = (count: number): string => (count === 1 ? "1 column" : `${count} columns`);

/** A tab is a column's end and a quote is a quote: texts hold quotes, and programs that write such files do not double them. */
async function* tabbed(path: string, { source, target }: Columns): AsyncGenerator<TextPair> {
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
        first.width === 1 ? "source and target must be separated by a tab" : columnRemedy,
      );
    if (fields.length !== first.width)
      throw new DatasetFormatError(
        path,
        `line ${line} has ${columns(fields.length)}, line ${first.line} has ${first.width}: "${excerpt(text)}"`,
      );
    yield { source: (fields[source - 1] as string).trim(), target: (fields[target - 1] as string).trim(), line };
  }
}

async function* quoted(path: string, { source, target }: Columns): AsyncGenerator<TextPair> {
  const names = { text: String(source), label: String(target) };
  try {
    for await (const rows of delimitedRows(path, names, { header: false, delimiter: ",", usualDelimiter: "," }))
      for (const { text, label, line } of rows) yield { source: text.trim(), target: label.trim(), line };
  } catch (error) {
    if (!(error instanceof MissingColumnError)) throw error;
    throw new MissingColumnError(path, error.column, error.problem, columnRemedy);
  }
}

const readers = { tsv: tabbed, csv: quoted } satisfies Record<ParallelFormat, unknown>;

function columnOf(option: "sourceColumn" | "targetColumn", value: number): number {
  if (!(Number.isSafeInteger(value) && value >= 1))
    throw new DatasetOptionError(option, "be the number of a column, from 1 on", value);
  return value;
}

function tablePairs(path: string, options: ParallelTextOptions): AsyncGenerator<TextPair> {
  const format = options.format ?? (endingOf(path) === ".csv" ? "csv" : "tsv");
  if (!Object.hasOwn(readers, format)) throw new DatasetOptionError("format", 'be "tsv" or "csv"', format);
  const source = columnOf("sourceColumn", options.sourceColumn ?? 1);
  const target = columnOf("targetColumn", options.targetColumn ?? 2);
  if (source === target) throw new DatasetOptionError("targetColumn", "be another column than sourceColumn", target);
  return withoutHeader(path, readers[format](path, { source, target }), options.header === true);
}

async function* withoutHeader(
  path: string,
  pairs: AsyncIterable<TextPair>,
  hasHeader: boolean,
): AsyncGenerator<TextPair> {
  let passOver = hasHeader;
  try {
    for await (const pair of pairs)
      if (passOver) passOver = false;
      else yield pair;
  } catch (error) {
    throw readError(error, dataset, path, remedy);
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  try {
    yield* boundedLines(path);
  } catch (error) {
    throw readError(error, dataset, path, "give the paths of two files with as many lines");
  }
}

async function* linePairs(sourcePath: string, targetPath: string): AsyncGenerator<TextPair> {
  const sources = linesOf(sourcePath);
  const targets = linesOf(targetPath);
  try {
    for (let line = 1; ; line++) {
      const [said, written] = [await sources.next(), await targets.next()];
      if (said.done === true && written.done === true) return;
      if (said.done === true || written.done === true) {
        const [shorter, longer] = said.done === true ? [sourcePath, targetPath] : [targetPath, sourcePath];
        throw new DatasetFormatError(
          shorter,
          `has ${line === 2 ? "1 line" : `${line - 1} lines`}, and ${longer} has more; both files need the same number of lines`,
        );
      }
      yield { source: said.value.trim(), target: written.value.trim(), line };
    }
  } finally {
    // Closes the files where one of them is not read to its end.
    await Promise.all([sources.return(undefined), targets.return(undefined)]);
  }
}

/**
 * The pairs of a table or of two files, one after the other: files may be larger than memory, and may be compressed with gzip. Pairs of two files are all their lines, empty texts among them, so that lines
 * keep their numbers; of a table blank lines are passed over. Space around texts does not count; lines may end in CR LF, and a byte order mark is left out.
 *
 * Throws `DatasetNotFoundError` where there is no file, `MissingColumnError` where it has no such column, and `DatasetFormatError`, with the line, for a row of another number of columns than the first, for
 * a line longer than 16 MiB, for a file that is empty or not UTF-8, and for two files of which one has more lines.
 *
 * @param files the path of a table, tabs between its columns, or the paths of two files
 * @param options of a table; two files take none
 *
 * @example
 * for await (const { source, target, line } of textPairsOf(["train.de.gz", "train.en.gz"])) console.log(line, source, target);
 */
export function textPairsOf(files: TextPairFiles, options: ParallelTextOptions = {}): AsyncGenerator<TextPair> {
  refuseUnknown("textPairsOf", options, parallelTextOptions);
  if (typeof files === "string") return tablePairs(files, options);
  if (!Array.isArray(files) || files.length !== 2 || files.some((path) => typeof path !== "string"))
    throw new DatasetOptionError("files", "be a path or two paths", files);
  const [given] = Object.entries(options).filter(([, value]) => value !== undefined);
  if (given !== undefined) throw new DatasetOptionError(given[0], "be left out: two files have no columns", given[1]);
  return linePairs(...(files as [string, string]));
}
