/** Files of lines, written as they are made. */
import { rename, rm, writeFile } from "node:fs/promises";

/** Writes a line for each item, in pieces of some size. The file is there whole or not at all: where an item cannot be written, what was there before stays. */
export async function writeLines<T>(
  path: string,
  items: Iterable<T> | AsyncIterable<T>,
  lineOf: (item: T) => string,
): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    await writeFile(part, piecesOf(items, lineOf));
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

const pieceLength = 2 ** 16;

async function* piecesOf<T>(
  items: Iterable<T> | AsyncIterable<T>,
  lineOf: (item: T) => string,
): AsyncGenerator<string> {
  let lines: string[] = [];
  let length = 0;
  for await (const item of items) {
    const line = lineOf(item);
    lines.push(line, "\n");
    length += line.length;
    if (length < pieceLength) continue;
    yield lines.join("");
    [lines, length] = [[], 0];
  }
  yield lines.join("");
}
