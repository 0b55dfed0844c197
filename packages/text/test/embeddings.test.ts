/** Word vectors from GloVe's and word2vec's text files, and from files that are neither. */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseEmbeddings, TextDataError, TextOptionError, textLines, vocabularyFromTexts } from "../src/index.ts";

const glove = "the 0.25 -1 3e-1\ncat 1 2 3\n, .5 5. 1E2\n";
const floats = (...values: number[]) => Float32Array.from(values);

async function* later(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) yield await Promise.resolve(line);
}

describe("files", () => {
  test("GloVe: the words of a list, row by row", async () => {
    const vectors = await parseEmbeddings(glove, ["cat", "dog", ",", "the", "cat"]);
    expect(vectors.matrix.shape).toEqual([5, 3]);
    expect(vectors.matrix.data).toEqual(floats(1, 2, 3, 0, 0, 0, 0.5, 5, 100, 0.25, -1, 0.3, 1, 2, 3));
    expect(vectors.found).toEqual(["cat", ",", "the", "cat"]);
    expect(vectors.missing).toEqual(["dog"]);
  });

  test("word2vec: a header tells how many there are, and lines may end in a space", async () => {
    const { matrix } = await parseEmbeddings("2 3\r\nthe 0.25 -1 0.5 \r\ncat 1 2 3 \r\n", ["the", "cat"]);
    expect(matrix.data).toEqual(floats(0.25, -1, 0.5, 1, 2, 3));
  });

  test("a vocabulary: rows are ids, and what is no word is zeros", async () => {
    const vocabulary = vocabularyFromTexts(["the cat", "the dog"]);
    expect(vocabulary.words).toEqual(["the", "cat", "dog"]);
    const { matrix, missing } = await parseEmbeddings("[UNK] 9 9\ndog 3 4\nthe 1 2\n", vocabulary);
    expect(matrix.shape).toEqual([5, 2]);
    expect(matrix.data).toEqual(floats(0, 0, 0, 0, 1, 2, 0, 0, 3, 4));
    expect(missing).toEqual(["cat"]);
  });

  test.each<readonly [string, () => Iterable<string> | AsyncIterable<string>]>([
    ["a list of lines", () => glove.split("\n")],
    ["lines that come one by one", () => new Set(glove.split("\n"))],
    ["lines that come later", () => later(glove.split("\n"))],
  ])("%s", async (_, source) => {
    expect(await parseEmbeddings(source(), ["the"])).toEqual(await parseEmbeddings(glove, ["the"]));
  });

  test("words with spaces: the last fields are the numbers, as many as are given", async () => {
    const text = ". . . 1 2\nat name@domain.com 3 4\n3 5 6\n";
    const { matrix } = await parseEmbeddings(text, [". . .", "at name@domain.com", "3"], { dimensions: 2 });
    expect(matrix.data).toEqual(floats(1, 2, 3, 4, 5, 6));
  });

  test("one dimension: two numbers are a word and its vector where dimensions says so", async () => {
    expect((await parseEmbeddings("1990 2\n1991 3\n", ["1991"], { dimensions: 1 })).matrix.data).toEqual(floats(3));
  });

  test("of a word that is there twice the first counts; a mark of the byte order is no letter", async () => {
    const { matrix } = await parseEmbeddings("\uFEFFa 1 2\na 3 4\n", ["a"]);
    expect(matrix.data).toEqual(floats(1, 2));
  });

  test("no words are wanted, or none is there", async () => {
    expect((await parseEmbeddings(glove, [])).matrix).toEqual({ dtype: "float32", shape: [0, 3], data: floats() });
    expect((await parseEmbeddings(glove, ["__proto__", "constructor"])).missing).toEqual(["__proto__", "constructor"]);
  });

  test("what is written is read back, whatever the words are", async () => {
    const word = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => !/[\s\uFEFF]/.test(text));
    const dimensions = 3;
    const vector = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 3, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(word, vector, { minKeys: 1 }), fc.boolean(), async (vectors, header) => {
        const lines = Object.entries(vectors).map(([key, numbers]) => `${key} ${numbers.join(" ")}`);
        const text = [...(header ? [`${lines.length} ${dimensions}`] : []), ...lines].join("\n");
        const words = Object.keys(vectors).toReversed();
        const { matrix, missing } = await parseEmbeddings(text, words, { dimensions });
        expect(missing).toEqual([]);
        expect(Array.from(matrix.data, (x) => x + 0)).toEqual(
          words.flatMap((key) => (vectors[key] ?? []).map((x) => x + 0)),
        );
      }),
      { numRuns: 100, seed: 1 },
    );
  });
});

