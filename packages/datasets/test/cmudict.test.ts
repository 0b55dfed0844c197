/** CMUdict as it is installed: words, pronunciations, phones, and their split. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatasetFormatError, DatasetNotFoundError, type ParallelData, readCmudict, textHash } from "@ostinato/datasets";
import { expect, test } from "vitest";

const all = ({ train, validation, test }: ParallelData) => [...train, ...validation, ...test];
const phonesOf = (data: ParallelData): Set<string> =>
  new Set(all(data).flatMap(({ targets }) => targets.flatMap((target) => target.split(" "))));

test("123,874 words with 132,271 pronunciations in 39 phones, split by the word", async () => {
  const data = await readCmudict();
  const { train, validation, test } = data;
  expect([train.length, validation.length, test.length]).toEqual([111_536, 6_147, 6_191]);
  const rows = all(data);
  expect(rows.reduce((sum, { targets }) => sum + targets.length, 0)).toBe(132_271);
  expect(new Set(rows.map(({ source }) => source)).size).toBe(rows.length);
  expect(rows.every(({ source }) => /^[a-z']+$/.test(source))).toBe(true);
  expect(rows.every(({ targets }) => new Set(targets).size === targets.length)).toBe(true);
  expect(test.every(({ source }) => textHash(source) % 20 === 0)).toBe(true);
  expect(validation.every(({ source }) => textHash(source) % 20 === 1)).toBe(true);
  expect(phonesOf(data).size).toBe(39);
  const said = new Map(rows.map(({ source, targets }) => [source, targets]));
  expect(said.get("tomato")).toEqual(["T AH M EY T OW", "T AH M AA T OW"]);
  expect(said.get("don't")).toEqual(["D OW N T", "D OW N"]);
});

test("vowels with their stress", async () => {
  const data = await readCmudict({ stress: true });
  expect(all(data).find(({ source }) => source === "tomato")?.targets[0]).toBe("T AH0 M EY1 T OW2");
  expect(phonesOf(data).size).toBe(69);
});

test("pronunciations that are alike without stress are one, and other files are refused with what is wrong", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cmudict-test-"));
  try {
    const file = join(folder, "dict.json");
    const read = async (text: string) => {
      writeFileSync(file, text);
      return all(await readCmudict({ file }));
    };
    const record = {
      RECORD: "R AH0 K AO1 R D",
      "RECORD(1)": "R EH1 K ER0 D",
      "RECORD(2)": "R AH1 K AO0 R D",
      "A.": "EY1",
    };
    expect(await read(JSON.stringify(record))).toEqual([
      { source: "record", targets: ["R AH K AO R D", "R EH K ER D"] },
    ]);
    await expect(read("{")).rejects.toThrow(DatasetFormatError);
    await expect(read("[]")).rejects.toThrow("is no dictionary");
    await expect(read('{"A": 3}')).rejects.toThrow('the entry "A" has no phones');
    await expect(read('{"A": "eɪ"}')).rejects.toThrow('the entry "A" has no phones');
    await expect(read('{"A.": "EY1"}')).rejects.toThrow("has no words");
    await expect(readCmudict({ file: join(folder, "none") })).rejects.toThrow(DatasetNotFoundError);
    await expect(readCmudict({ stress: "yes" as never })).rejects.toThrow("stress must be true or false");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
