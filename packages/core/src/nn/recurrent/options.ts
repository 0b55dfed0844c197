/** The options that all recurrences have. */
import { ConfigError } from "../../errors.ts";
import type { BuildContext, Carry } from "../layer.ts";
import { isRecord, OptionReader } from "../options.ts";

/** A reader that knows what Keras calls otherwise. @throws ConfigError for an option that is not among the `allowed` */
export function recurrenceReader(owner: string, options: unknown, allowed: readonly string[]): OptionReader {
  if (isRecord(options) && "goBackwards" in options)
    throw new ConfigError(
      `${owner} has no option "goBackwards"; write reverse: true, with which outputs stay in their places`,
    );
  return new OptionReader(owner, options, allowed);
}

/** The option `stateful`. @throws ConfigError where the layer reads rows from their ends */
export function readStateful(read: OptionReader, owner: string, reverse: boolean): boolean {
  const stateful = read.boolean("stateful", false);
  if (stateful && reverse)
    throw new ConfigError(
      `${owner}: stateful does not go with reverse: read from the end, a row begins with what the next batch has, which is not known yet; leave out one of them`,
    );
  return stateful;
}

/** How the states of this layer go on; undefined where it begins anew. */
export const carryOf = ({ carry }: BuildContext, stateful: boolean): Carry | undefined =>
  stateful || carry?.always ? carry : undefined;
