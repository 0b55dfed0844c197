/** Lines of a byte stream, in the batches in which they come. */
import { isUtf8 } from "node:buffer";
import { type ForeignEncoding, foreignEncoding } from "@ostinato/datasets";

export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** Every byte was valid; broken ones are U+FFFD in the text. */
  readonly valid: boolean;
}

const newline = 0x0a;
const carriageReturn = 0x0d;

/** A line that is longer than any text. */
export class LineTooLongError extends Error {
  override readonly name = "LineTooLongError";
}

/** A stream that is no UTF-8. */
export class ForeignEncodingError extends Error {
  override readonly name = "ForeignEncodingError";

  constructor({ name, iconv }: ForeignEncoding) {
    super(`standard input is ${name}, not UTF-8; convert it: iconv -f ${iconv} -t UTF-8`);
  }
}

const byteOrderMark = Buffer.of(0xef, 0xbb, 0xbf);

/**
 * The lines that end in each chunk, without their line ends and the stream's byte order mark; the last line need not have
 * an end. Never yields an empty batch. Throws `ForeignEncodingError` for a stream that begins as UTF-16 does.
 */
export async function* lineBatches(bytes: AsyncIterable<Uint8Array>, longest: number): AsyncGenerator<Line[]> {
  let begun: Uint8Array[] = [];
  let size = 0;
  let number = 0;
  const finish = (): Line => {
    const whole = Buffer.concat(begun);
    const marked = number === 0 && whole.subarray(0, 3).equals(byteOrderMark);
    const line = marked ? whole.subarray(3) : whole;
    begun = [];
    size = 0;
    number += 1;
    const text = line.at(-1) === carriageReturn ? line.subarray(0, -1) : line;
    return { text: text.toString("utf8"), number, valid: isUtf8(text) };
  };
  const take = (part: Uint8Array): void => {
    size += part.length;
    if (size > longest) throw new LineTooLongError(`line ${number + 1} is longer than ${longest} bytes`);
    begun.push(part);
  };
  let first = true;
  for await (const chunk of bytes) {
    const foreign = first ? foreignEncoding(chunk) : undefined;
    if (foreign !== undefined) throw new ForeignEncodingError(foreign);
    first = false;
    const lines: Line[] = [];
    let from = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      take(chunk.subarray(from, end));
      lines.push(finish());
      from = end + 1;
    }
    if (from < chunk.length) take(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (size > 0) yield [finish()];
}
