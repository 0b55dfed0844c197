/** Runs the translator app for tests, and makes small files for it that a model learns in seconds. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { appRunner } from "@ostinato/app/testing";
import { run } from "../src/cli.ts";

export const translate = appRunner("translate", join(import.meta.dirname, "..", "src", "main.ts"), run);
export const { lastingFolder, runInside, runProcess, temporaryFolder } = translate;

const names: Readonly<Record<string, string>> = { a: "alfa", b: "bravo", c: "charlie", d: "delta" };

/** What is right for a text. */
export const right = (text: string): string => Array.from(text, (letter) => names[letter]).join(" ");

/** Texts of up to four of the letters a to d, and their names. */
export function spelledRows(): string[] {
  const letters = Object.keys(names);
  let texts = [""];
  const rows: string[] = [];
  for (let length = 1; length <= 4; length++) {
    texts = texts.flatMap((text) => letters.map((letter) => text + letter));
    rows.push(...texts.map((text) => `${text}\t${right(text)}`));
  }
  return rows;
}

/** Writes rows as a file with two columns. */
export function writeRows(folder: string, rows: readonly string[], name = "names.tsv"): string {
  const file = join(folder, name);
  writeFileSync(file, `${rows.join("\n")}\n`);
  return file;
}

/** Options of a network that trains in a moment. */
export const small = [
  ["--units", "12", "--decoder-units", "24", "--embedding", "8", "--dropout", "0", "--label-smoothing", "0"],
  ["--batch-size", "16", "--learning-rate", "0.03", "--warmup", "0", "--validation-sample", "10", "--threads", "1"],
].flat();
