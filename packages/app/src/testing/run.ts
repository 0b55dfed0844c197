/** Runs an app for its tests: as a process of its own, or inside this one, which is quicker. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";
import type { Environment } from "../app.ts";
import type { Stream } from "../output.ts";

/** What a run has come to. */
export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one app. */
export interface AppRunner {
  /** Starts the app; relative paths of its arguments start at `cwd`. */
  spawnCli(args: readonly string[], cwd?: string): ChildProcessWithoutNullStreams;
  /** Runs the app in a process, with `input` on its standard input, to its end. */
  runProcess(
    args: readonly string[],
    options?: { readonly cwd?: string; readonly input?: string | Uint8Array },
  ): Promise<Result>;
  /** Runs the app inside this process. */
  runInside(args: readonly string[], input?: readonly Uint8Array[]): Promise<Result>;
  /** A new folder, gone when the test has ended. */
  temporaryFolder(): string;
  /** A new folder, gone when the tests of the file have ended. */
  lastingFolder(): string;
}

/** A runner of the app `name`, whose program is the file `main`, and whose command lines `run` takes. */
export function appRunner(
  name: string,
  main: string,
  run: (args: readonly string[], environment: Environment) => Promise<number>,
): AppRunner {
  const newFolder = () => mkdtempSync(join(tmpdir(), `${name}-test-`));
  const spawnCli: AppRunner["spawnCli"] = (args, cwd = tmpdir()) => {
    const { INIT_CWD: _, ...env } = process.env;
    return spawn(process.execPath, ["--conditions=@ostinato/source", main, ...args], { cwd, env });
  };
  return {
    spawnCli,
    runProcess(args, { cwd, input = "" } = {}) {
      const child = spawnCli(args, cwd);
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      child.stdout.on("data", (data: Buffer) => out.push(data));
      child.stderr.on("data", (data: Buffer) => err.push(data));
      child.stdin.on("error", () => {}); // the app may end before it has read all
      child.stdin.end(input);
      return new Promise((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code) => {
          resolve({ code, stdout: Buffer.concat(out).toString("utf8"), stderr: Buffer.concat(err).toString("utf8") });
        });
      });
    },
    async runInside(args, input = []) {
      const [stdout, stderr] = [recorder(), recorder()];
      async function* stdin() {
        yield* input;
      }
      const code = await run(args, { stdin: stdin(), stdout, stderr });
      return { code, stdout: stdout.text(), stderr: stderr.text() };
    },
    temporaryFolder() {
      const folder = newFolder();
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      return folder;
    },
    lastingFolder() {
      const folder = newFolder();
      afterAll(() => rmSync(folder, { recursive: true, force: true }));
      return folder;
    },
  };
}

/** A stream that keeps what is written to it. */
export function recorder(terminal = false): Stream & NodeJS.WritableStream & { readonly text: () => string } {
  let text = "";
  const stream = {
    isTTY: terminal,
    columns: 120,
    text: () => text,
    write(part: string) {
      text += part;
      return true;
    },
    on: () => stream,
    once: () => stream,
  };
  // Only what the app and cli-progress call on a stream is there.
  return stream as typeof stream & NodeJS.WritableStream;
}

/** The JSON objects of an output in which each line must be one. */
export function eventsOf(output: string): Record<string, unknown>[] {
  const lines = output.split("\n");
  if (lines.pop() !== "") throw new Error("the last line of the output does not end");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
