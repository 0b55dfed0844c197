/** Files of subwords from anywhere: damaged, hostile, of other kinds. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeSubwords,
  encodeSubwords,
  idSubword,
  parseSubwords,
  subwordId,
  subwordsFromFile,
  subwordsFromTexts,
  TextDataError,
} from "../src/index.ts";

const good = subwordsFromTexts(["ab ab abc abc", "c"], { maxTokens: 270 });
// biome-ignore lint/suspicious/noExplicitAny: data of any kind
type Data = any;
const withPart = (name: string, part: unknown): unknown => ({ ...good, [name]: part });
const withModel = (model: object): unknown => withPart("model", { ...good.model, ...model });
const nested = (depth: number): object =>
  depth === 0 ? { type: "NFC" } : { type: "Sequence", normalizers: [nested(depth - 1)] };
const added = {
  id: 0,
  content: "<pad>",
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
};

describe("what is no vocabulary of subwords", () => {
  test.each<[what: string, data: unknown, message: string]>([
    ["nothing", null, "subwords must be an object, got null"],
    ["a list", [], "subwords must be an object, got an array of 0"],
    ["another version", withPart("version", "2.0"), 'subwords.version must be "1.0", got "2.0"'],
    ["no model", withPart("model", undefined), "subwords.model must be an object, got undefined"],
    ["another model", withModel({ type: "WordPiece" }), 'subwords.model.type must be "BPE", got "WordPiece"'],
    ["no tokens", withModel({ vocab: {}, merges: [], byte_fallback: false }), "subwords.model.vocab has no tokens"],
    ["tokens in a list", withModel({ vocab: ["a"] }), "subwords.model.vocab must be an object, got an array of 1"],
    [
      "an id that is none",
      withModel({ vocab: { a: 0.5 } }),
      'subwords.model.vocab["a"] must be a whole number of at least 0',
    ],
    ["a huge id", withModel({ vocab: { a: 1e9 } }), 'subwords.model.vocab["a"] must be below 2097152, got 1000000000'],
    [
      "an id twice",
      withModel({ vocab: { ...good.model.vocab, z: 3 } }),
      'has the id 3, which is also the id of "</s>"',
    ],
    [
      "a gap",
      withModel({ vocab: { ...good.model.vocab, z: 999 } }),
      "subwords.model.vocab has no token for the id 267",
    ],
    ["a token that is not Unicode", withModel({ vocab: { "\ud800": 0 } }), "has a token that is not Unicode"],
    ["a token that is too long", withModel({ vocab: { ["a".repeat(5000)]: 0 } }), "has a token longer than 4096"],
    [
      "a byte that is not there",
      withModel({ vocab: { a: 0 }, merges: [] }),
      'must have "<0x00>", because of byte_fallback',
    ],
    ["merges in an object", withModel({ merges: {} }), "subwords.model.merges must be an array, got an object"],
    ["a merge of three", withModel({ merges: ["a b c"] }), 'subwords.model.merges[0] must be two tokens, got "a b c"'],
    [
      "a merge of numbers",
      withModel({ merges: [[1, 2]] }),
      "subwords.model.merges[0] must be two tokens, got an array of 2",
    ],
    [
      "a merge of no token",
      withModel({ merges: [["q", "b"]] }),
      'merges[0] needs the token "q", which is not in vocab',
    ],
    [
      "a merge into no token",
      withModel({ merges: [["b", "a"]] }),
      'merges[0] needs the token "ba", which is not in vocab',
    ],
    [
      "a merge twice",
      withModel({
        merges: [
          ["▁a", "b"],
          ["▁a", "b"],
        ],
      }),
      'merges[1] repeats the merge of "▁a" and "b"',
    ],
    ["a prefix", withModel({ continuing_subword_prefix: "##" }), "continuing_subword_prefix must be null"],
    ["an unknown token that is none", withModel({ unk_token: "[UNK]" }), 'unk_token must be a token, got "[UNK]"'],
    ["a flag that is none", withModel({ fuse_unk: 1 }), "subwords.model.fuse_unk must be a boolean, got 1"],
    [
      "tokens by name, without their fields",
      withPart("added_tokens", [{}]),
      "added_tokens[0].content must be a string",
    ],
    [
      "a name of nothing",
      withPart("added_tokens", [{ ...added, content: "" }]),
      "added_tokens[0].content must not be empty",
    ],
    [
      "whole words",
      withPart("added_tokens", [{ ...added, single_word: true }]),
      "added_tokens[0].single_word must be false",
    ],
    ["a name twice", withPart("added_tokens", [added, added]), 'added_tokens[1] gives "<pad>" an id once more'],
    [
      "a name with another id",
      withPart("added_tokens", [{ ...added, id: 1 }]),
      'added_tokens[0] gives "<pad>" an id once more',
    ],
    ["too many names", withPart("added_tokens", Array(5000).fill(added)), "added_tokens has more than 4096 tokens"],
    [
      "an unknown normalizer",
      withPart("normalizer", { type: "Nmt" }),
      'normalizer.type is no normalizer that this package has: "Nmt"',
    ],
    [
      "an unknown pre-tokenizer",
      withPart("pre_tokenizer", { type: "Digits" }),
      "pre_tokenizer.type is no pre-tokenizer that",
    ],
    [
      "an unknown decoder",
      withPart("decoder", { type: "CTC" }),
      'decoder.type is no decoder that this package has: "CTC"',
    ],
    ["a part of no type", withPart("decoder", {}), "subwords.decoder.type must be a string, got undefined"],
    ["sequences without end", withPart("normalizer", nested(1000)), "lies deeper than 8 sequences"],
    [
      "a long sequence",
      withPart("normalizer", { type: "Sequence", normalizers: Array(99).fill({ type: "NFC" }) }),
      "has more than 64 parts",
    ],
    [
      "a slow expression",
      withPart("pre_tokenizer", { type: "Split", pattern: { Regex: "(a+)+$" }, behavior: "Isolated", invert: false }),
      "is no regular expression that this package knows",
    ],
    [
      "a text that grows",
      withPart("normalizer", { type: "Replace", pattern: { String: "a" }, content: "aa" }),
      "normalizer.content must have a length of at most 1",
    ],
    [
      "a replacement of nothing",
      withPart("decoder", { type: "Replace", pattern: { String: "" }, content: "" }),
      "pattern.String must not be empty",
    ],
    [
      "a mark of two",
      withPart("pre_tokenizer", { type: "Metaspace", replacement: "__", prepend_scheme: "always" }),
      "replacement must be one character",
    ],
    [
      "a scheme that is none",
      withPart("pre_tokenizer", { type: "Metaspace", replacement: "_", prepend_scheme: "often" }),
      'prepend_scheme must be one of "always", "first", "never", got "often"',
    ],
  ])("%s", (_, data, message) => {
    expect(() => parseSubwords(data)).toThrow(TextDataError);
    expect(() => parseSubwords(data)).toThrow(message);
    const error = (() => {
      try {
        parseSubwords(data);
      } catch (error) {
        return String(error);
      }
    })();
    expect(error).not.toContain("\n");
  });

  test("text that is no JSON, and that is cut off", () => {
    expect(() => subwordsFromFile("▁a b")).toThrow(/^subwords is not JSON/);
    const file = JSON.stringify(good);
    for (let length = 0; length < file.length; length += 97)
      expect(() => subwordsFromFile(file.slice(0, length))).toThrow(TextDataError);
  });

  test("any change of a value is read or refused with a typed error, and what is read encodes", () => {
    const paths: (readonly string[])[] = [];
    const walk = (data: Data, path: readonly string[]) => {
      paths.push(path);
      if (typeof data !== "object" || data === null) return;
      for (const key of Object.keys(data).slice(0, 12)) walk(data[key], [...path, key]);
    };
    walk(good, []);
    fc.assert(
      fc.property(fc.constantFrom(...paths.slice(1)), fc.jsonValue({ maxDepth: 2 }), (path, value) => {
        const data: Data = structuredClone(good);
        const owner = path.slice(0, -1).reduce((part, key) => part[key], data);
        owner[path.at(-1)!] = value;
        try {
          const read = parseSubwords(data);
          decodeSubwords(read, encodeSubwords(read, "ab abc é <pad>"));
        } catch (error) {
          expect(error).toBeInstanceOf(TextDataError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

test("names that objects have are tokens like others", () => {
  const subwords = subwordsFromTexts(Array(9).fill("__proto__ constructor"), { reserved: ["<pad>", "toString"] });
  const read = subwordsFromFile(JSON.stringify(subwords));
  expect(subwordId(read, "toString")).toBe(1);
  expect(subwordId(read, "hasOwnProperty")).toBe(null);
  const text = "__proto__ constructor toString";
  expect(decodeSubwords(read, encodeSubwords(read, text))).toBe(text);
  const proto = JSON.parse(JSON.stringify(subwords).replace('"toString":1', '"__proto__":1'));
  expect(idSubword(parseSubwords(proto), 1)).toBe("__proto__");
});

test("the file is the documented one: names, order of ids, parts", () => {
  const file = JSON.parse(readFileSync(join(import.meta.dirname, "golden", "subwords.json"), "utf8"));
  const { normalizer, pre_tokenizer, decoder, added_tokens, model } = file.vocabularies.own.file;
  const types = (part: Data) =>
    [part.normalizers, part.pretokenizers, part.decoders].flat().map((each: Data) => each?.type);
  expect(types(normalizer).filter(Boolean)).toEqual(["NFC", "Replace", "Strip"]);
  expect(types(pre_tokenizer).filter(Boolean)).toEqual(["Metaspace", "Split"]);
  expect(types(decoder).filter(Boolean)).toEqual(["Replace", "ByteFallback", "Fuse", "Strip"]);
  expect(added_tokens).toEqual([]);
  expect([model.vocab["<pad>"], model.vocab["<unk>"], model.vocab["<s>"], model.vocab["</s>"]]).toEqual([0, 1, 2, 3]);
  expect([model.vocab["<0x00>"], model.vocab["<0xFF>"], model.vocab["▁"]]).toEqual([4, 259, 260]);
});
