/** Signals to the command runner: the app gets them, once, whoever they were sent to. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadCheckpoint } from "@ostinato/core/node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const runner = join(import.meta.dirname, "..", "run.mjs");
let folder: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "runner-test-"));
});
afterEach(() => {
  try {
    if (child?.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // The whole group has ended, as it should.
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a training of many epochs in a process group of its own, as a terminal does, and waits for its third epoch. */
async function training(inShell = false) {
  const rows = Array.from(
    { length: 60 },
    (_, i) => `${i % 2 ? "good fine" : "bad dull"} film ${i},${i % 2 ? "yes" : "no"}`,
  );
  const data = join(folder, "data.csv");
  writeFileSync(data, `text,label\n${rows.join("\n")}\n`);
  const out = join(folder, "out");
  const args = ["train", "--data", data, "--units", "2", "--batch-size", "4", "--epochs", "100000", "--out", out];
  const command = [process.execPath, runner, "imdb", ...args];
  // As npm starts scripts; the second command keeps the shell from becoming the first.
  const [program = "", ...rest] = inShell ? ["sh", "-c", '"$@"; true', "sh", ...command] : command;
  const started = spawn(program, rest, {
    detached: true,
    env: { ...process.env, npm_lifecycle_event: inShell ? "imdb" : undefined },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child = started;
  let stdout = "";
  let stderr = "";
  started.stderr.on("data", (text) => {
    stderr += String(text);
  });
  const ended = new Promise<number | null>((resolve) => void started.on("close", resolve));
  await Promise.race([
    ended,
    new Promise<void>((resolve) => {
      started.stdout.on("data", (text) => {
        stdout += String(text);
        if (stdout.includes("epoch 3/")) resolve();
      });
    }),
  ]);
  return {
    pid: started.pid as number,
    checkpoint: join(out, "checkpoint.safetensors"),
    end: async () => ({ code: await ended, stderr }),
  };
}

describe.skipIf(process.platform === "win32")("a training under the runner (Windows has no signals)", () => {
  test.each([
    ["SIGINT", "the runner alone", 1, 130],
    ["SIGINT", "all processes at once, as Ctrl-C in a terminal", -1, 130],
    ["SIGTERM", "the runner alone", 1, 143],
  ] as const)("%s to %s: it saves where it is, once, and says how to go on", async (signal, _whom, sign, code) => {
    const { pid, checkpoint, end } = await training();
    process.kill(sign * pid, signal);
    const result = await end();
    expect(result.code).toBe(code);
    expect(result.stderr.match(/stopping after this step/g)).toHaveLength(1);
    expect(result.stderr).toMatch(/stopped in epoch \d+ after step \d+, saved in .*\n.*--resume\n$/);
    expect(result.stderr).not.toContain("interrupted; no file");
    expect(existsSync(checkpoint)).toBe(true);
    expect((await loadCheckpoint(checkpoint)).position.epoch).toBeGreaterThanOrEqual(2);
  });

  test("SIGTERM to npm, which ends its shell and tells nobody else: it saves where it is", async () => {
    const { pid, checkpoint, end } = await training(true);
    process.kill(pid, "SIGTERM");
    const { stderr } = await end();
    expect(stderr.match(/stopping after this step/g)).toHaveLength(1);
    expect(stderr).toMatch(/stopped in epoch \d+ after step \d+, saved in /);
    expect((await loadCheckpoint(checkpoint)).position.epoch).toBeGreaterThanOrEqual(2);
  });
});
