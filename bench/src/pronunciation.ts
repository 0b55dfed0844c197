/** Trains the translator app's default model on CMUdict, and tests it: `pnpm bench:pronunciation [--out DIR]`; writes results/pronunciation.*. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { runApp } from "./app.ts";
import { readOptions } from "./options.ts";
import { thisProcessor } from "./peers/machine.ts";

const help = `pnpm bench:pronunciation [options]
  --out <dir>    where the app trains to; a training that has ended there is tested as it is. Default: a new folder
  --minutes <x>  what such a training took, from what the app printed of each epoch`;
const { values } = readOptions(help, { out: { type: "string" }, minutes: { type: "string" } });

/** What is kept of a test. */
const figures = [
  "phoneErrorRate",
  "wordErrorRate",
  "errors",
  "referenceTokens",
  "wrongTexts",
  "texts",
  "seconds",
] as const;

const out = values.out ?? (await mkdtemp(join(tmpdir(), "ostinato-pronunciation-")));
const history = join(out, "history.json");
let minutes = values.minutes === undefined ? undefined : Number(values.minutes);
if (!existsSync(history)) {
  const began = performance.now();
  await runApp("translate", ["train", "--out", out]);
  minutes = (performance.now() - began) / 60_000;
}
const { epochs }: { readonly epochs: readonly Readonly<Record<string, number>>[] } = JSON.parse(
  await readFile(history, "utf8"),
);
const info = (await runApp("translate", ["info", "--model", out]))("model");
const tests = [];
for (const beam of [1, 5]) {
  const test = (await runApp("translate", ["evaluate", "--model", out, "--beam", String(beam)]))("test");
  tests.push({ beam, ...Object.fromEntries(figures.map((name) => [name, test[name]])) });
}
const processor = await thisProcessor();
const result = {
  date: new Date().toISOString().slice(0, 10),
  processor,
  load: Number((loadavg()[0] as number).toFixed(1)),
  node: process.version,
  parameters: info.parameters,
  ...(minutes === undefined ? {} : { trainingMinutes: Number(minutes.toFixed(1)) }),
  epochs,
  tests,
};
const file = (ending: string): URL => new URL(`../results/pronunciation.${ending}`, import.meta.url);
await writeFile(file("json"), `${JSON.stringify(result, null, 1)}\n`);

const line = (cells: readonly unknown[]): string => `| ${cells.join(" | ")} |`;
const percent = (share: unknown): string => `${(100 * Number(share)).toFixed(2)} %`;
await writeFile(
  file("md"),
  `${[
    "# Letters to phones\n",
    `\`pnpm bench:pronunciation\`: the translator app's default model of ${Number(info.parameters).toLocaleString("en")} parameters, trained on CMUdict for ${epochs.length} epochs${minutes === undefined ? "" : ` in ${minutes.toFixed(1)} minutes`} on ${processor.cores} cores of ${processor.name}, and tested on words that it has not seen.\n`,
    line(["beam", "phone error rate", "word error rate", "words", "seconds"]),
    "| --: | --: | --: | --: | --: |",
    ...tests.map((test: Readonly<Record<string, unknown>>) =>
      line([
        test.beam,
        percent(test.phoneErrorRate),
        percent(test.wordErrorRate),
        test.texts,
        Number(test.seconds).toFixed(1),
      ]),
    ),
  ].join("\n")}\n`,
);
console.log(await readFile(file("md"), "utf8"));
