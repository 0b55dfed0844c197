/** Child processes whose output is kept, and a few of them at a time. */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";

export interface Finished {
  readonly code: number;
  readonly output: string;
  readonly seconds: number;
}

/** Runs a command with its standard input closed; resolves when it ends, with what it printed on both outputs. */
export function run(command: string, args: readonly string[], cwd: string, timeoutSeconds = 240): Promise<Finished> {
  return new Promise((resolve) => {
    const begin = performance.now();
    const child = spawn(command, args, {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutSeconds * 1000,
      shell: process.platform === "win32",
    });
    let output = "";
    const collect = (chunk: string) => {
      output += chunk;
    };
    child.stdout.setEncoding("utf8").on("data", collect);
    child.stderr.setEncoding("utf8").on("data", collect);
    const finish = (code: number) => resolve({ code, output, seconds: (performance.now() - begin) / 1000 });
    child.on("error", (error) => {
      output += `${command}: ${error.message}\n`;
      finish(127);
    });
    child.on("close", (code, signal) => {
      if (signal !== null) output += `${command} was ended by ${signal} (limit ${timeoutSeconds} s)\n`;
      finish(code ?? 1);
    });
  });
}

/** Maps over items with as many at once as there are cores; results keep the order of the items. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = [...items.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}
