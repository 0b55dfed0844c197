/** Lines of a text file, none of them longer than a row may be. */
import { textLines } from "@ostinato/text";
import { DatasetFormatError } from "../errors.ts";
import { longestRow } from "./columns.ts";
import { textPieces } from "./text-pieces.ts";

async function* boundedPieces(path: string): AsyncGenerator<string> {
  /** Of the line that has begun. */
  let length = 0;
  let line = 1;
  for await (const piece of textPieces(path)) {
    const first = piece.indexOf("\n");
    if (length + (first < 0 ? piece.length : first) > longestRow)
      throw new DatasetFormatError(path, `line ${line} is longer than 16 MiB`);
    const last = piece.lastIndexOf("\n");
    length = last < 0 ? length + piece.length : piece.length - last - 1;
    for (let at = first; at >= 0; at = piece.indexOf("\n", at + 1)) line += 1;
    yield piece;
  }
}

/** The lines of a UTF-8 file without their ends, `\n` or `\r\n`, and without a byte order mark. Throws as `textPieces` does, and `DatasetFormatError` for a line of more than 16 MiB. */
export function boundedLines(path: string): AsyncGenerator<string> {
  return textLines(boundedPieces(path));
}
