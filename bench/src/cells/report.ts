/** Results of trainings on tasks: kept by task, cell and seed, and shown as tables. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { type Task, tasks } from "./tasks.ts";

/** One training. */
export interface Run {
  readonly task: keyof typeof tasks;
  readonly cell: string;
  readonly seed: number;
  readonly parameters: number;
  /** Mean losses of ten equal parts of the training. */
  readonly losses: readonly number[];
  readonly figures: Readonly<Record<string, number>>;
  /** Processor time of the training. */
  readonly seconds: number;
}

const file = (ending: string): URL => new URL(`../../results/cells.${ending}`, import.meta.url);

/** What is there, in the order of tasks and cells. */
function readRuns(cells: readonly string[]): Run[] {
  if (!existsSync(file("json"))) return [];
  const { runs } = JSON.parse(readFileSync(file("json"), "utf8")) as { readonly runs: Run[] };
  const rank = ({ task, cell, seed }: Run): number =>
    Object.keys(tasks).indexOf(task) * 1e6 + cells.indexOf(cell) * 1e3 + seed;
  return runs.filter(({ cell }) => cells.includes(cell)).sort((a, b) => rank(a) - rank(b));
}

/** Puts a run in the place of an earlier one. */
export function keepRun(run: Run, cells: readonly string[]): void {
  const others = readRuns(cells).filter(
    ({ task, cell, seed }) => task !== run.task || cell !== run.cell || seed !== run.seed,
  );
  writeFileSync(file("json"), `${JSON.stringify({ runs: [...others, run] }, null, 1)}\n`);
}

const line = (parts: readonly (string | number)[]): string => `| ${parts.join(" | ")} |`;

const shown = (value: number): string => (value === 0 || value >= 0.01 ? value.toFixed(3) : value.toPrecision(2));

function table(task: Task, runs: readonly Run[]): string {
  const names = Object.keys(runs[0]?.figures ?? {});
  const { units, batch, steps, learningRate, globalClipnorm } = task.settings;
  const rows = [...new Set(runs.map(({ cell }) => cell))].map(
    (cell) => [cell, runs.filter((run) => run.cell === cell)] as const,
  );
  return [
    `## ${task.title}\n`,
    `${task.about}\n`,
    `${units} units, ${steps} steps of ${batch} rows, \`adam({ learningRate: ${learningRate}, globalClipnorm: ${globalClipnorm} })\`; figures of each seed.\n`,
    line(["cell", "parameters", "learned", ...names, "loss of the last tenth", "processor, s"]),
    line(["---", "--:", "--:", ...names.map(() => "--:"), "--:", "--:"]),
    ...rows.map(([cell, all]) =>
      line([
        cell,
        all[0]?.parameters ?? 0,
        `${all.filter(({ figures }) => task.learned(figures)).length} of ${all.length}`,
        ...names.map((name) => all.map(({ figures }) => shown(figures[name] as number)).join(", ")),
        all.map(({ losses }) => shown(losses.at(-1) as number)).join(", "),
        Math.round(all.reduce((sum, { seconds }) => sum + seconds, 0) / all.length),
      ]),
    ),
  ].join("\n");
}

/** Writes the tables of all runs. */
export function writeTables(cells: readonly string[]): string {
  const runs = readRuns(cells);
  const tables = Object.entries(tasks).flatMap(([name, task]) => {
    const own = runs.filter((run) => run.task === name);
    return own.length > 0 ? [table(task, own)] : [];
  });
  const text = ["# What cells learn\n\n`pnpm bench:cells`, on `wasm()` with one thread.", ...tables].join("\n\n");
  writeFileSync(file("md"), `${text}\n`);
  return text;
}
