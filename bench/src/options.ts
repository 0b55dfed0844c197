/** The options of a measurement; what is wrong with them is told in a line, with the help. */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";

export function readOptions<const O extends ParseArgsOptionsConfig>(help: string, options: O) {
  try {
    return parseArgs({ options });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${help}`);
    process.exit(2);
  }
}
