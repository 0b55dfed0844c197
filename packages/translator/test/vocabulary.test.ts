/** The ids of both sides: from training texts to a file and back. */
import { ConfigError, ModelFileError } from "@ostinato/core";
import { encodeSubwords, subwordsFromFile } from "@ostinato/text";
import {
  endId,
  idCount,
  paddingId,
  sides,
  startId,
  type TranslatorVocabulary,
  textEncoder,
  tokenizerFiles,
  translatorMetadata,
  translatorSettings,
  translatorVocabulary,
  unknownId,
  vocabularyTokens,
} from "@ostinato/translator";
import { expect, test } from "vitest";
import { untrained, untrainedShared } from "./models.ts";

const pairs = { sources: ["Tact", "at"], targets: ["T AE K T", "AE T"] };

test("the sides are those of the model's inputs", async () => {
  const { spec } = await untrained();
  expect(spec.inputs.map(({ name }) => name)).toEqual(sides);
});

test("tokens get ids from 4 on, the most frequent first, ties as first seen", () => {
  const vocabulary = translatorVocabulary(pairs, { source: { tokens: "characters", lowercase: true } });
  expect(vocabularyTokens(vocabulary.source)).toEqual(["t", "a", "c"]);
  expect(vocabularyTokens(vocabulary.target)).toEqual(["T", "AE", "K"]);
  expect([idCount(vocabulary.source), idCount(vocabulary.target)]).toEqual([7, 7]);
  expect(textEncoder(vocabulary.source)(["TACTx", ""])).toEqual([[4, 5, 6, 4, unknownId], []]);
  expect(() => textEncoder(vocabulary.source)(["TACT"], { dropout: 0.1, seed: 1 })).toThrow(
    "textEncoder: dropout leaves out merges of subwords, and this side has characters",
  );
  expect(textEncoder(vocabulary.target)(["K AE T", "Q"])).toEqual([[6, 5, 4], [unknownId]]); // biome-ignore format: a table
  expect([paddingId, unknownId, startId, endId]).toEqual([0, 1, 2, 3]);
});

test("rare tokens, and those past the most, have no id", () => {
  const kept = (options: object) => vocabularyTokens(translatorVocabulary(pairs, { target: options }).target);
  expect(kept({ minCount: 2 })).toEqual(["T", "AE"]);
  expect(kept({ maxTokens: 1 })).toEqual(["T"]);
});

test.each([
  [{ source: { tokens: "letters" } }, 'source.tokens must be one of "characters", "words", "subwords", got letters'],
  [{ target: { lowercase: 1 } }, "target.lowercase must be true or false, got 1"],
  [{ target: { minCount: 0 } }, "target.minCount must be a whole number from 1 on, got 0"],
  [{ source: { maxTokens: 1.5 } }, "source.maxTokens must be a whole number from 1 on, got 1.5"],
  [{ target: { tokens: "subwords", maxTokens: 200 } }, "target.maxTokens must be a whole number above 260"],
  [{ shared: {}, source: {} }, "give shared, or source and target, not both"],
])("wrong options: %j", (options, message) => {
  expect(() => translatorVocabulary(pairs, options as never)).toThrow(ConfigError);
  expect(() => translatorVocabulary(pairs, options as never)).toThrow(message);
});

const sentences = {
  sources: ["ein Hund läuft", "ein Hund schläft", "Hunde laufen"],
  targets: ["a dog runs", "a dog sleeps", "dogs run"],
};
const shared = translatorVocabulary(sentences, { shared: { tokens: "subwords", maxTokens: 300, lowercase: true } });

test("subwords: one vocabulary of both sides, or one of each, whose ids are those of its file", () => {
  expect(shared.source).toBe(shared.target);
  expect(Object.keys(tokenizerFiles(shared))).toEqual(["tokenizer.json"]);
  const encode = textEncoder(shared.source);
  const texts = ["Ein Hund läuft", "dogs </s> 🙂", ""];
  const file = subwordsFromFile(tokenizerFiles(shared)["tokenizer.json"] as string);
  expect(encode(texts)).toEqual(texts.map((text) => encodeSubwords(file, text)));
  expect(encode(["HUND"])).toEqual(encode(["hund"]));
  expect(
    encode(texts)
      .flat()
      .every((id) => id > endId && id < idCount(shared.source)),
  ).toBe(true);
  expect(vocabularyTokens(shared.source)).toHaveLength(idCount(shared.source) - 4);
  expect(vocabularyTokens(shared.source)).toContain("▁hund");

  const apart = translatorVocabulary(sentences, {
    source: { tokens: "subwords", minCount: 1 },
    target: { tokens: "words" },
  });
  expect(Object.keys(tokenizerFiles(apart))).toEqual(["source.tokenizer.json"]);
  expect(tokenizerFiles(translatorVocabulary(pairs))).toEqual({});
});

