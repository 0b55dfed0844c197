/** Limits for what is made from an untrusted file. */
import { ModelFileError } from "@ostinato/core";

/** The maximum size of decompressed data, as a multiple of the file size. Well-compressed weights shrink to half, not to a tenth. */
const UNFOLDED = 10;

/** @throws ModelFileError if `what` would exceed the limit for a file of `file` bytes */
export function expectUnderLimit(what: string, bytes: number, file: number): void {
  if (bytes > UNFOLDED * file)
    throw new ModelFileError(
      `${what} would decompress to ${bytes} bytes, more than ${UNFOLDED} times the file size (${file} bytes); save it without compression`,
    );
}
