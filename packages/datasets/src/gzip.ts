/** Bytes and names of files that may be compressed with gzip. */
import { createReadStream } from "node:fs";
import { extname } from "node:path";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { DatasetFormatError } from "./errors.ts";
import { codeOf } from "./read-error.ts";

const pieceSize = 2 ** 18;

/** The ending of a file's name in lower case, of `rows.csv.gz` that of `rows.csv`. */
export function endingOf(path: string): string {
  const ending = extname(path).toLowerCase();
  return ending === ".gz" ? extname(path.slice(0, -ending.length)).toLowerCase() : ending;
}

async function* beginningWith(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

async function* unpacked(path: string, packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: pieceSize });
  // Iterating over the end of the pipeline throws what goes wrong on the way.
  pipeline(Readable.from(packed), gunzip, () => {});
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (!codeOf(error).startsWith("Z_")) throw error;
    const problem = `is compressed with gzip and cannot be unpacked: it is damaged or cut off (${(error as Error).message})`;
    throw new DatasetFormatError(path, problem, { cause: error });
  }
}

/**
 * The bytes of a file, unpacked where it begins as gzip does, whatever its name. Throws `DatasetFormatError` for a file that is damaged or cut off, and for one that is named as if it were compressed and is
 * not.
 */
export async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  const pieces = createReadStream(path, { highWaterMark: pieceSize })[Symbol.asyncIterator]();
  const rest = { [Symbol.asyncIterator]: () => pieces } as AsyncIterable<Uint8Array>;
  try {
    const { value: first, done } = await pieces.next();
    if (done === true) return;
    const all = beginningWith(first, rest);
    const isPacked = first[0] === 0x1f && first[1] === 0x8b;
    if (!isPacked && extname(path).toLowerCase() === ".gz")
      throw new DatasetFormatError(path, "is not compressed with gzip; if it was unpacked, take .gz off its name");
    yield* isPacked ? unpacked(path, all) : all;
  } finally {
    // Closes a file that is not read to its end.
    await pieces.return?.();
  }
}
