/** Runs the app for tests: as a process of its own, or inside this one, which is quicker. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";
import { run } from "../src/cli.ts";
import type { Stream } from "../src/output.ts";

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const main = join(import.meta.dirname, "..", "src", "main.ts");

/** Starts the app; relative paths of its arguments start at `cwd`. */
export function spawnCli(args: readonly string[], cwd: string = tmpdir()) {
  const { INIT_CWD: _, ...env } = process.env;
  return spawn(process.execPath, ["--conditions=@ostinato/source", main, ...args], { cwd, env });
}

/** Runs the app in a process, with `input` on its standard input, to its end. */
export function runProcess(
  args: readonly string[],
  { cwd, input = "" }: { readonly cwd?: string; readonly input?: string | Uint8Array } = {},
): Promise<Result> {
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

/** Runs the app inside this process. */
export async function runInside(args: readonly string[], input: readonly Uint8Array[] = []): Promise<Result> {
  const [stdout, stderr] = [recorder(), recorder()];
  async function* stdin() {
    yield* input;
  }
  const code = await run(args, { stdin: stdin(), stdout, stderr });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

/** A new folder, gone when the test, or the tests of the file, have ended. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "imdb-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A new folder, gone when the tests of the file have ended. */
export function lastingFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "imdb-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Training small enough for a test: a second, most of which is reading the reviews. */
export const smallTraining = ["train", "--limit", "200", "--units", "8", "--max-length", "40", "--max-words", "500"];

/** The JSON objects of an output in which each line must be one. */
export function eventsOf(output: string): Record<string, unknown>[] {
  const lines = output.split("\n");
  if (lines.pop() !== "") throw new Error("the last line of the output does not end");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
