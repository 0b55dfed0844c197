/** A file piece by piece, checked to be UTF-8. */
import { createReadStream } from "node:fs";
import { DatasetFormatError } from "../errors.ts";

export interface Utf8Chunk {
  readonly bytes: Uint8Array;
  /** The characters that end in these bytes; without a byte order mark. */
  readonly text: string;
}

/** Throws `DatasetFormatError` for bytes that are not UTF-8, and for an empty file. */
export async function* utf8Chunks(path: string): AsyncGenerator<Utf8Chunk> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decoded = (bytes?: Uint8Array) => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (error) {
      throw new DatasetFormatError(path, "is not UTF-8: save it in that encoding and try again", { cause: error });
    }
  };
  let isEmpty = true;
  for await (const bytes of createReadStream(path, { highWaterMark: 2 ** 18 })) {
    isEmpty = false;
    yield { bytes, text: decoded(bytes) };
  }
  if (isEmpty) throw new DatasetFormatError(path, "is empty");
  decoded();
}
