/** The command line of the example of trees. */
import { run } from "./cli.ts";

const { stdin, stdout, stderr } = process;
process.exitCode = await run(process.argv.slice(2), { stdin, stdout, stderr });
