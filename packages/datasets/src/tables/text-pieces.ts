/** A text file piece by piece, checked to be UTF-8. */
import { isUtf8 } from "node:buffer";
import { binaryProblem } from "../binary.ts";
import { foreignEncoding, foreignEncodingProblem, notUtf8Remedy } from "../encoding.ts";
import { DatasetFormatError } from "../errors.ts";
import { fileBytes } from "../gzip.ts";

/**
 * The characters of a file without its byte order mark; one that is compressed with gzip is unpacked. Throws `DatasetFormatError` for an empty file, for an archive or a workbook, and for bytes
 * that are not UTF-8 with the line, the encoding that they seem to be in, and what to do.
 */
export async function* textPieces(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let isEmpty = true;
  let line = 1;
  for await (const bytes of fileBytes(path)) {
    const binary = isEmpty ? binaryProblem(bytes) : undefined;
    if (binary !== undefined) throw new DatasetFormatError(path, binary);
    const foreign = isEmpty ? foreignEncoding(bytes) : undefined;
    if (foreign !== undefined) throw new DatasetFormatError(path, foreignEncodingProblem(foreign));
    isEmpty = false;
    let text: string;
    try {
      text = decoder.decode(bytes, { stream: true });
    } catch (error) {
      const problem = `is not UTF-8 in line ${line + brokenLine(bytes)}; ${notUtf8Remedy(bytes)}`;
      throw new DatasetFormatError(path, problem, { cause: error });
    }
    yield text;
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) line += 1;
  }
  if (isEmpty) throw new DatasetFormatError(path, "is empty");
  try {
    decoder.decode();
  } catch (error) {
    throw new DatasetFormatError(path, `is not UTF-8 in line ${line}, its last: it ends within a character`, {
      cause: error,
    });
  }
}

const newline = 0x0a;

/** Newlines before the first bytes that are not UTF-8, of which there are some. */
function brokenLine(bytes: Uint8Array): number {
  // The piece may begin within a character.
  let start = 0;
  while (start < 3 && bytes[start]! >= 0x80 && bytes[start]! < 0xc0) start++;
  for (let lines = 0; ; lines++) {
    const end = bytes.indexOf(newline, start);
    if (end < 0) return isUtf8(bytes.subarray(start, wholeCharacters(bytes))) ? 0 : lines;
    if (!isUtf8(bytes.subarray(start, end))) return lines;
    start = end + 1;
  }
}

/** The length without a character that the end cuts off. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte >= 0xc0) return bytes.length - back;
    if (byte < 0x80) break;
  }
  return bytes.length;
}
