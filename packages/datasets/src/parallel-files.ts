/** Parallel texts as rows of a source and all its targets, from tables or from two files. */
import { DatasetFormatError, refuseUnknown } from "./errors.ts";
import { type ParallelText, parallelRows } from "./parallel-text.ts";
import {
  type ParallelTextOptions,
  parallelTextOptions,
  type TextPair,
  type TextPairFiles,
  textPairsOf,
} from "./text-pairs.ts";

async function rowsOf(pairs: AsyncIterable<TextPair>, files: TextPairFiles): Promise<ParallelText[]> {
  const [sourcePath, targetPath] = typeof files === "string" ? [files, files] : files;
  const found = parallelRows();
  for await (const { source, target, line } of pairs) {
    if (source === "" && target === "" && typeof files !== "string") continue;
    if (source === "") throw new DatasetFormatError(sourcePath, `line ${line} has no source`);
    if (target === "") throw new DatasetFormatError(targetPath, `line ${line} has no target`);
    found.add(source, target);
  }
  const rows = found.rows();
  if (rows.length === 0) throw new DatasetFormatError(sourcePath, "has no rows");
  return rows;
}

/**
 * Reads a file with a source and its target on each line, separated by a tab. Rows of one source are one, with several targets; targets that are alike are one. Space around texts does not count, and blank
 * lines are passed over; lines may end in CR LF, and a byte order mark is left out. More columns may follow. In a file whose name ends in `.csv` there are commas between columns, and texts may be in quotes (RFC 4180).
 *
 * Throws as `textPairsOf`, and `DatasetFormatError` for a line without a source or a target, and for a file without rows.
 *
 * @example
 * const rows = await readParallelText("german-english.tsv"); // "Guten Tag\tGood day"
 * rows[0]; // { source: "Guten Tag", targets: ["Good day"] }
 */
export async function readParallelText(path: string, options: ParallelTextOptions = {}): Promise<ParallelText[]> {
  refuseUnknown("readParallelText", options, parallelTextOptions);
  return rowsOf(textPairsOf(path, options), path);
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
  const files = [sourcePath, targetPath] as const;
  return rowsOf(textPairsOf(files), files);
}
