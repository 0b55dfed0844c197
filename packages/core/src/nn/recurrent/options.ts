/** Reading the options of recurrences. */
import { ConfigError } from "../../errors.ts";
import { isRecord, OptionReader } from "../options.ts";

/** A reader that knows what Keras calls otherwise. @throws ConfigError for an option that is not among the `allowed` */
export function recurrenceReader(owner: string, options: unknown, allowed: readonly string[]): OptionReader {
  if (isRecord(options) && "goBackwards" in options)
    throw new ConfigError(
      `${owner} has no option "goBackwards"; write reverse: true, with which outputs stay in their places`,
    );
  return new OptionReader(owner, options, allowed);
}
