/** The ids of both sides: from training texts to a file and back. */
import { ConfigError, ModelFileError } from "@ostinato/core";
import {
  endId,
  idCount,
  paddingId,
  sides,
  startId,
  type TranslatorVocabulary,
  textEncoder,
  translatorMetadata,
  translatorSettings,
  translatorVocabulary,
  unknownId,
} from "@ostinato/translator";
import { expect, test } from "vitest";
import { untrained } from "./models.ts";

const pairs = { sources: ["Tact", "at"], targets: ["T AE K T", "AE T"] };

test("the sides are those of the model's inputs", async () => {
  const { spec } = await untrained();
  expect(spec.inputs.map(({ name }) => name)).toEqual(sides);
});

test("tokens get ids from 4 on, the most frequent first, ties as first seen", () => {
  const vocabulary = translatorVocabulary(pairs, { source: { tokens: "characters", lowercase: true } });
  expect(vocabulary.source.values).toEqual(["t", "a", "c"]);
  expect(vocabulary.target.values).toEqual(["T", "AE", "K"]);
  expect([idCount(vocabulary.source), idCount(vocabulary.target)]).toEqual([7, 7]);
  expect(textEncoder(vocabulary.source)(["TACTx", ""])).toEqual([[4, 5, 6, 4, unknownId], []]);
  expect(textEncoder(vocabulary.target)(["K AE T", "Q"])).toEqual([[6, 5, 4], [unknownId]]); // biome-ignore format: a table
  expect([paddingId, unknownId, startId, endId]).toEqual([0, 1, 2, 3]);
});

test("rare tokens, and those past the most, have no id", () => {
  const kept = (options: object) => translatorVocabulary(pairs, { target: options }).target.values;
  expect(kept({ minCount: 2 })).toEqual(["T", "AE"]);
  expect(kept({ maxTokens: 1 })).toEqual(["T"]);
});

test.each([
  [{ source: { tokens: "letters" } }, 'source.tokens must be "characters" or "words", got letters'],
  [{ target: { lowercase: 1 } }, "target.lowercase must be true or false, got 1"],
  [{ target: { minCount: 0 } }, "target.minCount must be a whole number from 1 on, got 0"],
  [{ source: { maxTokens: 1.5 } }, "source.maxTokens must be a whole number from 1 on, got 1.5"],
])("wrong options: %j", (options, message) => {
  expect(() => translatorVocabulary(pairs, options as never)).toThrow(ConfigError);
  expect(() => translatorVocabulary(pairs, options as never)).toThrow(message);
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
