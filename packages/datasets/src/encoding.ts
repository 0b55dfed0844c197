/** Texts that are not UTF-8: which encoding they are in, and how to convert them. */

/** An encoding that is not read, by its usual name and by the one that `iconv` knows. */
export interface ForeignEncoding {
  readonly name: string;
  readonly iconv: string;
}

/** As many bytes tell UTF-16 without a byte order mark. */
const looked = 4096;

/**
 * The encoding of a text that begins with these bytes, where it is UTF-16 or UTF-32: by its byte order mark, or by the
 * zero bytes that stand beside ASCII characters. `undefined` for anything else, UTF-8 and Latin-1 among it.
 *
 * @example
 * foreignEncoding(Buffer.from("text", "utf16le")); // { name: "UTF-16 (little-endian)", iconv: "UTF-16LE" }
 */
export function foreignEncoding(bytes: Uint8Array): ForeignEncoding | undefined {
  const mark = Array.from(bytes.subarray(0, 4)).join();
  if (mark === "255,254,0,0" || mark === "0,0,254,255") return { name: "UTF-32", iconv: "UTF-32" };
  if (mark.startsWith("255,254")) return { name: "UTF-16 (little-endian)", iconv: "UTF-16" };
  if (mark.startsWith("254,255")) return { name: "UTF-16 (big-endian)", iconv: "UTF-16" };
  const zeros = [0, 0];
  const length = Math.min(bytes.length, looked);
  for (let index = 0; index < length; index++) if (bytes[index] === 0) zeros[index % 2]! += 1;
  const [even = 0, odd = 0] = zeros;
  // A comma, a space and a line end are ASCII in every language; one zero may be anything.
  const few = Math.max(1, length / 64);
  if (odd > 4 * even && odd > few) return { name: "UTF-16 (little-endian)", iconv: "UTF-16LE" };
  if (even > 4 * odd && even > few) return { name: "UTF-16 (big-endian)", iconv: "UTF-16BE" };
  return undefined;
}

/** Completes "the file …" for a text in an encoding that is not read. */
export function foreignEncodingProblem({ name, iconv }: ForeignEncoding): string {
  return `is not UTF-8 but ${name}: save it as UTF-8, or convert it: iconv -f ${iconv} -t UTF-8`;
}

const latin1Remedy =
  "it may be Latin-1 (Windows-1252): save it as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8";

/** What is likely wrong with bytes that are not UTF-8: in a text they are mostly Latin-1, and text has no zero bytes. */
export const notUtf8Remedy = (bytes: Uint8Array): string =>
  bytes.includes(0) ? "it has zero bytes, so it is probably not a text file" : latin1Remedy;
