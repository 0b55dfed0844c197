/** A classifier of several inputs: words, and n-grams of words beside them. */
import { wasm } from "@ostinato/backend-wasm";
import {
  classifierDescription,
  classifierSettings,
  encodeForClassifier,
  textClassifier as fromMemory,
} from "@ostinato/classifier";
import { textClassifier } from "@ostinato/classifier/node";
import { type Trained, toBytes } from "@ostinato/core";
import { exportOnnx } from "@ostinato/onnx";
import { vocabularyFromTexts } from "@ostinato/text";
import { beforeAll, expect, test } from "vitest";
import { trainedOnBigrams } from "./models.ts";

let bigrams: Trained;
beforeAll(async () => {
  bigrams = await trainedOnBigrams();
});
const given = ["Good, not bad.", "Bad, not good.", "", "nothing known"];

test("it has a vocabulary for each, and answers alike from every kind of file", async () => {
  await using first = await textClassifier(bigrams);
  const expected = await first.classify(given);
  expect(expected.slice(0, 2).map(({ label }) => label)).toEqual(["good", "bad"]);
  for (const open of [
    () => fromMemory(toBytes(bigrams)),
    async () => textClassifier(toBytes(bigrams), { backend: await wasm({ threads: 1 }) }),
    () => textClassifier(exportOnnx(bigrams)),
  ]) {
    await using classifier = await open();
    for (const [row, { probability }] of (await classifier.classify(given)).entries())
      expect(probability).toBeCloseTo(expected[row]?.probability as number, 5);
  }
});

test("it is described with all of them", () => {
  const { vocabulary, vocabularies } = classifierSettings(bigrams);
  expect(Object.keys(vocabularies)).toEqual(["words", "bigrams"]);
  const description = JSON.parse(JSON.stringify(classifierDescription(bigrams)));
  expect(description).toMatchObject({ input: "words", vocabulary, others: { bigrams: vocabularies.bigrams } });
  expect(vocabulary).toEqual(vocabularies.words);
});

test("it needs them all", () => {
  const { words, ...rest } = classifierSettings(bigrams).vocabularies;
  const message = 'the model takes words, bigrams, and its file has no vocabulary for "';
  expect(() => classifierSettings({ ...bigrams, vocabulary: { words: words as never } })).toThrow(`${message}bigrams"`);
  expect(() => classifierSettings({ ...bigrams, vocabulary: words as never })).toThrow(`${message}words"`);
  expect(() => classifierSettings({ ...bigrams, vocabulary: { ...rest, words: { version: 9 } } as never })).toThrow(
    'the model file is damaged: vocabulary.version must be 1, 2 or 3, got 9 (input "words")',
  );
});

test("rows come by the names of inputs, where vocabularies come by these", () => {
  const words = vocabularyFromTexts(["a b c d"]);
  const bigrams = vocabularyFromTexts(["a b", "b a"], { ngram: 2 });
  const rows = encodeForClassifier({ maxLength: 2 }, { words, bigrams }, ["b a b", "c"]);
  expect(rows).toEqual({ words: [[2, 3], [4]], bigrams: [[5, 3], [1]] });
});
