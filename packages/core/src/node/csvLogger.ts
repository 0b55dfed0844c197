/** The figures of each epoch as lines of a CSV file. */
import { readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Callback, EpochEvent } from "../index.ts";
import { KeptReader } from "../train/callbacks/kept.ts";
import { makeFolder, writeFileAtomic } from "./atomic.ts";
import { writing } from "./reasons.ts";

const cell = (value: number | undefined): string => (value === undefined ? "" : String(value));

/** The lines that stand in a file, the heading first; none where there is no file. */
async function linesOf(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

/**
 * Writes one line an epoch to `path`, with a heading. Where training goes on from a checkpoint, lines of epochs that
 * will be made again are taken away first. Seconds are left out, so that the same training gives the same file.
 *
 * Training ends with a `FileError`, which names the file, where it cannot be written.
 */
export function csvLogger(path: string): Callback {
  /** Lines that a checkpoint speaks of, or that were written since. */
  let rows = 0;
  let columns: string[] = [];
  let restored = false;
  return {
    name: "csvLogger",
    async onStart() {
      if (!restored) rows = 0;
      restored = false;
      columns = [];
      if (rows === 0) return;
      const lines = await linesOf(path);
      // The file may be gone since; then it begins anew with the next epoch.
      rows = Math.min(rows, Math.max(0, lines.length - 1));
      if (rows === 0) return;
      columns = lines[0]?.split(",") ?? [];
      await writeFileAtomic(path, `${lines.slice(0, 1 + rows).join("\n")}\n`);
    },
    async onEpoch(event: EpochEvent) {
      const first = rows === 0;
      const names = Object.keys(event).filter((name) => !["epoch", "epochs", "seconds"].includes(name));
      if (first) columns = ["epoch", ...names];
      const line = `${columns.map((name) => cell(event[name])).join(",")}\n`;
      const text = first ? `${columns.join(",")}\n${line}` : line;
      await writing(path, async () => {
        await makeFolder(dirname(path));
        await writeFile(path, text, { flag: first ? "w" : "a" });
      });
      rows += 1;
    },
    state: () => ({ data: { rows } }),
    restore({ data }) {
      rows = new KeptReader("csvLogger", data).count("rows");
      restored = true;
    },
  };
}