test("lengths that cannot be", () => {
  expect(() => translatorMetadata({ maxSourceLength: 0, maxTargetLength: 5 })).toThrow(ConfigError);
  expect(() => translatorMetadata({ maxSourceLength: 5 } as never)).toThrow("maxTargetLength must be a whole number");
});

test("what a file tells, and files that tell something else", async () => {
  const trained = await untrained();
  const { vocabulary, settings } = translatorSettings(trained);
  expect(vocabulary).toEqual(trained.vocabulary);
  expect(settings).toEqual({ maxSourceLength: 12, maxTargetLength: 10 });

  const own = trained.vocabulary as TranslatorVocabulary;
  const side = (change: object) => ({ ...trained, vocabulary: { ...own, source: { ...own.source, ...change } } });
  for (const [damaged, message] of [
    [{ ...trained, vocabulary: undefined }, /not a translator: its file has no vocabulary; save it with trainer/],
    [{ ...trained, metadata: {} }, /not a translator: its file has no limits of length/],
    [{ ...trained, metadata: { translator: 7 } }, /damaged: maxSourceLength must be/],
    [{ ...trained, vocabulary: ["a"] }, /damaged: its vocabulary is not that of a translator/],
    [{ ...trained, vocabulary: { ...own, version: 2 } }, /has version 2, and this program reads version 1/],
    [side({ tokens: "runes" }), /does not tell how texts of its source become tokens/],
    [side({ values: ["a", 1] }), /has no list of tokens for its source/],
    [side({ values: ["a", "a"] }), /has a token of its source twice/],
    [
      side({ values: ["a", "b"] }),
      /does not fit the model: with 4 reserved ones its source has 6 ids, and the model 7/,
    ],
  ] as const) {
    expect(() => translatorSettings(damaged as never)).toThrow(ModelFileError);
    expect(() => translatorSettings(damaged as never)).toThrow(message);
  }
});

test("files of subwords, and files that hold others", async () => {
  const trained = {
    ...(await untrained("subwords")),
    metadata: { translator: { maxSourceLength: 9, maxTargetLength: 9 } },
  };
  const own = JSON.parse(JSON.stringify(trained.vocabulary)) as { source: { subwords: { model: object } } };
  const { source } = translatorSettings({ ...trained, vocabulary: own } as never).vocabulary;
  expect(source).toEqual((trained.vocabulary as TranslatorVocabulary).source);
  const both = await untrainedShared();
  const known = translatorSettings(JSON.parse(JSON.stringify(both))).vocabulary;
  expect(known).toEqual(both.vocabulary);
  expect(known.source).toBe(known.target);

  const { subwords } = own.source;
  const changed = (change: object) => ({
    ...own,
    source: { tokens: "subwords", subwords: { ...subwords, ...change } },
  });
  const token = {
    id: 3,
    content: "</s>",
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  };
  for (const [vocabulary, message] of [
    [{ ...own, source: { tokens: "subwords" } }, /damaged: its vocabulary does not hold its source: subwords/],
    [changed({ model: { type: "Unigram" } }), /does not hold its source: subwords\.model/],
    [
      changed({ added_tokens: [token] }),
      /does not keep the ids 0 to 3 of its source for <pad>, <unk>, <s>, <\/s> alone/,
    ],
    [changed({ model: { ...subwords.model, ignore_merges: true } }), /does not keep the ids 0 to 3/],
  ] as const) {
    expect(() => translatorSettings({ ...trained, vocabulary } as never)).toThrow(ModelFileError);
    expect(() => translatorSettings({ ...trained, vocabulary } as never)).toThrow(message);
  }
});
