/** The figures of each epoch as lines of a CSV file. */
import { open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Callback, EpochEvent } from "../index.ts";
import { makeFolder, writeFileAtomic } from "./atomic.ts";

const cell = (value: number | undefined): string => (value === undefined ? "" : String(value));

/** The lines that stand in a file, the heading first; none where there is no file. */
async function linesOf(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

/**
 * Writes one line an epoch to `path`, with a heading. Where training goes on from a checkpoint, lines of epochs that
 * will be made again are taken away first. Seconds are left out, so that the same training gives the same file.
 */
export function csvLogger(path: string): Callback {
  let rows = 0;
  let columns: string[] = [];
  return {
    name: "csvLogger",
    async onStart() {
      if (rows === 0) return;
      const lines = await linesOf(path);
      columns = lines[0]?.split(",") ?? [];
      await writeFileAtomic(path, `${lines.slice(0, 1 + rows).join("\n")}\n`);
    },
    async onEpoch(event: EpochEvent) {
      const names = Object.keys(event).filter((name) => name !== "epochs" && name !== "seconds");
      if (rows === 0 || columns.length === 0) columns = ["epoch", ...names.filter((name) => name !== "epoch")];
      const line = `${columns.map((name) => cell(event[name])).join(",")}\n`;
      await makeFolder(dirname(path));
      const file = await open(path, rows === 0 ? "w" : "a");
      try {
        await file.writeFile(rows === 0 ? `${columns.join(",")}\n${line}` : line);
      } finally {
        await file.close();
      }
      rows += 1;
    },
    state: () => ({ data: { rows } }),
    restore({ data }) {
      const kept = typeof data === "object" && data !== null && "rows" in data ? data.rows : 0;
      rows = typeof kept === "number" ? kept : 0;
    },
  };
}
