/** Trains a preset of the app with several seeds and tests each model: `pnpm bench:accuracy [--preset best] [--seeds 5]`; writes results/accuracy.*. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { runApp } from "./app.ts";
import { readOptions } from "./options.ts";

const help = `pnpm bench:accuracy [options]
  --preset <name>  default or best; default "default"
  --seeds <n>      so many seeds; default 5
  --first <seed>   the first of them, default 1; rows of other seeds stay
  --epochs <n>     the preset's by default
  --threads <n>    all processors by default; the figures are the same`;
const { values } = readOptions(help, {
  preset: { type: "string", default: "default" },
  seeds: { type: "string", default: "5" },
  first: { type: "string", default: "1" },
  epochs: { type: "string" },
  threads: { type: "string" },
  help: { type: "boolean", default: false },
});
if (values.help) {
  console.log(help);
  process.exit();
}
const results = new URL("../results/", import.meta.url);

interface Row {
  readonly seed: number;
  /** The one whose weights are kept. */
  readonly epoch: number;
  readonly epochs: number;
  readonly accuracy: number;
  readonly auc: number;
  readonly processor: string;
}

/** The rows of each preset. */
type Results = Readonly<Record<string, readonly Row[]>>;

const mean = (figures: readonly number[]): number => figures.reduce((sum, x) => sum + x, 0) / figures.length;

async function measured(seed: number, out: string): Promise<Row> {
  const given = (["epochs", "threads"] as const).flatMap((name) => (values[name] ? [`--${name}`, values[name]] : []));
  const trained = await runApp("imdb", [
    "train",
    "--preset",
    values.preset,
    "--seed",
    String(seed),
    ...given,
    "--out",
    out,
  ]);
  const { accuracy, auc } = (await runApp("imdb", ["evaluate", "--model", out]))("test");
  return {
    seed,
    epoch: Number(trained("saved").epoch),
    epochs: Number(trained("epoch").epochs),
    accuracy: Number(accuracy),
    auc: Number(auc),
    processor: cpus()[0]?.model ?? "unknown",
  };
}

const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;

function sectionOf(preset: string, rows: readonly Row[]): string {
  const figures = (accuracy: number, auc: number): string[] => [accuracy.toFixed(4), auc.toFixed(4)];
  const each = (of: (row: Row) => string | number): string => [...new Set(rows.map(of))].join(", ");
  return [
    `## Preset ${preset}\n`,
    `${each(({ epochs }) => epochs)} epochs on 22,500 reviews, the weights of the epoch with the best validation loss, tested on 25,000, on ${each(({ processor }) => processor)}.\n`,
    line(["seed", "best epoch", "test accuracy", "ROC AUC"]),
    "| --- | --: | --: | --: |",
    ...rows.map(({ seed, epoch, accuracy, auc }) => line([seed, epoch, ...figures(accuracy, auc)])),
    line(["**mean**", "", ...figures(mean(rows.map((row) => row.accuracy)), mean(rows.map((row) => row.auc)))]),
  ].join("\n");
}

await mkdir(results, { recursive: true });
const file = new URL("accuracy.json", results);
const folder = await mkdtemp(join(tmpdir(), "ostinato-accuracy-"));
const first = Number(values.first);
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const row = await measured(seed, join(folder, String(seed)));
  console.error(JSON.stringify(row));
  const before: Results = JSON.parse(await readFile(file, "utf8").catch(() => "{}"));
  const others = (before[values.preset] ?? []).filter((other) => other.seed !== seed);
  const rows = [...others, row].sort((a, b) => a.seed - b.seed);
  const all: Results = { ...before, [values.preset]: rows };
  const sections = Object.entries(all).map(([preset, each]) => sectionOf(preset, each));
  await writeFile(file, `${JSON.stringify(all, null, 2)}\n`);
  const title = "# Accuracy of the app's presets\n\nMade by `pnpm bench:accuracy`, a preset at a time.";
  await writeFile(new URL("accuracy.md", results), `${[title, ...sections].join("\n\n")}\n`);
  console.log(sections.join("\n\n"));
}
await rm(folder, { recursive: true });
