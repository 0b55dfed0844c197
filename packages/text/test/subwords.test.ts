/** Subwords: the ids that Python's tokenizers gives, texts of every kind there and back, files of every origin. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeSubwords,
  encodeSubwords,
  encodeSubwordTexts,
  idSubword,
  normalizeForSubwords,
  parseSubwords,
  type SubwordOptions,
  type Subwords,
  subwordCount,
  subwordId,
  subwordsFromFile,
  subwordsFromTexts,
  TextDataError,
  TextOptionError,
  UnknownIdError,
} from "../src/index.ts";

interface Golden {
  readonly corpus: readonly string[];
  readonly texts: readonly string[];
  readonly vocabularies: Readonly<
    Record<
      string,
      {
        readonly options: SubwordOptions | null;
        readonly file: unknown;
        readonly ids: readonly number[][];
        readonly decoded: readonly string[];
        readonly shuffled: readonly string[];
      }
    >
  >;
}
const { corpus, texts, vocabularies }: Golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "golden", "subwords.json"), "utf8"),
);
const own = parseSubwords(vocabularies.own?.file);
const spelled = (subwords: Subwords, ids: readonly number[]) => ids.map((id) => idSubword(subwords, id));

describe("as Hugging Face's tokenizers", () => {
  test.each(Object.keys(vocabularies))("%s: ids of texts, texts of ids", (name) => {
    const { file, ids, decoded, shuffled } = vocabularies[name]!;
    const subwords = parseSubwords(file);
    expect(encodeSubwordTexts(subwords, texts)).toEqual(ids);
    expect(ids.map((each) => decodeSubwords(subwords, each))).toEqual(decoded);
    expect(ids.map((each) => decodeSubwords(subwords, each.toReversed()))).toEqual(shuffled);
  });

  test("a file that was read is written as it was; merges may be written with spaces", () => {
    for (const [name, { file, options }] of Object.entries(vocabularies)) {
      const subwords = parseSubwords(file);
      expect(subwordsFromFile(`\uFEFF${JSON.stringify(subwords)}`)).toEqual(subwords);
      if (options !== null) expect(subwords, name).toEqual(file);
      const merges = subwords.model.merges.map((pair) => pair.join(" "));
      expect(parseSubwords({ ...subwords, model: { ...subwords.model, merges } })).toEqual(subwords);
    }
  });

  test("training gives the vocabularies that Python read", () => {
    for (const { file, options } of Object.values(vocabularies))
      if (options !== null) expect(subwordsFromTexts(corpus, options)).toEqual(file);
  });
});

describe("training", () => {
  test("the paper's example: the pair that occurs most often first", () => {
    const dictionary = [
      ["low", 5],
      ["lower", 2],
      ["newest", 6],
      ["widest", 3],
    ] as const;
    const counted = dictionary.map(([word, count]) => `${word} `.repeat(count));
    const { model } = subwordsFromTexts(counted, { maxTokens: 300 });
    // e+s and s+t occur 9 times; "e" is more frequent than "s", so its id is lower. Then ▁+l, l+o and o+w occur 7 times.
    expect(model.merges.slice(0, 4).map((pair) => pair.join("+"))).toEqual(["e+s", "es+t", "▁+l", "o+w"]);
  });

  test("merges are those of counting again after each", () => {
    const word = fc.array(fc.constantFrom("a", "b", "ab", "aa", "ba", "c"), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 3 }),
        (lists, minCount) => {
          const words = lists.map((parts) => parts.join(""));
          const { model } = subwordsFromTexts(words, { maxTokens: 285, minCount });
          expect(model.merges.map((pair) => pair.join("+"))).toEqual(plainMerges(words, model.vocab, minCount, 285));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("the order of texts does not matter, nor how they are spread", () => {
    const expected = subwordsFromTexts(corpus, { maxTokens: 600 });
    expect(subwordsFromTexts(corpus.toReversed(), { maxTokens: 600 })).toEqual(expected);
    expect(subwordsFromTexts(new Set([corpus.join("\n")]), { maxTokens: 600 })).toEqual(expected);
  });

  test("ids: reserved tokens, bytes, characters by frequency, merges", () => {
    const subwords = subwordsFromTexts(["bbb ab", "z"], { maxTokens: 264, reserved: ["<pad>", "<go>"] });
    expect([0, 1, 2, 257].map((id) => idSubword(subwords, id))).toEqual(["<pad>", "<go>", "<0x00>", "<0xFF>"]);
    // "a" and "z" occur but once: their bytes stand for them. "bb" occurs twice in "bbb".
    expect(spelled(subwords, [258, 259, 260])).toEqual(["▁", "b", "bb"]);
    expect(subwordCount(subwords)).toBe(261);
    expect(spelled(subwords, encodeSubwords(subwords, "bbbz"))).toEqual(["▁", "bb", "b", "<0x7A>"]);
    expect([subwordId(subwords, "bb"), subwordId(subwords, "<go>"), subwordId(subwords, "a")]).toEqual([260, 1, null]);
  });

  test("clusters are joined within before they are joined with others, in every script", () => {
    const clusters = ["👩‍🔬", "👍🏽", "🇩🇪", "❤️", "1️⃣", "कि", "ที่"];
    const subwords = subwordsFromTexts(clusters.flatMap((each) => Array(9).fill(`${each}${each} ${each}`)));
    for (const token of Object.keys(subwords.model.vocab)) {
      const plain = token.replace("▁", "");
      if ([...plain].length < 2 || subwordId(subwords, token)! < 260) continue;
      const isPart = clusters.some((each) => each.includes(plain));
      expect(isPart || clusters.some((each) => plain.replaceAll(each, "") === ""), token).toBe(true);
    }
    expect(spelled(subwords, encodeSubwords(subwords, clusters.join("")))).toEqual([
      "▁👩‍🔬",
      "👍🏽",
      "🇩🇪",
      "❤️",
      "1️⃣",
      "कि",
      "ที่",
    ]);
  });

  test("no merge is spelled as a reserved token or a byte is", () => {
    const subwords = subwordsFromTexts(Array(50).fill("<END> <END><END> <0x41> x<0x41>"), {
      reserved: ["<pad>", "<END>"],
    });
    expect(decodeSubwords(subwords, encodeSubwords(subwords, "<END> <0x41>"))).toBe("<END> <0x41>");
    const alike = subwordsFromTexts(Array(50).fill("abcd abcd"), { reserved: ["<pad>", "bc", "abcd"] });
    expect(encodeSubwords(alike, "abcd bc")).not.toContain(1);
    expect(encodeSubwords(alike, "abcd bc")).not.toContain(2);
    expect(decodeSubwords(alike, [1, ...encodeSubwords(alike, "abcd bc"), 2, 0])).toBe("abcd bc");
  });

  test("no texts, empty ones, and fewer ids than there are characters", () => {
    for (const none of [[], ["", "  \n"]]) {
      const subwords = subwordsFromTexts(none);
      expect(subwordCount(subwords)).toBe(261);
      expect(decodeSubwords(subwords, encodeSubwords(subwords, "any text"))).toBe("any text");
    }
    const few = subwordsFromTexts(corpus, { maxTokens: 270 });
    expect(subwordCount(few)).toBe(270);
    expect(few.model.merges).toEqual([]);
  });

  test("options that cannot work", () => {
    const refused = (options: object, message: string) =>
      expect(() => subwordsFromTexts(corpus, options)).toThrow(message);
    refused({ maxTokens: 260 }, "maxTokens must be a whole number above 260 (reserved tokens and bytes)");
    refused({ merges: 8000 }, "merges must be left out: subwordsFromTexts takes maxTokens, minCount");
    refused({ minCount: 0 }, "minCount must be a whole number of at least 1, got 0");
    refused({ unicode: "nfc" }, 'unicode must be null or one of "NFC", "NFD", "NFKC", "NFKD", got "nfc"');
    refused({ lower: 1 }, "lower must be true or false, got 1");
    for (const reserved of [[], ["<pad>", "<pad>"], ["p"], ["<0x00>"], [7], "<pad>", ["\ud800<"]])
      expect(() => subwordsFromTexts(corpus, { reserved } as object)).toThrow(/^reserved must be a list of different/);
    expect(() => subwordsFromTexts("a text")).toThrow("texts must be a list of texts");
    expect(() => subwordsFromTexts(["a", 7] as string[])).toThrow("texts[1] must be a string, got 7");
  });

  test("Multi30k: one vocabulary of both languages, every sentence there and back", ({ skip }) => {
    const folder = join(import.meta.dirname, "../../../../shared/data/multi30k");
    if (!existsSync(folder)) skip(`the data for tests are not at ${folder}`);
    const read = (name: string) =>
      gunzipSync(readFileSync(join(folder, name)))
        .toString()
        .trimEnd()
        .split("\n");
    const sentences = ["de", "en"].flatMap((language) => read(`val.${language}.gz`));
    const subwords = subwordsFromTexts(sentences, { maxTokens: 2000 });
    expect(subwordCount(subwords)).toBe(2000);
    const ids = encodeSubwordTexts(subwords, sentences);
    expect(ids.map((each) => decodeSubwords(subwords, each))).toEqual(
      sentences.map((each) => normalizeForSubwords(subwords, each)),
    );
    expect(spelled(subwords, encodeSubwords(subwords, "A man is talking."))).toEqual([
      "▁A",
      "▁man",
      "▁is",
      "▁talking",
      ".",
    ]);
  });
});

/** What `learnMerges` gives for words of single letters, by the definition. */
function plainMerges(
  words: readonly string[],
  vocab: Readonly<Record<string, number>>,
  minCount: number,
  most: number,
) {
  const rows = words.map((word) => ["▁", ...word].map((token) => (token in vocab ? token : "")));
  const tokens = Object.entries(vocab)
    .sort(([, a], [, b]) => a - b)
    .map(([token]) => token);
  const known = tokens.filter((token) => token.startsWith("<") || token.length === 1);
  const merges: string[] = [];
  while (known.length < most) {
    const counts = new Map<string, number>();
    for (const row of rows)
      for (const [index, left] of row.slice(0, -1).entries()) {
        const right = row[index + 1]!;
        if (left !== "" && right !== "") counts.set(`${left}+${right}`, (counts.get(`${left}+${right}`) ?? 0) + 1);
      }
    const ids = (pair: string) => pair.split("+").map((token) => known.indexOf(token));
    const [best, count = 0] =
      [...counts].sort(([a, countA], [b, countB]) => {
        const [idsA, idsB] = [ids(a), ids(b)];
        return countB - countA || idsA[0]! - idsB[0]! || idsA[1]! - idsB[1]!;
      })[0] ?? [];
    if (best === undefined || count < minCount) break;
    if (!merges.includes(best)) merges.push(best);
    const token = best.replace("+", "");
    if (!known.includes(token)) known.push(token);
    for (const row of rows)
      for (let index = 0; index + 1 < row.length; index++)
        if (`${row[index]}+${row[index + 1]}` === best) row.splice(index, 2, token);
  }
  return merges;
}

