/** Runs a command of an app, and reads the events that it prints. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** An event of an app, as `--json` prints it. */
export interface Event {
  readonly event: string;
  readonly [figure: string]: unknown;
}

/** The events of a command by name, the first of each; `hear` is told of all of them as they come. @throws where the command fails, and for an event that did not come */
export async function runApp(
  app: "imdb" | "translate",
  args: readonly string[],
  hear?: (event: Event) => void,
): Promise<(name: string) => Event> {
  const main = fileURLToPath(new URL(`../../apps/${app}/src/main.ts`, import.meta.url));
  const flags = ["--conditions=@ostinato/source", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, main, ...args, "--json"], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  let said = "";
  child.stderr.on("data", (data: Buffer) => {
    said = (said + String(data)).slice(-2000);
  });
  const events = new Map<string, Event>();
  for await (const line of createInterface({ input: child.stdout })) {
    const event: Event = JSON.parse(line);
    if (!events.has(event.event)) events.set(event.event, event);
    hear?.(event);
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`${app} ${args[0]} ended with ${code}: ${said.trim()}`);
  return (name) => {
    const found = events.get(name);
    if (!found) throw new Error(`${app} ${args[0]} printed no event ${name}`);
    return found;
  };
}
