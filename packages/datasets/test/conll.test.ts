/** Files of CoNLL: their columns, what ends a sentence, and what is wrong with one. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ConllOptions,
  conllSentences,
  DatasetError,
  DatasetFormatError,
  DatasetNotFoundError,
  DatasetOptionError,
  findTaggedData,
  MissingColumnError,
  readConll,
  readTaggedData,
  sentenceHash,
  splitSentences,
} from "@ostinato/datasets";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "conll-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

function written(text: string | Uint8Array, name = "file.conll"): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Sentences as "token/tag token/tag". */
async function read(text: string | Uint8Array, options: ConllOptions = {}, name?: string): Promise<string[]> {
  const sentences = await readConll(written(text, name), options);
  return sentences.map(({ tokens, tags }) => tokens.map((token, i) => `${token}/${tags[i]}`).join(" "));
}

describe("what is read", () => {
  test.each<[string, string, ConllOptions, string[]]>([
    ["tabs", "EU\tB-ORG\nrejects\tO\n\nPeter\tB-PER\n", {}, ["EU/B-ORG rejects/O", "Peter/B-PER"]],
    ["white space, the last column", "EU NNP I-NP B-ORG\nrejects  VBZ I-VP O", {}, ["EU/B-ORG rejects/O"]],
    ["a column by number", "EU NNP B-ORG\n", { tagColumn: 2 }, ["EU/NNP"]],
    ["a column by the text of a number", "EU NNP B-ORG\n", { tagColumn: "2" }, ["EU/NNP"]],
    ["columns by names", "1 EU NNP\n", { columns: ["n", "w", "t"], tokenColumn: "w", tagColumn: "t" }, ["EU/NNP"]],
    ["Windows line ends and a byte order mark", "\ufeffEU\tA\r\n\r\nit\tB\r\n", {}, ["EU/A", "it/B"]],
    ["lines of white space between sentences", "EU\tA\n\t\nit\tB\n \n\n", {}, ["EU/A", "it/B"]],
    ["documents", "-DOCSTART- -X- O\n\nEU NNP O\n", {}, ["EU/O"]],
    ["comments among tabs, and tokens that begin with #", "# text\nEU\tA\n#tag\tB\n#\tC\n", {}, ["EU/A #tag/B #/C"]],
    ["comments among spaces, and a token #", "# a comment\nEU A\n# B\n# two words\n", {}, ["EU/A #/B"]],
    ["a token with spaces among tabs", "New York\tA\n", {}, ["New York/A"]],
    ["spaces where the first line has tabs", "EU A\n", { separator: "whitespace" }, ["EU/A"]],
  ])("%s", async (_, text, options, expected) => {
    expect(await read(text, options)).toEqual(expected);
  });

  test("CoNLL-U: FORM and UPOS, without ranges and words that are not written", async () => {
    const line = (id: string, form: string, pos: string) => `${id}\t${form}\tlemma\t${pos}\tX\t_\t0\troot\t_\t_\n`;
    const text = `# sent_id = 1\n${line("1-2", "don't", "_")}${line("1", "do", "AUX")}${line("2", "n't", "PART")}${line("2.1", "go", "VERB")}\n`;
    expect(await read(text, {}, "file.conllu")).toEqual(["do/AUX n't/PART"]);
    expect(await read(text, { tagColumn: "XPOS" }, "file.conllu")).toEqual(["do/X n't/X"]);
    expect(await read("# global.columns = ID FORM TAG\n1\tgo\tV\n")).toEqual(["go/V"]);
    expect(await read("# global.columns = ID FORM TAG\n1\tgo\tV\n", { tokenColumn: "ID" })).toEqual(["1/V"]);
  });

  test("sentence by sentence, before the file is at its end", async () => {
    const file = written("EU\tA\n\nit\n");
    const sentences = conllSentences(file);
    expect((await sentences.next()).value).toEqual({ tokens: ["EU"], tags: ["A"] });
    await expect(sentences.next()).rejects.toThrow(`${file}: line 3 has 1 column, line 1 has 2 columns`);
  });
});