describe("encoding", () => {
  const anyText = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.string({ unit: "grapheme", maxLength: 40 }),
    fc.array(fc.constantFrom(...corpus.join(" ").split(" ")), { maxLength: 8 }).map((words) => words.join(" ")),
  );
  const kinds: readonly SubwordOptions[] = [
    {},
    { lower: true },
    { unicode: "NFKC", lower: true },
    { unicode: "NFKD", lower: true },
    { unicode: null, lower: true },
  ];

  test.each(kinds)("%j: a text is its normalised self afterwards, and normalising again changes nothing", (options) => {
    const subwords = subwordsFromTexts(corpus, { maxTokens: 600, ...options });
    fc.assert(
      fc.property(anyText, (text) => {
        const normal = normalizeForSubwords(subwords, text);
        const ids = encodeSubwords(subwords, text);
        expect(decodeSubwords(subwords, ids)).toBe(normal);
        expect(encodeSubwords(subwords, normal)).toEqual(ids);
        if (options.unicode !== null) expect(normalizeForSubwords(subwords, normal)).toBe(normal);
        for (const id of ids) expect(id).toBeGreaterThanOrEqual(4);
      }),
    );
  });

  test("white space: runs become a space, ends go, the mark is white space", () => {
    expect(normalizeForSubwords(own, " a\u00a0\t b\u0085\u2028c▁▁d\ufeff \n")).toBe("a b c d\ufeff");
    expect(encodeSubwords(own, " \n▁\u3000")).toEqual([]);
  });

  test("lone surrogates are U+FFFD", () => {
    expect(encodeSubwords(own, "a\ud83db\udc00")).toEqual(encodeSubwords(own, "a\ufffdb\ufffd"));
  });

  test("a long text without spaces takes time as its length does", () => {
    const length = 200_000;
    const ids = encodeSubwords(own, "男人站在".repeat(length / 4));
    expect(decodeSubwords(own, ids)).toHaveLength(length);
  });

  test("words have the same ids however many were encoded before", () => {
    const numbers = Array.from({ length: 33_000 }, (_, number) => `${number}`);
    const backwards = encodeSubwordTexts(own, numbers.toReversed()).toReversed();
    expect(encodeSubwordTexts(own, numbers).join(" ")).toBe(backwards.join(" "));
  });

  test("ids are what they are for every copy of the vocabulary", () => {
    const copy = structuredClone(own);
    expect(encodeSubwordTexts(copy, texts)).toEqual(encodeSubwordTexts(own, texts));
    expect(Object.isFrozen(own.model.merges[0])).toBe(true);
    expect(() => encodeSubwords({ words: [] } as never, "a")).toThrow(TextDataError);
    expect(() => encodeSubwords(null as never, "a")).toThrow("subwords must be an object, got null");
  });

  test("what is no text, and ids beyond the last", () => {
    expect(() => encodeSubwords(own, 7 as never)).toThrow("text must be a string, got 7");
    expect(() => encodeSubwordTexts(own, ["a", null] as never)).toThrow("texts[1] must be a string, got null");
    for (const id of [641, -1, 0.5]) expect(() => decodeSubwords(own, [id])).toThrow(UnknownIdError);
    expect(() => idSubword(own, 641)).toThrow("subwords: id 641 is outside 0 to 640");
  });
});

