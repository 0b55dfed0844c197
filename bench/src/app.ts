/** Runs a command of an app, and reads the events that it prints. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** An event of an app, as `--json` prints it. */
export interface Event {
  readonly event: string;
  readonly [figure: string]: unknown;
}

/** The events of a command by name, the first of each. @throws where the command fails, and for an event that did not come */
export async function runApp(app: "imdb" | "translate", args: readonly string[]): Promise<(name: string) => Event> {
  const main = fileURLToPath(new URL(`../../apps/${app}/src/main.ts`, import.meta.url));
  const flags = ["--conditions=@ostinato/source", "--disable-warning=ExperimentalWarning"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, main, ...args, "--json"], {
    maxBuffer: 2 ** 26,
  });
  const events: Event[] = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return (name) => {
    const found = events.find(({ event }) => event === name);
    if (!found) throw new Error(`${app} ${args[0]} printed no event ${name}`);
    return found;
  };
}
