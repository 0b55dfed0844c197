/** What was measured, as tables and as files. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { arch, cpus, loadavg, platform, totalmem } from "node:os";

export interface Row {
  readonly name: string;
  /** In the section's unit. */
  readonly value: number;
  /** How many times the section's measure; absent for what did other work. */
  readonly ratio?: number;
  readonly gflops?: number;
}

export interface Section {
  readonly title: string;
  readonly unit: string;
  /** The row that the ratios are to. */
  readonly measure?: string;
  readonly rows: readonly Row[];
  /** Said below the table. */
  readonly notes: readonly string[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
  readonly node: string;
  /** The load average of the minute before. */
  readonly load: number;
  readonly busy: boolean;
}

/** Above this load the machine has other things to do. */
const QUIET = 0.5;

export function describeMachine(): Machine {
  const [load = 0] = loadavg();
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
    node: process.version,
    load: Number(load.toFixed(2)),
    busy: load > QUIET,
  };
}

/** Rows with ratios to the named one, fastest first. */
export function rated(rows: readonly Row[], measure: string): Row[] {
  const base = rows.find(({ name }) => name === measure)?.value;
  const compared = rows.map((row) => (base === undefined ? row : { ...row, ratio: row.value / base }));
  return compared.toSorted((a, b) => a.value - b.value);
}

const digits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

function tableOf({ title, unit, measure, rows, notes }: Section): string[] {
  const rates = rows.some(({ gflops }) => gflops !== undefined);
  const ratios = measure !== undefined && rows.some(({ ratio }) => ratio !== undefined);
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const head = [title, unit, ...(rates ? ["GFLOP/s"] : []), ...(ratios ? [`times ${measure}`] : [])];
  return [
    line(head),
    line(head.map((_, cell) => (cell === 0 ? "---" : "--:"))),
    ...rows.map(({ name, value, gflops, ratio }) =>
      line([
        name === measure ? `**${name}**` : name,
        digits(value),
        ...(rates ? [gflops === undefined ? "" : digits(gflops)] : []),
        ...(ratios ? [ratio === undefined ? "" : ratio.toFixed(2)] : []),
      ]),
    ),
    "",
    ...notes.flatMap((note) => [note, ""]),
  ];
}

export function markdownOf(machine: Machine, sections: readonly Section[], notes: readonly string[]): string {
  const { cpu, cores, memoryGigabytes, system, node, load, busy } = machine;
  const where = `${cores} cores of ${cpu}, ${memoryGigabytes} GB, ${system}, Node ${node}, load ${load} before`;
  const warning = busy ? ["**The machine was busy: these figures are not to be relied on.**", ""] : [];
  const left = notes.length === 0 ? [] : [...notes.map((note) => `- ${note}`), ""];
  return [
    `Measured in one run, in turns, medians: ${where}.`,
    "",
    ...warning,
    ...sections.flatMap(tableOf),
    ...left,
  ].join("\n");
}

const marks = { from: "<!-- measured: pnpm bench:peers --readme -->", to: "<!-- /measured -->" } as const;

/** Puts the text between the marks of a file that has them. */
export async function insert(file: URL, text: string): Promise<boolean> {
  const whole = await readFile(file, "utf8");
  const from = whole.indexOf(marks.from);
  const to = whole.indexOf(marks.to);
  if (from < 0 || to < from) return false;
  await writeFile(file, `${whole.slice(0, from + marks.from.length)}\n${text.trim()}\n${whole.slice(to)}`);
  return true;
}

/** Writes `peers.json` and `peers.md` into the folder of results. */
export async function writeResults(result: object, markdown: string): Promise<void> {
  const folder = new URL("../../results/", import.meta.url);
  await mkdir(folder, { recursive: true });
  await writeFile(new URL("peers.json", folder), `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(new URL("peers.md", folder), `# Measured against others\n\n${markdown.trim()}\n`);
}
