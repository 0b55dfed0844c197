/** Runs the example of trees for tests, and makes small files of trees for it that a model learns in seconds. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { appRunner } from "@ostinato/app/testing";
import { RandomStream } from "@ostinato/core";
import { run } from "../src/cli.ts";

const main = join(import.meta.dirname, "..", "src", "main.ts");
const trees = appRunner("trees", main, run);
export const { lastingFolder, runInside, temporaryFolder } = trees;

/** Runs the example in a process that tells on standard error, when it ends, how much memory it had at the most, in units of 1,024 bytes. */
export async function runMeasured(
  args: readonly string[],
): Promise<{ readonly code: number; readonly stderr: string }> {
  const tell = 'process.on("exit", () => process.stderr.write(String(process.resourceUsage().maxRSS)))';
  const flags = ["--conditions=@ostinato/source", "--import", `data:text/javascript,${encodeURIComponent(tell)}`];
  const child = spawn(process.execPath, [...flags, main, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  return { code, stderr };
}

/** What a word adds to the label of the tree that it stands in. */
const worths = { good: 1, fine: 1, bad: -1, dull: -1, film: 0, plot: 0, the: 0 } as const;
const words = Object.keys(worths) as (keyof typeof worths)[];

/** Binary trees of up to 8 words; each node is labelled 0 to 4 by the good and the bad words below it. */
export function drawnTrees(count: number, seed = 1): string[] {
  const random = new RandomStream(seed, "trees");
  const draw = (leaves: number): { readonly text: string; readonly worth: number } => {
    const left = leaves > 1 ? 1 + random.below(leaves - 1) : 0;
    const parts = left > 0 ? [draw(left), draw(leaves - left)] : [];
    const word = words[random.below(words.length)] as keyof typeof worths;
    const worth = left > 0 ? parts.reduce((sum, part) => sum + part.worth, 0) : worths[word];
    const inside = left > 0 ? parts.map(({ text }) => text).join(" ") : word;
    return { text: `(${2 + Math.max(-2, Math.min(2, worth))} ${inside})`, worth };
  };
  return Array.from({ length: count }, () => draw(1 + random.below(8)).text);
}

/** Writes a file of trees. */
export function writeTrees(folder: string, lines: readonly string[], name = "trees.txt"): string {
  const file = join(folder, name);
  writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
  return file;
}

/** Options of a network that trains in a moment. */
export const small = ["--units", "8", "--embedding", "8", "--batch-size", "16", "--threads", "1", "--dropout", "0"];
