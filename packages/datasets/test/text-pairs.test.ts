/** Pairs of texts one after the other, and what cleaning leaves out and counts. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  type CleaningOptions,
  cleanTextPairs,
  DatasetError,
  DatasetFormatError,
  DatasetOptionError,
  readTextPairs,
  type TextPair,
  type TextPairFiles,
  textPairsOf,
} from "@ostinato/datasets";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "pairs-test-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

function written(content: string | Uint8Array, ending = ""): string {
  const path = join(folder, `${files++}${ending}`);
  writeFileSync(path, content);
  return path;
}

const twoFiles = (sources: string | Uint8Array, targets: string | Uint8Array) =>
  [written(sources, ".de"), written(targets, ".en")] as const;

const all = async (pairs: AsyncIterable<TextPair>): Promise<string[]> => {
  const found: string[] = [];
  for await (const { source, target, line } of pairs) found.push(`${line}: ${source}|${target}`);
  return found;
};

describe("pairs come one after the other", () => {
  test("of two files with all their lines, empty ones too", async () => {
    const paths = twoFiles("\ufeffja\r\n\n nein \n\nso", gzipSync("yes\n\n\nwell\nso\n"));
    expect(await all(textPairsOf(paths))).toEqual(["1: ja|yes", "2: |", "3: nein|", "4: |well", "5: so|so"]);
  });

  test("of a table, without blank lines and with empty texts", async () => {
    const table = "de\tx\ten\nja\t1\tyes\n\nnein\t2\t\n";
    const options = { header: true, targetColumn: 3 };
    expect(await all(textPairsOf(written(table, ".tsv"), options))).toEqual(["2: ja|yes", "4: nein|"]);
    expect(await all(textPairsOf(written(gzipSync(table), ".tsv.gz"), options))).toEqual(["2: ja|yes", "4: nein|"]);
    const quoted = 'ja,yes\n"nein, danke","no,\nthanks"\nso,so\n';
    expect(await all(textPairsOf(written(gzipSync(quoted), ".csv.gz")))).toEqual([
      "1: ja|yes",
      "2: nein, danke|no,\nthanks",
      "4: so|so",
    ]);
  });

  test("of large files as they are asked for, and files are closed when nobody asks for more", async () => {
    const openFiles = () => (existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0);
    const before = openFiles();
    const lines = gzipSync("a line of text\n".repeat(200_000));
    for await (const { line } of textPairsOf(twoFiles(lines, lines))) if (line === 3) break;
    for await (const { line } of textPairsOf(written("a\tb\n".repeat(200_000)))) if (line === 3) break;
    await expect.poll(openFiles).toBeLessThanOrEqual(before);
  });
});

describe("what is wrong is a typed error of one line", () => {
  const wrong: [string, () => AsyncIterable<TextPair>, new (...rest: never) => DatasetError, string][] = [
    ["a shorter file", () => textPairsOf(twoFiles("a\nb\n", "a\n")), DatasetFormatError, "has 1 line, and "],
    [
      "a file that is cut off",
      () => textPairsOf(twoFiles("a\n".repeat(99), gzipSync("a\n".repeat(99)).subarray(0, 20))),
      DatasetFormatError,
      "is damaged or cut off",
    ],
    [
      "bytes that are not UTF-8",
      () => textPairsOf(twoFiles("a\nb\n", Buffer.from("a\nb\xe9\n", "latin1"))),
      DatasetFormatError,
      "is not UTF-8 in line 2",
    ],
    ["an empty file", () => textPairsOf(twoFiles("a\n", "")), DatasetFormatError, "is empty"],
    ["a missing file", () => textPairsOf([join(folder, "none"), written("a\n")]), DatasetError, "none"],
    ["three files", () => textPairsOf(["a", "b", "c"] as never), DatasetOptionError, "files must be a path or two"],
    [
      "columns of two files",
      () => textPairsOf(twoFiles("a", "b"), { header: true }),
      DatasetOptionError,
      "header must be left out: two files have no columns",
    ],
    ["a column", () => textPairsOf("a", { sourceColumn: 2 }), DatasetOptionError, "targetColumn must be another"],
  ];
  test.each(wrong)("%s", async (_, act, error, message) => {
    const thrown = await (async () => all(act()))().catch((caught: unknown) => caught);
    expect(thrown).toBeInstanceOf(error);
    expect(String(thrown)).toContain(message);
    expect(String(thrown)).not.toContain("\n");
  });
});

describe("cleaning", () => {
  const pairs = (...texts: readonly string[]): TextPair[] =>
    texts.map((text, i) => ({ source: text.split("|")[0]!, target: text.split("|")[1]!, line: i + 1 }));
  const none = { empty: 0, tooShort: 0, tooLong: 0, unlikeLengths: 0, untranslated: 0, repeated: 0 };

  test.each<[string, CleaningOptions, string[], string[], object]>([
    ["empty texts alone by default", {}, ["a|", "|a", "|", "a|a", "a|a"], ["4: a|a", "5: a|a"], { empty: 3 }],
    ["short texts", { minLength: 2 }, ["a b|c", "a b|c d", "a|c d"], ["2: a b|c d"], { tooShort: 2 }],
    ["long texts", { maxLength: 2 }, ["a b c|d", "a b|c d", "a|b c d"], ["2: a b|c d"], { tooLong: 2 }],
    ["ratios", { maxRatio: 2 }, ["a b|c", "a b c|d", "a|b c d"], ["1: a b|c"], { unlikeLengths: 2 }],
    [
      "characters, which are code points",
      { maxLength: 3, lengthOf: "characters" },
      ["🎉🎉🎉|犬が走", "a b c|d"],
      ["1: 🎉🎉🎉|犬が走"],
      { tooLong: 1 },
    ],
    [
      "lengths of each side's own",
      { maxLength: 4, lengthOf: (text, side) => (side === "source" ? text.length : 1) },
      ["abcd|abcdefgh", "abcde|a"],
      ["1: abcd|abcdefgh"],
      { tooLong: 1 },
    ],
    ["copies", { untranslated: "drop" }, ["a|a", "a|b"], ["2: a|b"], { untranslated: 1 }],
    [
      "repeated pairs, not texts that are cut elsewhere",
      { repeated: "drop" },
      ["a|b", "ab|c", "a|bc", "a|b", "a|c"],
      ["1: a|b", "2: ab|c", "3: a|bc", "5: a|c"],
      { repeated: 1 },
    ],
    [
      "the first reason counts",
      { minLength: 2, maxLength: 3, maxRatio: 1.2, untranslated: "drop", repeated: "drop" },
      ["|a", "a|b c d e", "a b|c d e f", "a b|c d e", "a b|a b", "a b|c d", "a b|c d"],
      ["6: a b|c d"],
      { empty: 1, tooShort: 1, tooLong: 1, unlikeLengths: 1, untranslated: 1, repeated: 1 },
    ],
  ])("%s", async (_, options, texts, kept, leftOut) => {
    const clean = cleanTextPairs(pairs(...texts), options);
    const report = { pairs: texts.length, kept: kept.length, leftOut: { ...none, ...leftOut } };
    // Each pass begins anew.
    for (let pass = 0; pass < 2; pass++) {
      expect(await all(clean)).toEqual(kept);
      expect(clean.report).toEqual(report);
    }
  });

  test("reports as far as it is", async () => {
    const clean = cleanTextPairs(pairs("a|b", "|", "c|d"));
    expect(clean.report).toEqual({ pairs: 0, kept: 0, leftOut: none });
    for await (const { line } of clean) if (line === 1) break;
    expect(clean.report).toEqual({ pairs: 1, kept: 1, leftOut: none });
  });

  test("of files, read as a whole", async () => {
    const paths = twoFiles("ja\n\nja\nein langer Satz\n", "yes\n\nyeah\nno\n");
    expect(await readTextPairs(paths, { maxRatio: 2 })).toEqual({
      sources: ["ja", "ja"],
      targets: ["yes", "yeah"],
      report: { pairs: 4, kept: 2, leftOut: { ...none, empty: 1, unlikeLengths: 1 } },
    });
    const table = await readTextPairs(written("yes\tja\n"), { sourceColumn: 2, targetColumn: 1, maxLength: 5 });
    expect([table.sources, table.targets]).toEqual([["ja"], ["yes"]]);
  });

  test("that leaves nothing says why, and options that cannot work are refused", async () => {
    const paths = twoFiles("ja\n\n", "yes yes\n\n");
    await expect(readTextPairs(paths, { maxRatio: 1 })).rejects.toThrow(
      "has no pair that stays; of 2: 1 empty, 1 of unlike lengths",
    );
    await expect(readTextPairs(written("\n", ".tsv"))).rejects.toThrow("has no rows");
    await expect(readTextPairs(paths, { maxlength: 1 } as never)).rejects.toThrow("maxlength must be left out");
    for (const [options, message] of [
      [{ maxRatio: 0.5 }, "maxRatio must be 1 or more"],
      [{ maxLength: 0 }, "maxLength must be 1 or more"],
      [{ minLength: 3, maxLength: 2 }, "minLength must not be above maxLength"],
      [{ minLength: Number.NaN }, "minLength must be 0 or more"],
      [{ lengthOf: "tokens" as never }, 'lengthOf must be "words", "characters" or a function'],
      [{ repeated: true as never }, 'repeated must be "keep" or "drop"'],
    ] as const)
      expect(() => cleanTextPairs([], options)).toThrow(message);
    const wrong = cleanTextPairs(pairs("a|b"), { maxLength: 1, lengthOf: () => Number.NaN });
    await expect(all(wrong)).rejects.toThrow("lengthOf must give a length of 0 or more, got NaN");
  });
});

const multi30k = join(import.meta.dirname, "../../../../shared/data/multi30k");
const present = existsSync(multi30k);
if (!present) console.log(`skipped: Multi30k is not in ${multi30k}`);
test.skipIf(!present)("Multi30k, 29,000 pairs of compressed files", async () => {
  const paths: TextPairFiles = [join(multi30k, "train.de.gz"), join(multi30k, "train.en.gz")];
  const { sources, targets, report } = await readTextPairs(paths, { maxLength: 30, maxRatio: 3, repeated: "drop" });
  // As counted by a Python program of a few lines.
  const leftOut = { empty: 0, tooShort: 0, tooLong: 40, unlikeLengths: 2, untranslated: 0, repeated: 3 };
  expect(report).toEqual({ pairs: 29_000, kept: 28_955, leftOut });
  expect([sources.length, targets.length]).toEqual([28_955, 28_955]);
  const [first] = gunzipSync(readFileSync(join(multi30k, "train.de.gz")))
    .toString()
    .split("\n");
  expect(sources[0]).toBe(first);
});
