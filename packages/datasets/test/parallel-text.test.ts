/** Parallel texts: tables and pairs of files, what is wrong with them, and their split. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type DatasetError,
  DatasetFormatError,
  DatasetNotFoundError,
  DatasetOptionError,
  MissingColumnError,
  type ParallelTextOptions,
  parallelPairs,
  readParallelFiles,
  readParallelText,
  splitParallelText,
  textHash,
} from "@ostinato/datasets";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "parallel-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

function written(text: string | Uint8Array, name = "file.tsv"): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const read = async (text: string, options: ParallelTextOptions = {}, name?: string): Promise<string[]> =>
  (await readParallelText(written(text, name), options)).map(({ source, targets }) => [source, ...targets].join("|"));

describe("what is read", () => {
  test.each<[string, string, ParallelTextOptions, string[], string?]>([
    ["tabs", "ja\tyes\nnein\tno\n", {}, ["ja|yes", "nein|no"]],
    ["no line end, CR LF, a mark, blank lines", "\uFEFFja\tyes\r\n \r\nnein\tno", {}, ["ja|yes", "nein|no"]],
    ["space around texts", " ja \t yes please\n", {}, ["ja|yes please"]],
    ["several targets of one source", "ja\tyes\nnein\tno\nja\tyeah\nja\tyes\n", {}, ["ja|yes|yeah", "nein|no"]],
    ["quotes as they are", '"Ja", sagt sie\t"Yes," she says\n', {}, ['"Ja", sagt sie|"Yes," she says']],
    ["more columns", "ja\tyes\tby A\nnein\tno\tby B\n", {}, ["ja|yes", "nein|no"]],
    ["columns by number", "1\tyes\tja\n", { sourceColumn: 3, targetColumn: 2 }, ["ja|yes"]],
    ["a header", "German\tEnglish\nja\tyes\n", { header: true }, ["ja|yes"]],
    [
      "commas and quotes",
      'ja,yes\n"nein, danke","no, ""thanks"""\n',
      {},
      ["ja|yes", 'nein, danke|no, "thanks"'],
      "f.CSV",
    ],
    ["commas by format", "ja,yes\n", { format: "csv" }, ["ja|yes"]],
    ["tabs by format", "ja\tyes, so\n", { format: "tsv" }, ["ja|yes, so"], "f.csv"],
    ["a header of commas", "de,en\nja,yes\n", { header: true }, ["ja|yes"], "g.csv"],
  ])("%s", async (_, text, options, expected, name) => {
    expect(await read(text, options, name)).toEqual(expected);
  });

  test("a source that objects have a name for", async () => {
    expect(await read("__proto__\tx\nconstructor\ty\n")).toEqual(["__proto__|x", "constructor|y"]);
  });
});

describe("what is wrong is a typed error that says where", () => {
  const wrong: [string, () => Promise<unknown>, new (...rest: never) => DatasetError, ...string[]][] = [
    [
      "no file",
      () => readParallelText(join(folder, "none.tsv")),
      DatasetNotFoundError,
      "none.tsv",
      "separated by a tab",
    ],
    ["an empty file", () => read(""), DatasetFormatError, "is empty"],
    ["blank lines", () => read("\n \n"), DatasetFormatError, "has no rows"],
    ["a header alone", () => read("de\ten\n", { header: true }), DatasetFormatError, "has no rows"],
    [
      "one column",
      () => read("\nja yes\n"),
      MissingColumnError,
      'line 2 has 1 column: "ja yes"',
      "must be separated by a tab",
    ],
    ["too few columns", () => read("a\tb\n", { targetColumn: 3 }), MissingColumnError, "2 columns", "targetColumn"],
    ["a line of one column", () => read("ja\tyes\nnein no\n"), DatasetFormatError, "line 2 has 1 column, line 1 has 2"],
    ["a line of three", () => read("ja\tyes\nnein\tno\tno\n"), DatasetFormatError, "line 2 has 3 columns"],
    ["an empty source", () => read("ja\tyes\n \tno\n"), DatasetFormatError, "line 2 has no source"],
    ["an empty target", () => read("ja\tyes\nnein\t\n"), DatasetFormatError, "line 2 has no target"],
    ["no columns of commas", () => read("ja\n", {}, "f.csv"), MissingColumnError, 'no column "2"', "targetColumn"],
    [
      "an empty source in quotes",
      () => read('ja,yes\n"",no\n', {}, "f.csv"),
      DatasetFormatError,
      "line 2 has no source",
    ],
    [
      "another encoding",
      () => readParallelText(written(Buffer.from("ja\tyes\n", "utf16le"))),
      DatasetFormatError,
      "UTF-16",
    ],
    [
      "Latin-1",
      () => readParallelText(written(Buffer.from("ja\tyes\nn\xe9\tx", "latin1"))),
      DatasetFormatError,
      "line 2",
    ],
    ["one column twice", () => read("a\tb", { targetColumn: 1 }), DatasetOptionError, "targetColumn"],
    ["column 0", () => read("a\tb", { sourceColumn: 0 }), DatasetOptionError, "sourceColumn"],
    ["another option", () => read("a\tb", { source: 1 } as never), DatasetOptionError, "sourceColumn"],
    ["another format", () => read("a\tb", { format: "json" as never }), DatasetOptionError, 'be "tsv" or "csv"'],
  ];
  for (const [what, act, error, ...words] of wrong)
    test(what, async () => {
      const thrown = await act().catch((caught: unknown) => caught);
      expect(thrown).toBeInstanceOf(error);
      for (const word of words) expect(String(thrown)).toContain(word);
      expect(String(thrown)).not.toContain("\n");
    });

  test("a folder, and a line that never ends", async () => {
    const inner = join(folder, "inner");
    mkdirSync(inner);
    await expect(readParallelText(inner)).rejects.toThrow("it is a folder");
    const file = written(`ja\tyes\n${"a".repeat(17 * 2 ** 20)}\tb\n`, "long.tsv");
    await expect(readParallelText(file)).rejects.toThrow("line 2 is longer than 16 MiB");
  });
});

describe("two files line by line", () => {
  const files = (sources: string, targets: string) =>
    readParallelFiles(written(sources, "text.de"), written(targets, "text.en"));

  test("belong together", async () => {
    expect(await files("ja\r\n\nnein\tdanke\nja", "yes\n\nno thanks\nyeah\n")).toEqual([
      { source: "ja", targets: ["yes", "yeah"] },
      { source: "nein\tdanke", targets: ["no thanks"] },
    ]);
  });

  test("must have as many lines, and a text on each", async () => {
    await expect(files("ja\nnein\n", "yes\n")).rejects.toThrow(/text\.en: has 1 line, and .*text\.de has more/);
    await expect(files("ja\n", "yes\nno\nno\n")).rejects.toThrow(/text\.de: has 1 line/);
    await expect(files("ja\nnein\n", "yes\n\n")).rejects.toThrow(/text\.en: line 2 has no target/);
    await expect(files("\nnein\n", "yes\nno\n")).rejects.toThrow(/text\.de: line 1 has no source/);
    await expect(files("\n", "\n")).rejects.toThrow("has no rows");
    await expect(readParallelFiles(written("ja\n"), join(folder, "none"))).rejects.toThrow(DatasetNotFoundError);
  });
});

test("a split by the hash of the source, and pairs", async () => {
  expect(["", "a", "foobar"].map(textHash)).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]); // as FNV's authors give them
  const rows = Array.from({ length: 200 }, (_, i) => ({ source: `text ${i}`, targets: [`${i}`] }));
  const { train, validation, test } = splitParallelText(rows);
  expect([...train, ...validation, ...test].sort((a, b) => Number(a.targets[0]) - Number(b.targets[0]))).toEqual(rows);
  expect(test.every(({ source }) => textHash(source) % 20 === 0)).toBe(true);
  expect(validation.every(({ source }) => textHash(source) % 20 === 1)).toBe(true);
  expect(splitParallelText(rows, { test: 0, validation: 0 }).train).toEqual(rows);
  expect(() => splitParallelText(rows, { test: 10, validation: 10 })).toThrow(DatasetOptionError);
  expect(
    parallelPairs([
      { source: "ja", targets: ["yes", "yeah"] },
      { source: "nein", targets: ["no"] },
    ]),
  ).toEqual({
    sources: ["ja", "ja", "nein"],
    targets: ["yes", "yeah", "no"],
  });
});
