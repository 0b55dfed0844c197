/** Training that is killed again and again, beside the same training that is not. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { RandomStream } from "@ostinato/core";
import { expect } from "vitest";
import { runProcess, spawnCli } from "./runCli.ts";
import { columns, drawnRows, writeCsv } from "./tables.ts";

/** What must be the same to the byte. */
const files = ["model.safetensors", "best.safetensors", "history.json"];

/** Trains for `epochs`, killed with SIGKILL `kills` times, the moments drawn from `seed`; expects the bytes of a training that was not. */
export async function killAndResume(folder: string, epochs: number, kills: number, seed: number): Promise<void> {
  const data = writeCsv(folder, drawnRows(240));
  const args = ["train", "--data", data, ...columns, "--units", "6", "--max-words", "60", "--batch-size", "16"];
  const settings = [...args, "--save-every", "4", "--epochs", String(epochs), "--patience", String(epochs)];
  const [whole, killed] = [join(folder, "whole"), join(folder, "killed")];

  const times = await timed([...settings, "--out", whole]);
  const random = new RandomStream(seed, "kills");
  let done = 0;
  for (let kill = 0; kill < kills; kill++) {
    const resumed = existsSync(join(killed, "checkpoint.safetensors")) ? ["--resume"] : [];
    const child = spawnCli([...settings, "--out", killed, ...resumed]);
    const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on("close", (_, signal) => resolve(signal)));
    child.stdout.resume();
    // From before the first step on; together the moments reach through most of the training.
    const moment = 0.9 * times.start + random.uniform() * ((1.6 * times.training) / kills);
    const timer = setTimeout(() => child.kill("SIGKILL"), moment);
    if ((await ended) === "SIGKILL") done += 1;
    clearTimeout(timer);
  }
  expect(done).toBeGreaterThanOrEqual(0.8 * kills);
  const last = await runProcess([...settings, "--out", killed, "--resume"]);
  expect(last).toMatchObject({ code: 0, stderr: "" });
  for (const file of files) {
    expect(readFileSync(join(killed, file)).equals(readFileSync(join(whole, file))), file).toBe(true);
  }
}

/** Milliseconds to the first step of a training that is let run, and from there to its end. */
async function timed(args: readonly string[]): Promise<{ readonly start: number; readonly training: number }> {
  const begin = performance.now();
  const child = spawnCli(args);
  let start = 0;
  child.stdout.on("data", (text) => {
    if (start === 0 && String(text).includes("step")) start = performance.now() - begin;
  });
  expect(await new Promise((resolve) => void child.on("close", resolve))).toBe(0);
  return { start, training: performance.now() - begin - start };
}
