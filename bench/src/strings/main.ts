/** Learns to copy, reverse and sort strings: `pnpm bench:strings [--task copy] [--threads 2] [--seed 1]`; writes results/strings.*. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { wasm } from "@ostinato/backend-wasm";
import { readOptions } from "../options.ts";
import { type Learned, learn, letters, tasks } from "./learn.ts";

type Task = keyof typeof tasks;

/** One training, and where. */
interface Run extends Learned {
  readonly task: Task;
  readonly seed: number;
  readonly backend: string;
  readonly processorName: string;
  /** How many processes wanted a core on average, before and after. */
  readonly load: readonly number[];
}

const names = Object.keys(tasks) as Task[];
const help = `pnpm bench:strings [options]
  --task <name>   ${names.join(", ")}; may be repeated; default all
  --threads <n>   default 2
  --seed <n>      default 1
  --tables        writes the table from the results that are there
Results of a task take the place of earlier ones; others stay.`;
const { values } = readOptions(help, {
  task: { type: "string", multiple: true, default: names },
  threads: { type: "string", default: "2" },
  seed: { type: "string", default: "1" },
  tables: { type: "boolean", default: false },
});
const wrong = values.task.find((name) => !names.includes(name as Task));
if (wrong !== undefined || !/^[1-9]\d*$/.test(values.threads) || !/^\d+$/.test(values.seed)) {
  console.error(`${wrong === undefined ? "threads and seed are whole numbers" : `there is no task ${wrong}`}\n${help}`);
  process.exit(2);
}

const file = (ending: string): URL => new URL(`../../results/strings.${ending}`, import.meta.url);
const readRuns = (): Run[] =>
  existsSync(file("json")) ? (JSON.parse(readFileSync(file("json"), "utf8")) as { readonly runs: Run[] }).runs : [];
const load = (): number => Number((loadavg()[0] as number).toFixed(1));
const rounded = (learned: Learned): Learned =>
  Object.fromEntries(
    Object.entries(learned).map(([name, value]) => [name, Number(value.toPrecision(4))]),
  ) as unknown as Learned;

for (const task of values.tables ? [] : (values.task as Task[])) {
  const backend = await wasm({ threads: Number(values.threads) });
  const seed = Number(values.seed);
  const before = load();
  const learned = await learn(task, letters, {
    backend,
    seed,
    onEpoch: ({ epoch, loss, symbols, steps, seconds, processor }) =>
      console.error(
        `${task}: epoch ${epoch}, ${steps} steps, loss ${loss.toFixed(4)}, symbols ${symbols.toFixed(4)}, ${seconds.toFixed(0)} s (processor ${processor.toFixed(0)} s)`,
      ),
  });
  console.error(`${task}: ${(100 * learned.whole).toFixed(1)} % of the strings are written without a mistake`);
  const where = { backend: backend.name, processorName: cpus()[0]?.model ?? "", load: [before, load()] };
  const run: Run = { task, seed, ...rounded(learned), ...where };
  const runs = [...readRuns().filter((other) => other.task !== task), run];
  runs.sort((a, b) => names.indexOf(a.task) - names.indexOf(b.task));
  writeFileSync(file("json"), `${JSON.stringify({ runs }, null, 1)}\n`);
}

const line = (parts: readonly (string | number)[]): string => `| ${parts.join(" | ")} |`;
const { symbols, shortest, longest, features, units, strings, batchSize, learningRate } = letters;
const table = [
  "# Copying, reversing, sorting\n",
  `\`pnpm bench:strings\`: ${strings} strings of ${shortest} to ${longest} of ${symbols} letters; embeddings of ${features}, a bidirectional LSTM of 2 × ${units} units, an LSTM of ${2 * units} with attention; batches of ${batchSize}, Adam from ${learningRate} down to 0. ` +
    "Whole strings are those of 1,000 others that the model writes greedily without a mistake.\n",
  line([
    "task",
    "parameters",
    "epochs",
    "steps",
    "whole strings",
    "seconds",
    "processor, s",
    "backend",
    "processor",
    "load",
  ]),
  line(["---", "--:", "--:", "--:", "--:", "--:", "--:", "---", "---", "---"]),
  ...readRuns().map((run) =>
    line([
      run.task,
      run.parameters,
      run.epoch,
      run.steps,
      `${(100 * run.whole).toFixed(1)} %`,
      Math.round(run.seconds),
      Math.round(run.processor),
      run.backend,
      run.processorName,
      run.load.join(" to "),
    ]),
  ),
].join("\n");
writeFileSync(file("md"), `${table}\n`);
console.log(table);