describe("wrong files", () => {
  const wrong: readonly (readonly [what: string, text: string, words: string])[] = [
    ["a vector that is too short", "a 1 2 3\nb 1 2\n", "line 2 has 2 numbers, not 3"],
    ["a word alone", "a 1 2 3\nb\n", "line 2 has 0 numbers, not 3"],
    ["numbers without a word", "a 1 2 3\n 1 2 3\n", "line 2 has no word before its numbers"],
    ["an indented vector that is too short", "a 1 2 3\n 1 2\n", "line 2 has no word before its numbers"],
    ["a vector that is too long", "a 1 2 3\nb 0.5 1 2 3\n", "line 2 has more than 3 numbers"],
    ["NaN", "a 1 2 3\nb 1 nan 3\n", 'line 2 has "nan" where a number'],
    ["infinity", "a 1 2 3\n\nb 1 Infinity 3\n", 'line 3 has "Infinity"'],
    ["a number that float32 cannot hold", "a 1 2 3\nb 1 1e39 3\n", 'line 2 has "1e39"'],
    ["numbers of another base", "a 1 2 3\nb 1 0x10 3\n", 'line 2 has "0x10"'],
    ["two spaces", "a 1 2 3\nb 1  3\n", 'line 2 has "" where a number'],
    ["prose", "Once upon a time\n", "line 1 is no word and its numbers"],
    ["a file of a header that is cut off", "3 2\na 1 2\nb 3 4\n", "the file holds 2 vectors, but its header says 3"],
    ["a header of nothing", "3 0\n", "line 1 is no header"],
    ["an empty file", "", "the file holds no vectors"],
    ["a file of empty lines", "\n \r\n\n", "the file holds no vectors"],
  ];
  test.each(wrong)("%s", async (_, text, words) => {
    const parsed = parseEmbeddings(text, ["a", "b"]);
    await expect(parsed).rejects.toThrow(TextDataError);
    await expect(parsed).rejects.toThrow(words);
  });

  test("a width that is not the one given", async () => {
    await expect(parseEmbeddings("1 2\na 1 2\n", ["a"], { dimensions: 3 })).rejects.toThrow("dimensions is 3");
    await expect(parseEmbeddings("a 1 2\n", ["a"], { dimensions: 3 })).rejects.toThrow("line 1 has 2 numbers, not 3");
  });

  test("wrong options", async () => {
    const untyped = (value: unknown): never => value as never;
    for (const dimensions of [0, -1, 1.5, "3"])
      await expect(parseEmbeddings(glove, ["a"], { dimensions: untyped(dimensions) })).rejects.toThrow(TextOptionError);
    await expect(parseEmbeddings(glove, untyped("the"))).rejects.toThrow(TextOptionError);
    await expect(parseEmbeddings(glove, untyped(null))).rejects.toThrow(TextOptionError);
    await expect(parseEmbeddings(glove, untyped([1]))).rejects.toThrow(TextOptionError);
    await expect(parseEmbeddings(untyped([1]), ["a"])).rejects.toThrow("line 1 must be a string");
  });
});

async function allOf(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

describe("lines of files", () => {
  const odd = ["a\u2028b 1 2", "c\u2029d 3 4", "e\u0085f 5 6", "g\rh 7 8"];
  const bytesOf = (text: string) => new TextEncoder().encode(text);

  test("separators that node:readline takes for line ends are letters of a word", async () => {
    const words = odd.map((line) => line.slice(0, 3));
    const bytes = bytesOf(`${odd.join("\r\n")}\r\n`);
    const input = Readable.from([bytes.subarray(0, 3), bytes.subarray(3)]);
    const { matrix, missing } = await parseEmbeddings(textLines(input), words);
    expect(missing).toEqual([]);
    expect(matrix.data).toEqual(floats(1, 2, 3, 4, 5, 6, 7, 8));
    const broken = parseEmbeddings(createInterface({ input: Readable.from([bytes]) }), words, { dimensions: 2 });
    await expect(broken).rejects.toThrow("if the lines are of node:readline, give those of textLines");
  });

  test("wherever the pieces are cut, bytes or characters; a byte order mark; an end without newline", async () => {
    const text = "\ufeffü\r\n\n💩\u2028x\r\r\n\ufeffend\r";
    const expected = ["ü", "", "💩\u2028x\r", "\ufeffend\r"];
    const read = (pieces: readonly (string | Uint8Array)[]) => allOf(textLines(pieces));
    const bytes = bytesOf(text);
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(await read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(expected);
    }
    for (let cut = 0; cut <= text.length; cut++) {
      expect(await read(["", text.slice(0, cut), text.slice(cut)])).toEqual(expected);
    }
    expect(await read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
    expect(await read([])).toEqual([]);
    expect(await read(["a\n"])).toEqual(["a"]);
    expect(await read([Uint8Array.of(0x61, 0xff, 0x62, 0xc3)])).toEqual(["a\ufffdb\ufffd"]);
    expect(await read([runInNewContext("Uint8Array.of(97, 10, 98)")])).toEqual(["a", "b"]);
  });

  test("a long line in many pieces takes linear time", async () => {
    const pieces = Array.from({ length: 20_000 }, () => "x".repeat(500));
    const start = performance.now();
    const [line] = await allOf(textLines(pieces));
    expect(line).toHaveLength(10_000_000);
    expect(performance.now() - start).toBeLessThan(3000);
  });

  test("pieces where lines should be, and what is neither", async () => {
    await expect(parseEmbeddings([glove], ["cat"])).rejects.toThrow(
      "line 1 holds several lines: the lines of pieces of a text are textLines(pieces)",
    );
    // @ts-expect-error: bytes are no lines
    await expect(parseEmbeddings([bytesOf(glove)], ["cat"])).rejects.toThrow("lines of bytes are textLines(bytes)");
    // @ts-expect-error: a number is no piece of a text
    await expect(allOf(textLines(["a", 1]))).rejects.toThrow("piece 2 of the text must be bytes or a string, got 1");
  });
});
