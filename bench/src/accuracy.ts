/** Trains the app's default preset with several seeds and tests each model: `pnpm bench:accuracy [--seeds 5] [--epochs 5]`; writes results/accuracy.*. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readOptions } from "./options.ts";

const help = `pnpm bench:accuracy [options]
  --seeds <n>    seeds 1 to n; default 5
  --epochs <n>   default 5`;
const { values } = readOptions(help, {
  seeds: { type: "string", default: "5" },
  epochs: { type: "string", default: "5" },
  help: { type: "boolean", default: false },
});
if (values.help) {
  console.log(help);
  process.exit();
}
const app = fileURLToPath(new URL("../../apps/imdb/src/main.ts", import.meta.url));
const results = new URL("../results/", import.meta.url);

interface Event {
  readonly event: string;
  readonly [figure: string]: unknown;
}

/** The event of that name, of a command of the app. */
async function run(name: string, args: readonly string[]): Promise<Event> {
  const flags = ["--conditions=@ostinato/source", "--disable-warning=ExperimentalWarning"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, app, ...args, "--json"]);
  const events: Event[] = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const found = events.find(({ event }) => event === name);
  if (!found) throw new Error(`${args[0]} told of no ${name}`);
  return found;
}

const mean = (figures: readonly number[]): number => figures.reduce((sum, x) => sum + x, 0) / figures.length;

const folder = await mkdtemp(join(tmpdir(), "ostinato-accuracy-"));
const rows = [];
for (let seed = 1; seed <= Number(values.seeds); seed++) {
  const out = join(folder, String(seed));
  const { epoch } = await run("saved", ["train", "--seed", String(seed), "--epochs", values.epochs, "--out", out]);
  const { accuracy, auc } = await run("test", ["evaluate", "--model", out]);
  rows.push({ seed, epoch: Number(epoch), accuracy: Number(accuracy), auc: Number(auc) });
  console.error(JSON.stringify(rows.at(-1)));
}
await rm(folder, { recursive: true });

const means = { accuracy: mean(rows.map(({ accuracy }) => accuracy)), auc: mean(rows.map(({ auc }) => auc)) };
const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
const figures = (accuracy: number, auc: number): string[] => [accuracy.toFixed(4), auc.toFixed(4)];
const markdown = [
  "# Accuracy of the app's default preset\n",
  `${values.epochs} epochs on 22,500 reviews, the weights of the epoch with the best validation loss, tested on 25,000 (\`pnpm bench:accuracy\`).\n`,
  line(["seed", "best epoch", "test accuracy", "ROC AUC"]),
  "| --- | --: | --: | --: |",
  ...rows.map(({ seed, epoch, accuracy, auc }) => line([seed, epoch, ...figures(accuracy, auc)])),
  line(["**mean**", "", ...figures(means.accuracy, means.auc)]),
].join("\n");
console.log(markdown);
await mkdir(results, { recursive: true });
await writeFile(
  new URL("accuracy.json", results),
  `${JSON.stringify({ epochs: Number(values.epochs), rows, means }, null, 2)}\n`,
);
await writeFile(new URL("accuracy.md", results), `${markdown}\n`);