describe("what is wrong is said with file, line and the way out", () => {
  const failure = async (text: string | Uint8Array, options: ConllOptions = {}) => {
    const error = await read(text, options).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DatasetError);
    return error as DatasetError;
  };

  test.each<[string, string | Uint8Array, ConllOptions, new (...args: never) => Error, RegExp]>([
    [
      "a line with fewer columns",
      "a\tA\tx\nb\tB\n",
      {},
      DatasetFormatError,
      /file\.conll: line 2 has 2 columns, line 1 has 3/,
    ],
    ["a line without a tag", "a\tA\nb\t\n", {}, DatasetFormatError, /line 2 has no tag: "b "/],
    ["a line without a token", "a\tA\n\tB\n", {}, DatasetFormatError, /line 2 has no token/],
    ["one column", "a\nb\n", {}, MissingColumnError, /line 1 has one column: "a"; name the columns with tokenColumn/],
    [
      "a number too high",
      "a\tA\n",
      { tagColumn: 4 },
      MissingColumnError,
      /no column "4" for tagColumn: line 1 has 2, "a A"/,
    ],
    [
      "a name that is none",
      "a\tA\n",
      { tagColumn: "pos" },
      MissingColumnError,
      /no column "pos".*its columns have no names/,
    ],
    ["no sentence", "# nothing\n\n", {}, DatasetFormatError, /has no sentence: a CoNLL file has a token and its tag/],
    ["nothing at all", "", {}, DatasetFormatError, /is empty/],
    ["Latin-1", Buffer.from("f\u00fcr\tA\n", "latin1"), {}, DatasetFormatError, /is not UTF-8 in line 1/],
    ["tokens as tags", "a\tA\n", { tagColumn: 1 }, MissingColumnError, /tokens and tags in one column/],
    [
      "a column 0",
      "a\tA\n",
      { tagColumn: 0 },
      DatasetOptionError,
      /tagColumn must be a column's name, or its number from 1 on/,
    ],
    ["an unknown option", "a\tA\n", { tagcolumn: 2 } as ConllOptions, DatasetOptionError, /tagcolumn must be left out/],
    [
      "an unknown separator",
      "a\tA\n",
      { separator: ";" as "tab" },
      DatasetOptionError,
      /must be "tab" or "whitespace"/,
    ],
    ["a column's name twice", "a\tA\n", { columns: ["a", "a"] }, DatasetOptionError, /columns must be different names/],
  ])("%s", async (_, text, options, type, message) => {
    const error = await failure(text, options);
    expect(error).toBeInstanceOf(type);
    expect(error.message).toMatch(message);
  });

  test("no file", async () => {
    await expect(readConll(join(folder, "none"))).rejects.toThrow(DatasetNotFoundError);
  });
});

describe("sentenceHash and splitSentences", () => {
  test("the published values of FNV-1a, of UTF-8 bytes", () => {
    expect([[], ["a"], ["foobar"], ["foo", "bar"]].map((tokens) => sentenceHash(tokens).toString(16))).toEqual([
      "811c9dc5",
      "e40c292c",
      "bf9cf968",
      sentenceHash(["foo bar"]).toString(16),
    ]);
    expect(sentenceHash(["ü"])).toBe(sentenceHash([Buffer.from("ü").toString("utf8")]));
    expect(sentenceHash(["ü"])).not.toBe(sentenceHash([Buffer.from("ü").toString("latin1")]));
  });

  const sentences = Array.from({ length: 2000 }, (_, i) => ({ tokens: ["sentence", String(i)], tags: ["A", "B"] }));

  test("each sentence is in the part of its hash", () => {
    const { train, validation, test } = splitSentences(sentences);
    expect(train.length + validation.length + test.length).toBe(2000);
    for (const { tokens } of test) expect(sentenceHash(tokens) % 20).toBe(0);
    for (const { tokens } of validation) expect(sentenceHash(tokens) % 20).toBe(1);
    for (const part of [test, validation]) expect(part.length).toBeGreaterThan(60);
    expect(splitSentences(sentences, { test: 0, validation: 0 }).train).toEqual(sentences);
  });

  test.each([
    [{ test: 20 }, "test must be a whole number of twentieths from 0 to 19"],
    [{ test: 10, validation: 10 }, "leave something to train with"],
    [{ tests: 1 }, "tests must be left out"],
  ])("%j is refused", (options: object, message) => {
    expect(() => splitSentences(sentences, options)).toThrow(message);
  });
});

