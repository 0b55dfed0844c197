/** Lines of a text that comes in pieces, such as those of a file. */
import { shown, TextDataError } from "./errors.ts";

// Stands in every JavaScript engine that has streams, though not in the language's own library.
declare const TextDecoder: new (label: "utf-8") => { decode(bytes?: Uint8Array, options?: { stream: true }): string };

/** Pieces of a text, cut anywhere: bytes in UTF-8, or characters. */
export type TextPieces = Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>;

/**
 * The lines of a text, without their ends, `\n` or `\r\n`. Nothing else ends a line: `node:readline` also does so at `\r`, U+2028 and
 * U+2029, and breaks files whose words hold them. A byte order mark at the start is left out; bytes that are not UTF-8 become U+FFFD.
 *
 * Throws `TextDataError` for a piece that is neither bytes nor a string.
 *
 * @param pieces such as `createReadStream(path)` of Node, or the body of a response to `fetch`
 *
 * @example
 * for await (const line of textLines(createReadStream("glove.6B.100d.txt"))) console.log(line);
 */
export async function* textLines(pieces: TextPieces): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8");
  /** The line that has begun; joined once, for it may be long. */
  let begun: string[] = [];
  let isFirst = true;
  let number = 0;
  for await (const piece of pieces) {
    let text = textOf(piece, number++, decoder);
    if (isFirst && text !== "") {
      if (text.startsWith("\uFEFF")) text = text.slice(1);
      isFirst = false;
    }
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      begun.push(text.slice(start, end));
      const line = begun.join("");
      yield line.endsWith("\r") ? line.slice(0, -1) : line;
      begun = [];
      start = end + 1;
    }
    if (start < text.length) begun.push(text.slice(start));
  }
  const rest = begun.join("") + decoder.decode();
  if (rest !== "") yield rest;
}

function textOf(piece: unknown, number: number, decoder: InstanceType<typeof TextDecoder>): string {
  if (typeof piece === "string") return piece;
  if (ArrayBuffer.isView(piece))
    return decoder.decode(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength), { stream: true });
  throw new TextDataError(`piece ${number + 1} of the text`, `must be bytes or a string, got ${shown(piece)}`);
}
