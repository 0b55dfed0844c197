/** Training that is killed again and again, beside the same training that is not. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RandomStream } from "@ostinato/core";
import { expect } from "vitest";
import type { AppRunner } from "./run.ts";

/** What must be the same to the byte. */
const files = ["model.safetensors", "best.safetensors", "history.json"];

/**
 * Runs the training `args` of an app in `folder`, killed with SIGKILL `kills` times, the moments drawn from `seed`; expects the bytes of a training
 * that was not.
 */
export async function killAndResume(
  app: AppRunner,
  args: readonly string[],
  folder: string,
  kills: number,
  seed: number,
): Promise<void> {
  const [whole, killed] = [join(folder, "whole"), join(folder, "killed")];

  const times = await timed(app, [...args, "--out", whole]);
  const random = new RandomStream(seed, "kills");
  for (let done = 0; done < kills; ) {
    const resumed = existsSync(join(killed, "checkpoint.safetensors")) ? ["--resume"] : [];
    const child = app.spawnCli([...args, "--out", killed, ...resumed]);
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += String(text);
    });
    child.stdout.resume();
    const ended = new Promise<NodeJS.Signals | number | null>((resolve) => {
      child.on("close", (code, signal) => resolve(signal ?? code));
    });
    // From before the first step on; together the moments reach through most of the training.
    const moment = 0.9 * times.start + random.uniform() * ((1.6 * times.training) / kills);
    const timer = setTimeout(() => child.kill("SIGKILL"), moment);
    const how = await ended;
    if (how === "SIGKILL") {
      done += 1;
    } else {
      expect({ how, stderr }).toEqual({ how: 0, stderr: "" });
      // On a machine that has become quicker it gets to the end before: that is compared, and begun anew.
      expectSame(killed, whole);
      rmSync(killed, { recursive: true });
    }
    clearTimeout(timer);
  }
  const resumed = existsSync(join(killed, "checkpoint.safetensors")) ? ["--resume"] : [];
  expect(await app.runProcess([...args, "--out", killed, ...resumed])).toMatchObject({ code: 0, stderr: "" });
  expectSame(killed, whole);
}

function expectSame(folder: string, other: string): void {
  for (const file of files) {
    expect(readFileSync(join(folder, file)).equals(readFileSync(join(other, file))), file).toBe(true);
  }
}

/** Milliseconds to the first step of a training that is let run, and from there to its end. */
async function timed(
  app: AppRunner,
  args: readonly string[],
): Promise<{ readonly start: number; readonly training: number }> {
  const begin = performance.now();
  const child = app.spawnCli(args);
  let start = 0;
  child.stdout.on("data", (text) => {
    if (start === 0 && String(text).includes("step")) start = performance.now() - begin;
  });
  expect(await new Promise((resolve) => void child.on("close", resolve))).toBe(0);
  return { start, training: performance.now() - begin - start };
}