describe("BPE-dropout", () => {
  const line = corpus.slice(0, 7).join(" ");

  test("the same text in other parts, as the seed has it", () => {
    const whole = encodeSubwords(own, line);
    const parted = encodeSubwords(own, line, { dropout: 0.1, seed: 1 });
    expect(parted).not.toEqual(whole);
    expect(parted.length).toBeGreaterThan(whole.length);
    expect(decodeSubwords(own, parted)).toBe(line);
    expect(encodeSubwords(own, line, { dropout: 0.1, seed: 1 })).toEqual(parted);
    expect(encodeSubwords(own, line, { dropout: 0.1, seed: 2 })).not.toEqual(parted);
    const [first, second] = encodeSubwordTexts(own, [line, line], { dropout: 0.1, seed: 1 });
    expect(first).toEqual(parted);
    expect(second).not.toEqual(parted);
    expect(encodeSubwords(own, line, { dropout: 0, seed: 1 })).toEqual(whole);
  });

  test("1 leaves characters; what is between makes as many parts as chance has it", () => {
    expect(spelled(own, encodeSubwords(own, "window", { dropout: 1, seed: 3 }))).toEqual(["▁", ..."window"]);
    // One merge that could be made: it is left out with probability p.
    const none = subwordsFromTexts(["a b", "a b"], { maxTokens: 260, reserved: ["<pad>"] });
    const model = { ...none.model, vocab: { ...none.model.vocab, ab: 260 }, merges: [["a", "b"]] };
    const single = parseSubwords({ ...none, model });
    const rows = encodeSubwordTexts(single, Array(4000).fill("ab"), { dropout: 0.3, seed: 5 });
    const apart = rows.filter((row) => row.length === 3).length / rows.length;
    // Four standard deviations.
    expect(Math.abs(apart - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / rows.length));
  });

  test("options that cannot work", () => {
    expect(() => encodeSubwords(own, line, { dropout: 0.1 })).toThrow(
      "seed must be a whole number with dropout, got undefined; take another one for each epoch",
    );
    for (const dropout of [-0.1, 1.1, Number.NaN, "0.1" as never])
      expect(() => encodeSubwords(own, line, { dropout, seed: 1 })).toThrow(/^dropout must be a number from 0 to 1/);
    expect(() => encodeSubwords(own, line, { dropout: 0.1, seed: 0.5 })).toThrow(TextOptionError);
    expect(() => encodeSubwords(own, line, { rate: 0.1 } as object)).toThrow(/rate must be left out/);
  });
});
