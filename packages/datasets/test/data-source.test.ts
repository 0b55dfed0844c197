/** Data by its path: folders in Stanford's layout, Keras's file with its words, tables; splits; what is told without data. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { encodeText, labelEncoder } from "@ostinato/text";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  DatasetFormatError,
  DatasetNotFoundError,
  DatasetOptionError,
  detectDataSource,
  MissingClassError,
  readImdbFolder,
  readImdbNpz,
  readImdbVocabulary,
  readTextData,
  requireEveryClass,
  splitExamples,
} from "../src/index.ts";
import { readError } from "../src/read-error.ts";

const folder = mkdtempSync(join(tmpdir(), "sources-"));
afterAll(() => rmSync(folder, { recursive: true }));
const place = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
  return path;
};
const failure = async (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

describe("a folder in the layout of Stanford's archive", () => {
  const root = join(folder, "unpacked", "aclImdb");
  beforeAll(() => {
    for (const half of ["train", "test"]) {
      for (const name of ["neg", "pos"]) {
        for (const row of [10, 9, 0])
          place(`unpacked/aclImdb/${half}/${name}/${row}_7.txt`, `${half} ${name} ${row} é`);
        place(`unpacked/aclImdb/${half}/${name}/notes.md`, "no review");
        // What macOS leaves beside files on disks of other systems, and in archives.
        place(`unpacked/aclImdb/${half}/${name}/._10_7.txt`, Uint8Array.of(0, 5, 0x16, 7, 0, 0xff));
        place(`unpacked/aclImdb/${half}/${name}/.DS_Store`, Uint8Array.of(0, 0, 0, 1));
      }
    }
    place("unpacked/aclImdb/train/unsup/0_0.txt", "no label");
    place("unpacked/aclImdb/train/neg/9_7.txt", "");
  });

  test("the folder or the one around it; by class and number; an empty file is an empty review", async () => {
    for (const path of [root, join(root, "..")]) {
      const { train, test, labelEncoder } = await readImdbFolder(path, { shuffle: false });
      expect(train.texts).toEqual([
        "train neg 0 é",
        "",
        "train neg 10 é",
        "train pos 0 é",
        "train pos 9 é",
        "train pos 10 é",
      ]);
      expect([...train.labels]).toEqual([0, 0, 0, 1, 1, 1]);
      expect(test.texts[0]).toBe("test neg 0 é");
      expect(labelEncoder.classes).toEqual(["negative", "positive"]);
    }
  });

  test("the seed draws the order, labels follow", async () => {
    const first = await readImdbFolder(root, { seed: 1 });
    expect(await readImdbFolder(root, { seed: 1 })).toEqual(first);
    expect(await readTextData(join(root, ".."), { seed: 1 })).toEqual(first);
    expect((await readImdbFolder(root, { seed: 2 })).test.texts).not.toEqual(first.test.texts);
    expect([...first.test.labels]).toEqual(first.test.texts.map((text) => (text.includes("pos") ? 1 : 0)));
  });

  test("what is missing is named, with the way to get it", async () => {
    mkdirSync(join(folder, "half/train/neg"), { recursive: true });
    for (const read of [readImdbFolder, readTextData, detectDataSource]) {
      const error = await failure(read(join(folder, "half")));
      expect(error).toBeInstanceOf(DatasetNotFoundError);
      expect(String(error)).toMatch(
        /looked for the folders train\/neg, train\/pos, test\/neg, test\/pos in .*half and .*aclImdb; download https:.*tar -xzf/,
      );
    }
    for (const half of ["train", "test"])
      for (const name of ["neg", "pos"]) mkdirSync(join(folder, "bare", half, name), { recursive: true });
    expect(String(await failure(readImdbFolder(join(folder, "bare"))))).toContain("looked for *.txt in");
    expect(await failure(readImdbFolder(join(folder, "nowhere")))).toBeInstanceOf(DatasetNotFoundError);
  });

  test("a review that is not UTF-8 is named", async () => {
    cpSync(root, join(folder, "broken"), { recursive: true });
    const file = place("broken/test/pos/0_7.txt", Buffer.from("good film", "utf16le"));
    expect(String(await failure(readImdbFolder(join(folder, "broken"))))).toContain("but UTF-16 (little-endian)");
    place("broken/test/pos/0_7.txt", Uint8Array.of(0x61, 0xff));
    const error = await failure(readImdbFolder(join(folder, "broken")));
    expect(error).toBeInstanceOf(DatasetFormatError);
    expect(error).toHaveProperty("file", file);
  });
});

describe("Keras's file and its words", () => {
  const npz = join(folder, "keras", "imdb.npz");
  const words = Array.from({ length: 90_000 }, (_, index) => (index === 0 ? "the" : `w${index + 1}`));
  const indexed = (list: readonly string[]) =>
    JSON.stringify(Object.fromEntries(list.map((word, at) => [word, at + 1])));
  beforeAll(() => {
    place("keras/imdb.npz", readFileSync(join(import.meta.dirname, "golden/savez.npz")));
    place("keras/imdb_word_index.json", indexed(words));
  });

  test("a vocabulary with the ids of the file", async () => {
    const vocabulary = await readImdbVocabulary(join(folder, "keras/imdb_word_index.json"), { numWords: 1000 });
    expect(encodeText(vocabulary, "The w996, w997!")).toEqual([4, 999, 2]);
    const { train } = await readImdbNpz(npz, { startChar: null });
    place("marked/imdb_word_index.json", `\ufeff${indexed(words)}`);
    const all = await readImdbVocabulary(join(folder, "marked/imdb_word_index.json"));
    const text = (await readTextData(npz, { seed: 113 })).train.texts[0]!;
    expect(encodeText(all, text)).toEqual([...train.sequences[0]!]);
  });

  test("the reviews as texts, the same rows as Keras's for its seed", async () => {
    const { train, test } = await readTextData(npz, { seed: 113 });
    const ids = await readImdbNpz(npz, { startChar: null, indexFrom: 0, numWords: 100_000 });
    const idsOf = (text: string) => text.split(" ").map((word) => words.indexOf(word) + 1);
    expect(train.texts.map(idsOf)).toEqual(ids.train.sequences.map((row) => [...row]));
    expect(test.labels).toEqual(ids.test.labels);
  });

  test("without the words, or with wrong ones", async () => {
    const alone = place("alone/imdb.npz", readFileSync(npz));
    const error = await failure(readTextData(alone));
    expect(error).toBeInstanceOf(DatasetNotFoundError);
    expect(String(error)).toMatch(/word index not found: looked for .*imdb_word_index\.json; download https:/);
    const refused = async (content: string, message: string) => {
      place("alone/imdb_word_index.json", content);
      const error = await failure(readTextData(alone));
      expect(error).toBeInstanceOf(DatasetFormatError);
      expect(String(error)).toContain(message);
    };
    await refused(indexed(words.slice(0, 10)), "imdb.npz: holds the id");
    await refused("{", "is not JSON");
    await refused("[]", "is not an object of words and their indexes");
    await refused('{"a":1,"b":1}', "gives the index 1 twice");
    await refused('{"a":1,"b":3}', 'gives "b" an index outside 1 to 2');
    await refused('{"a":"1"}', 'gives "a" an index outside');
    expect(
      await failure(readImdbVocabulary(join(folder, "keras/imdb_word_index.json"), { numWords: 4 })),
    ).toBeInstanceOf(DatasetOptionError);
  });
});

describe("tables", () => {
  const csv = `text,label\n${Array.from({ length: 100 }, (_, row) => `t${row},${row % 4 === 0 ? "rare" : "often"}`).join("\n")}`;

  test("split by seed, classes in proportion, every row once", async () => {
    const path = place("tickets.csv", csv);
    const { train, test, labelEncoder } = await readTextData(path, { seed: 3 });
    expect(labelEncoder.classes).toEqual(["often", "rare"]);
    expect([train.texts.length, test.texts.length]).toEqual([80, 20]);
    expect(test.labels.reduce((sum, label) => sum + label, 0)).toBe(5);
    expect(new Set([...train.texts, ...test.texts]).size).toBe(100);
    for (const { texts, labels } of [train, test]) {
      expect([...labels]).toEqual(texts.map((text) => (Number(text.slice(1)) % 4 === 0 ? 1 : 0)));
    }
    expect(await readTextData(path, { seed: 3 })).toEqual({ train, test, labelEncoder });
    expect((await readTextData(path, { seed: 4 })).test.texts).not.toEqual(test.texts);
    expect((await readTextData(path, { testFraction: 0.5 })).test.texts).toHaveLength(50);
  });

  test("a class with one row may be missing from training: an error that names it", async () => {
    const path = place("rare.csv", "text,label\na,x\nb,x\nc,y\n");
    // Whichever seed: of a class with one row, half a row rounds to none or all.
    const errors = await Promise.all(
      Array.from({ length: 8 }, (_, seed) => failure(readTextData(path, { seed, testFraction: 0.67 }))),
    );
    const missing = errors.filter((error) => error instanceof MissingClassError);
    expect(missing.length).toBeGreaterThan(0);
    expect(String(missing[0])).toMatch(
      /^MissingClassError: class "[xy]" has no row among the 1 of training; use more rows/,
    );
  });
});

describe("detectDataSource", () => {
  test("by name, whatever the case, or as it is told", async () => {
    const kinds = { "a.CSV": "csv", "a.tab": "tsv", "a.ndjson": "jsonl", "a.npz": "imdbNpz" };
    for (const [name, kind] of Object.entries(kinds)) {
      const path = place(name, "");
      expect(await detectDataSource(path)).toEqual({ kind, path });
    }
    const path = place("data.txt", "");
    expect(await detectDataSource(path, "tsv")).toEqual({ kind: "tsv", path });
    expect(String(await failure(detectDataSource(path)))).toContain(
      "is of no known kind by its name: give a folder in",
    );
  });

  test("nothing there, or a folder of something else", async () => {
    const error = await failure(detectDataSource(join(folder, "nothing.csv")));
    expect(error).toBeInstanceOf(DatasetNotFoundError);
    expect(String(error)).toMatch(/looked for .*nothing\.csv; give the path of a folder in the layout of Stanford's/);
    place("mine/tickets.jsonl", "");
    expect(String(await failure(detectDataSource(join(folder, "mine"))))).toContain(
      `give the path of a file, such as ${join(folder, "mine", "tickets.jsonl")}`,
    );
  });
});

describe("splitExamples", () => {
  const rowsOf = (labels: readonly number[]) => ({
    texts: labels.map((_, row) => `t${row}`),
    labels: Int32Array.from(labels),
  });
  const encoder = labelEncoder(["a", "b", "c"]);

  test("three parts, every row once, near the shares asked for", () => {
    const sizes = fc.tuple(
      fc.integer({ min: 4, max: 60 }),
      fc.integer({ min: 4, max: 60 }),
      fc.integer({ min: 4, max: 60 }),
    );
    const share = fc.constantFrom(0, 0.1, 0.25);
    fc.assert(
      fc.property(sizes, share, share, fc.nat(), (sizes, validation, test, seed) => {
        const rows = rowsOf(sizes.flatMap((size, label) => new Array<number>(size).fill(label)));
        const parts = splitExamples(rows, encoder, { validation, test, seed });
        const texts = [...parts.train.texts, ...parts.validation.texts, ...parts.test.texts];
        expect([...texts].sort()).toEqual([...rows.texts].sort());
        const total = rows.texts.length;
        expect(Math.abs(parts.test.texts.length - total * test)).toBeLessThanOrEqual(0.5);
        expect(Math.abs(parts.validation.texts.length - total * validation)).toBeLessThan(1.2);
        for (const { texts, labels } of Object.values(parts)) {
          for (const [row, text] of texts.entries()) expect(labels[row]).toBe(rows.labels[Number(text.slice(1))]);
        }
        expect(splitExamples(rows, encoder, { validation, test, seed })).toEqual(parts);
      }),
      { numRuns: 50 },
    );
  });

  test("what cannot be split", () => {
    const rows = rowsOf([0, 0, 1, 1, 2, 2]);
    expect(() => splitExamples(rows, encoder, { test: 0.01 })).toThrow(
      "test must leave rows in both parts of 6 rows, got 0.01",
    );
    expect(() => splitExamples(rows, encoder, { test: 0.5, validation: 0.5 })).toThrow(
      "validation must leave rows to train",
    );
    expect(() => splitExamples(rows, encoder, { test: -1 })).toThrow(DatasetOptionError);
    expect(() => splitExamples(rowsOf([0, 1, 0]), encoder)).toThrow('class "c" has no row among the 3 of the data');
    expect(() => requireEveryClass(rowsOf([0, 0]), encoder)).toThrow(
      'classes "b", "c" have no row among the 2 of training',
    );
    expect(() => requireEveryClass(rows, encoder)).not.toThrow();
  });
});

test("errors of Node keep their meaning in a test runner's sandbox, whose Error is another", () => {
  const error = runInNewContext("Object.assign(new Error('ENOENT'), { code: 'ENOENT' })");
  expect(error instanceof Error).toBe(false);
  expect(readError(error, "data", "a.csv", "give another")).toBeInstanceOf(DatasetNotFoundError);
});
