/** The README's table: the headline figures of all processors side by side, each peer at its best. */
import { readFile, writeFile } from "node:fs/promises";
import { digits, line, megabytes, percent, type Row, type Section } from "./report.ts";
import { describeProcessor, type Results } from "./results.ts";

/** The columns. */
const peers = ["PyTorch", "Keras", "JAX", "oneDNN", "ONNX Runtime"] as const;

interface Found {
  readonly results: Results;
  readonly section: Section;
}

/** The fastest row of a peer, of those that did the same work. */
export function bestOf(section: Section, peer: string): Row | undefined {
  const rows = section.rows.filter((row) => row.peer === peer && row.ratio !== undefined);
  return rows.toSorted((a, b) => a.value - b.value)[0];
}

/** A peer's figure and how many times ours it is; in bold where the peer is ahead. */
function cell(section: Section, peer: string): string {
  const best = bestOf(section, peer);
  if (best?.ratio === undefined) return "";
  const shown = `${digits(best.value)} (${best.ratio.toFixed(2)})`;
  return best.ratio < 1 ? `**${shown}**` : shown;
}

function shares({ limits }: Section): string {
  if (limits?.peak === undefined) return "";
  return [limits.products, limits.forward, limits.backward].map((part) => percent(part, limits.peak) || "–").join(", ");
}

function rowOf({ results, section }: Found, short: ReadonlyMap<Results, string>, columns: readonly string[]): string {
  const own = section.rows.find(({ name }) => name === section.measure);
  return line([
    `${section.title}, ${section.unit}`,
    short.get(results) ?? "",
    own === undefined ? "" : digits(own.value),
    ...columns.map((peer) => cell(section, peer)),
    shares(section),
    section.limits === undefined ? "" : megabytes(section.limits.moved),
  ]);
}

/** How much slower peers are as they come than at their best, where it is worth a sentence. */
function outOfBox(found: readonly Found[], short: ReadonlyMap<Results, string>): string[] {
  const slower = found.flatMap(({ results, section }) => {
    const plain = section.rows.filter((row) => row.outOfBox && row.peer !== undefined);
    return plain.flatMap(({ peer, version, value }) => {
      const best = section.rows.filter(
        (row) => row.peer === peer && row.version === version && row.ratio !== undefined,
      );
      const times = value / Math.min(...best.map((row) => row.value));
      return times >= 1.5 ? [{ text: `${peer} ${version} on ${short.get(results)}`, title: section.title, times }] : [];
    });
  });
  const most = new Map<string, (typeof slower)[number]>();
  for (const each of slower) if (each.times > (most.get(each.text)?.times ?? 0)) most.set(each.text, each);
  if (most.size === 0) return [];
  const said = [...most.values()].map(({ text, title, times }) => `${text} up to ${digits(times)} times (${title})`);
  return [
    `Out of the box, without \`torch.set_flush_denormal(True)\` and \`fused=True\`, a step takes longer than at its best: ${said.join("; ")}.`,
    "",
  ];
}

function versions({ parts }: Results): string {
  const rows = Object.values(parts).flatMap(({ sections }) => sections.flatMap((section) => section.rows));
  const said = rows.flatMap(({ peer, version }) => (peer && version ? [`${peer} ${version}`] : []));
  return [...new Set(said)].join(", ");
}

function processorLine(results: Results, letter: string): string {
  const parts = Object.values(results.parts);
  const dates = [...new Set(parts.map(({ date, commit }) => `${date} (commit ${commit})`))];
  const busy = parts.some((part) => part.busy) ? " **It was busy: the figures are not to be relied on.**" : "";
  const who = versions(results);
  return `- **${letter}**: ${describeProcessor(results.processor)}, ${dates.join(", ")}${who === "" ? "" : `; ${who}`}.${busy}`;
}

/** One table over all processors: those that measured the same stand below each other. */
export function summaryOf(all: readonly Results[], ids: readonly string[]): string {
  const short = new Map(all.map((results, at) => [results, String.fromCharCode(65 + at)]));
  const found = ids.flatMap((id) =>
    all.flatMap((results) =>
      Object.values(results.parts).flatMap(({ sections }) =>
        sections.filter((section) => section.id === id).map((section) => ({ results, section })),
      ),
    ),
  );
  const columns = peers.filter((peer) => found.some(({ section }) => bestOf(section, peer) !== undefined));
  const head = ["", "on", "Ostinato", ...columns, "of the peak: products, forward, backward", "moved"];
  const ahead = found.some(({ section }) => columns.some((peer) => (bestOf(section, peer)?.ratio ?? 1) < 1));
  return [
    ...all.map((results) => processorLine(results, short.get(results) ?? "")),
    "",
    line(head),
    line(head.map((_, at) => (at < 2 ? "---" : "--:"))),
    ...found.map((each) => rowOf(each, short, columns)),
    "",
    `Two threads of Ostinato's WebAssembly backend; each other at its best of one thread and two and of its settings, and in brackets how many times ours it takes${ahead ? "; in bold where it is ahead" : ""}.`,
    "",
    ...outOfBox(found, short),
  ]
    .join("\n")
    .trim();
}

const marks = { from: "<!-- measured: pnpm bench:peers --readme -->", to: "<!-- /measured -->" } as const;

/** The text with another between its marks; undefined where it has none. */
export function between(whole: string, text: string): string | undefined {
  const from = whole.indexOf(marks.from);
  const to = whole.indexOf(marks.to);
  if (from < 0 || to < from) return undefined;
  return `${whole.slice(0, from + marks.from.length)}\n${text.trim()}\n${whole.slice(to)}`;
}

/** Puts the text between the marks of a file that has them. */
export async function insert(file: URL, text: string): Promise<boolean> {
  const made = between(await readFile(file, "utf8"), text);
  if (made !== undefined) await writeFile(file, made);
  return made !== undefined;
}