describe("a file, or a folder", () => {
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => `word\tA\n${from + i}\tB\n`).join("\n");
  function folderOf(...names: string[]): string {
    const path = mkdtempSync(join(folder, "data-"));
    for (const [i, name] of names.entries()) writeFileSync(join(path, name), lines(100 * i, 100 * (i + 1)));
    return path;
  }

  test.each([
    [
      ["train.conll", "dev.conll", "test.conll"],
      ["train.conll", "dev.conll", "test.conll"],
    ],
    [
      ["eng.train", "eng.testa", "eng.testb"],
      ["eng.train", "eng.testa", "eng.testb"],
    ],
    [
      ["en_ewt-ud-train.conllu", "en_ewt-ud-dev.conllu"],
      ["en_ewt-ud-train.conllu", "en_ewt-ud-dev.conllu", undefined],
    ],
    [
      ["training.txt", "validation.txt", "README.md", ".train"],
      ["training.txt", "validation.txt", undefined],
    ],
    [
      ["TRAIN.tsv", "contest.tsv"],
      ["TRAIN.tsv", undefined, undefined],
    ],
  ])("%j", async (names, [train, validation, test]) => {
    const path = folderOf(...names);
    mkdirSync(join(path, "train-more"));
    const at = (name: string | undefined) => (name === undefined ? undefined : join(path, name));
    const { files } = await findTaggedData(path);
    expect([files.train, files.validation, files.test]).toEqual([at(train), at(validation), at(test)]);
  });

  test("parts without a file are split from the training file, of a file alone a tenth each", async () => {
    const count = async (path: string, options = {}) => {
      const { train, validation, test } = await readTaggedData(path, options);
      return [train.length, validation.length, test.length];
    };
    const [train = 0, validation = 0, held = 0] = await count(join(folderOf("all.conll"), "all.conll"));
    expect(train + validation + held).toBe(100);
    expect(Math.min(validation, held)).toBeGreaterThan(3);
    expect(await count(folderOf("train", "dev", "test"))).toEqual([100, 100, 100]);
    expect(await count(folderOf("train", "dev"))).toEqual([100, 100, 0]);
    const [rest = 0, drawn = 0, own] = await count(folderOf("train", "eval-test"));
    expect([rest + drawn, own]).toEqual([100, 100]);
    expect((await count(join(folderOf("all.conll"), "all.conll"), { test: 0 }))[2]).toBe(0);
  });

  test("what is missing, and what is there twice", async () => {
    await expect(findTaggedData(folderOf("dev.conll"))).rejects.toThrow(/the folder has dev\.conll; give a CoNLL file/);
    await expect(findTaggedData(folderOf("train.a", "train.b"))).rejects.toThrow(
      /two files are for train: train\.a and train\.b/,
    );
    await expect(findTaggedData(join(folder, "none"))).rejects.toThrow(DatasetNotFoundError);
  });
});

const wnut = join(import.meta.dirname, "../../../../shared/data/wnut17");

test("WNUT-17: tweets with tokens that begin with #, lines of one tab between sentences", async ({ skip }) => {
  if (!existsSync(wnut)) skip(`the data for tests are not at ${wnut}`);
  const { train, validation, test } = await readTaggedData(wnut);
  expect([train, validation, test].map((part) => part.length)).toEqual([3394, 1009, 0]);
  const tokens = (part: typeof train) => part.reduce((sum, each) => sum + each.tokens.length, 0);
  expect([tokens(train), tokens(validation)]).toEqual([62_730, 15_733]);
  expect(new Set(train.flatMap(({ tags }) => tags)).size).toBe(13);
  expect(train.flatMap((each) => each.tokens).filter((token) => token.startsWith("#")).length).toBe(828);
});
