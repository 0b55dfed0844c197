/** How much may be made of a file from anywhere. */
import { ModelFileError } from "@ostinato/core";

/** Nothing that is made of a file is longer than so many times the file: weights that were packed well have half their size, not a tenth. */
const UNFOLDED = 10;

/** @throws ModelFileError where `what` is longer than a file of so many bytes may become */
export function expectUnderLimit(what: string, bytes: number, file: number): void {
  if (bytes > UNFOLDED * file)
    throw new ModelFileError(
      `${what} would unpack to ${bytes} bytes, more than ${UNFOLDED} times the ${file} bytes of the file; save it without compression`,
    );
}
