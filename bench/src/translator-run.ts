/** A training of the translator app and the tests of its model: what the measurements of it share. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { runApp } from "./app.ts";
import { type Processor, thisProcessor } from "./peers/machine.ts";

export const runHelp = `  --out <dir>    where the app trains to; a training that has ended there is tested as it is. Default: a new folder
  --minutes <x>  what such a training took, from what the app printed of each epoch`;

export const runOptions = { out: { type: "string" }, minutes: { type: "string" } } as const;

type Figures = Readonly<Record<string, number>>;

/** What is kept of a training. */
export interface TranslatorRun {
  readonly date: string;
  readonly processor: Processor;
  readonly load: number;
  readonly node: string;
  readonly parameters: unknown;
  readonly trainingMinutes?: number;
  /** As the history has them, with the seconds of those that were trained here. */
  readonly epochs: readonly Figures[];
}

/** Trains unless that was done before. `name` is that of the measurement, `train` what the app is given. */
export async function translatorRun(
  name: string,
  asked: { readonly out?: string | undefined; readonly minutes?: string | undefined },
  train: readonly string[] = [],
): Promise<{ readonly out: string; readonly run: TranslatorRun }> {
  const out = asked.out ?? (await mkdtemp(join(tmpdir(), `ostinato-${name}-`)));
  const history = join(out, "history.json");
  const seconds = new Map<unknown, unknown>();
  let minutes = asked.minutes === undefined ? undefined : Number(asked.minutes);
  if (!existsSync(history)) {
    const began = performance.now();
    await runApp("translate", ["train", ...train, "--out", out], ({ event, ...figures }) => {
      if (event !== "epoch") return;
      seconds.set(figures.epoch, figures.seconds);
      console.error(JSON.stringify(figures));
    });
    minutes = (performance.now() - began) / 60_000;
  }
  const { epochs }: { readonly epochs: readonly Figures[] } = JSON.parse(await readFile(history, "utf8"));
  const { parameters } = (await runApp("translate", ["info", "--model", out]))("model");
  const run: TranslatorRun = {
    date: new Date().toISOString().slice(0, 10),
    processor: await thisProcessor(),
    load: Number((loadavg()[0] as number).toFixed(1)),
    node: process.version,
    parameters,
    ...(minutes === undefined ? {} : { trainingMinutes: Number(minutes.toFixed(1)) }),
    epochs: epochs.map((each) => {
      const took = seconds.get(each.epoch);
      return took === undefined ? each : { ...each, seconds: Number(took) };
    }),
  };
  return { out, run };
}

/** What stands before the table of the tests. */
export function trainingLine({ parameters, epochs, trainingMinutes, processor }: TranslatorRun, data: string): string {
  const time = trainingMinutes === undefined ? "" : ` in ${trainingMinutes.toFixed(1)} minutes`;
  return `${Number(parameters).toLocaleString("en")} parameters, trained on ${data} for ${epochs.length} epochs${time} on ${processor.cores} cores of ${processor.name}`;
}

/** The named figures of a test with each of the beams. */
export async function testsOf<const N extends string>(out: string, figures: readonly N[], beams = [1, 5]) {
  const tests: Readonly<Record<N | "beam", unknown>>[] = [];
  for (const beam of beams) {
    const test = (await runApp("translate", ["evaluate", "--model", out, "--beam", String(beam)]))("test");
    const named = Object.fromEntries(figures.map((name) => [name, test[name]]));
    tests.push({ beam, ...named } as Readonly<Record<N | "beam", unknown>>);
  }
  return tests;
}

/** Writes both files of results, and shows the text. */
export async function writeRun(name: string, result: object, lines: readonly string[]): Promise<void> {
  const file = (ending: string): URL => new URL(`../results/${name}.${ending}`, import.meta.url);
  const text = `${lines.join("\n")}\n`;
  await writeFile(file("json"), `${JSON.stringify(result, null, 1)}\n`);
  await writeFile(file("md"), text);
  console.log(text);
}
