/** The options of a measurement; what is wrong with them is told in a line, with the help. */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";

/** `more`: whether something may stand behind them. */
export function readOptions<const O extends ParseArgsOptionsConfig>(help: string, options: O, more = false) {
  try {
    return parseArgs({ options, allowPositionals: more });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${help}`);
    process.exit(2);
  }
}
