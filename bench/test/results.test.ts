/** Tables and files of results: parts replaced one by one, processors side by side. */
import { expect, test } from "vitest";
import { percent, type Row, rated, type Section, tableOf } from "../src/peers/report.ts";
import { markdownOf, type Part, type Results, withPart } from "../src/peers/results.ts";
import { bestOf, between, summaryOf } from "../src/peers/summary.ts";

const measure = "Ostinato wasm, 2 threads";

const rows: readonly Row[] = [
  { name: "PyTorch 9 as it comes, 1 thread", peer: "PyTorch", version: "9", value: 80, outOfBox: true, gflops: 1 },
  { name: measure, peer: "Ostinato", value: 20, gflops: 50 },
  { name: "PyTorch 9, 2 threads", peer: "PyTorch", version: "9", value: 10, gflops: 100 },
  { name: "no mask", peer: "Keras", version: "3", value: 5, aside: true },
];

const section: Section = {
  id: "step",
  title: "a training step",
  unit: "ms",
  measure,
  rows: rated(rows, measure),
  limits: { peak: 200, products: 150, forward: 100, backward: 40, moved: 12_300_000, arena: 4_000_000 },
  notes: ["A note."],
};

const part: Part = {
  date: "2026-01-02",
  commit: "abc",
  node: "v24",
  load: 0.1,
  busy: false,
  sections: [section],
  notes: ["left out: JAX (because)"],
};
const processor = { name: "Some (AVX2)", cores: 2, memoryGigabytes: 8, system: "linux x64" };
const results: Results = { processor, parts: { step: part } };

test("rows are rated by the measure, fastest first; other work comes last and is not rated", () => {
  expect(section.rows.map(({ value, ratio }) => [value, ratio])).toEqual([
    [10, 0.5],
    [20, 1],
    [80, 4],
    [5, undefined],
  ]);
  expect(rated(rows, "nobody").every(({ ratio }) => ratio === undefined)).toBe(true);
});

test("a table has shares of the peak beside the figures, and the limits below", () => {
  const lines = tableOf(section);
  expect(lines[0]).toBe(`| a training step | ms | GFLOP/s | of the peak | times ${measure} |`);
  expect(lines).toContain(`| **${measure}** | 20.0 | 50.0 | 25 % | 1.00 |`);
  expect(lines).toContain("| no mask | 5.00 |  |  |  |");
  expect(lines).toContain(
    "Ours of the peak of 200 GFLOP/s: products alone 150 GFLOP/s (75 %), forward 100 GFLOP/s (50 %), backward 40.0 GFLOP/s (20 %). The steps of its program move 12.3 MB, in an arena of 4.00 MB.",
  );
  expect(percent(1, undefined)).toBe("");
});

test("a part replaces its results; the rest keep their date and commit", () => {
  const first = withPart(undefined, processor, "step", part);
  const second = withPart(first, processor, "gru", { ...part, date: "2026-02-03", commit: "def" });
  const third = withPart(second, processor, "gru", { ...part, date: "2026-03-04", commit: "fed" });
  expect(Object.entries(third.parts).map(([name, { date, commit }]) => [name, date, commit])).toEqual([
    ["step", "2026-01-02", "abc"],
    ["gru", "2026-03-04", "fed"],
  ]);
  expect(first).toEqual(results);
});

test("the tables stand in the order of the parts, parts of one run under one date", () => {
  const both = withPart(results, processor, "gru", { ...part, sections: [{ ...section, title: "gru" }] });
  const text = markdownOf(both, ["gru", "step", "sweep"]);
  expect(text.indexOf("| gru |")).toBeLessThan(text.indexOf("| a training step |"));
  expect(text.match(/Measured in one run/g)).toHaveLength(1);
  const later = withPart(both, processor, "step", { ...part, date: "2026-05-06", busy: true });
  expect(markdownOf(later, ["gru", "step"]).match(/Measured in one run/g)).toHaveLength(2);
  expect(markdownOf(later, ["gru", "step"])).toContain("The machine was busy");
});

test("the summary takes each peer at its best, says where it is ahead and what happens out of the box", () => {
  expect(bestOf(section, "PyTorch")?.value).toBe(10);
  expect(bestOf(section, "Keras")).toBeUndefined();
  const ahead: Section = { ...section, rows: rated([...rows.slice(1, 2)], measure) };
  const other: Results = {
    processor: { ...processor, name: "Other (AVX-512)" },
    parts: { step: { ...part, sections: [ahead] } },
  };
  const text = summaryOf([results, other], ["step"]);
  expect(text.split("\n")).toEqual(
    expect.arrayContaining([
      "- **A**: 2 cores of Some (AVX2), 8 GB, linux x64, 2026-01-02 (commit abc); PyTorch 9, Keras 3.",
      "| a training step, ms | A | 20.0 | **10.0 (0.50)** | 75 %, 50 %, 20 % | 12.3 MB |",
      "| a training step, ms | B | 20.0 |  | 75 %, 50 %, 20 % | 12.3 MB |",
    ]),
  );
  expect(text).toContain("PyTorch 9 on A up to 8.00 times (a training step)");
  expect(text).toContain("in bold where it is ahead");
});

test("the text between the marks of a file is replaced, and nothing else", () => {
  const file = "a\n<!-- measured: pnpm bench:peers --readme -->\nold\n<!-- /measured -->\nb";
  expect(between(file, " new ")).toBe(file.replace("old", "new"));
  expect(between("a", "new")).toBeUndefined();
});
