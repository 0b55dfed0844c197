/** The results of a kind of processor: a file in which each part stands as it was measured last. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import type { Peaks } from "./limits.ts";
import { type Circumstances, type Processor, slugOf } from "./machine.ts";
import { digits, type Section, tableOf } from "./report.ts";

/** A part as it was measured. */
export interface Part extends Circumstances {
  readonly sections: readonly Section[];
  /** Who was left out, and what did not agree. */
  readonly notes: readonly string[];
  readonly peaks?: Peaks;
}

export interface Results {
  readonly processor: Processor;
  /** By the names of the parts. */
  readonly parts: Readonly<Record<string, Part>>;
}

const folder = new URL("../../results/", import.meta.url);

/** The results with one part replaced; the others stay as they were. */
export function withPart(results: Results | undefined, processor: Processor, name: string, part: Part): Results {
  return { processor, parts: { ...results?.parts, [name]: part } };
}

function peaksIn(peaks: Peaks): string {
  const each = Object.entries(peaks).map(([bits, [one, two]]) => `${digits(one)} and ${digits(two)} in ${bits} bits`);
  return `Fused multiply-adds in registers, one thread and two, GFLOP/s: ${each.join(", ")}.`;
}

/** When and how parts were measured, and the peak that their shares are of. */
function measured({ date, commit, node, load, busy, peaks }: Part): string[] {
  const warning = busy ? ["**The machine was busy: these figures are not to be relied on.**", ""] : [];
  const said = `Measured in one run, in turns, medians: ${date}, commit ${commit}, Node ${node}, load ${load} before.`;
  return [`${said}${peaks === undefined ? "" : ` ${peaksIn(peaks)}`}`, "", ...warning];
}

export function describeProcessor({ name, cores, memoryGigabytes, system }: Processor): string {
  return `${cores} cores of ${name}, ${memoryGigabytes} GB, ${system}`;
}

/** All tables, in the order of the parts. */
export function markdownOf({ processor, parts }: Results, order: readonly string[]): string {
  const known = order.flatMap((name) => (parts[name] === undefined ? [] : [parts[name]]));
  const body = known.flatMap((part, at) => {
    const before = at > 0 && known[at - 1] ? measured(known[at - 1] as Part).join() : "";
    const said = measured(part);
    return [
      // Parts of the same run say it once.
      ...(said.join() === before ? [] : said),
      ...part.sections.flatMap(tableOf),
      ...part.notes.map((note) => `- ${note}`),
      ...(part.notes.length > 0 ? [""] : []),
    ];
  });
  return [`# Measured against others on ${processor.name}`, "", `${describeProcessor(processor)}.`, "", ...body]
    .join("\n")
    .trim();
}

const fileOf = (processor: Processor, ending: string): URL =>
  new URL(`peers-${slugOf(processor.name)}.${ending}`, folder);

export async function readResults(processor: Processor): Promise<Results | undefined> {
  const text = await readFile(fileOf(processor, "json"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

/** Those of every processor, by the names of their files. */
export async function allResults(): Promise<Results[]> {
  const names = (await readdir(folder)).filter((name) => /^peers-.*\.json$/.test(name)).sort();
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(new URL(name, folder), "utf8"))));
}

/** Writes the results as JSON and as tables. */
export async function writeResults(results: Results, order: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(fileOf(results.processor, "json"), `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(fileOf(results.processor, "md"), `${markdownOf(results, order)}\n`);
}
