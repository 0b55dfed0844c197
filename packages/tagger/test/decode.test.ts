/** From outputs to tags: the largest unit, and the bias against what is outside of all spans. */
import { float32 } from "@ostinato/core";
import { taggerMetadata } from "@ostinato/tagger";
import { expect, test } from "vitest";
import { type Decode, mostProbable, withBias } from "../src/decode.ts";

const outputs = float32([1, 3, 3], [0.6, 0.3, 0.1, 0.2, 0.5, 0.3, 0.8, 0.1, 0.1]);

test("the most probable tag of each token, within the sentence, with its probability", () => {
  expect(mostProbable(outputs, [2])).toEqual([{ tags: [0, 1], probabilities: [expect.closeTo(0.6, 6), 0.5] }]);
});

test("a bias makes the tag outside less likely: of a softmax exp(-bias) times, of a CRF by as much", () => {
  const tagsOf = (decode: Decode) => decode(outputs, [3])[0]?.tags;
  expect(tagsOf(withBias(mostProbable, "softmax", 0, 0.6))).toEqual([0, 1, 0]); // 0.6 · 0.55 is above 0.3
  expect(tagsOf(withBias(mostProbable, "softmax", 0, 0.8))).toEqual([1, 1, 0]);
  expect(tagsOf(withBias(mostProbable, "softmax", 0, -1))).toEqual([0, 0, 0]);
  let seen: number[] = [];
  const keep: Decode = ({ data }) => {
    seen = [...data];
    return [];
  };
  withBias(keep, "crf", 0, 0.5)(outputs, [3]);
  expect(seen).toEqual([...outputs.data].map((value, i) => expect.closeTo(i % 3 === 0 ? value - 0.5 : value, 6)));
  expect(outputs.data[0]).toBeCloseTo(0.6, 6);
  for (const none of [withBias(mostProbable, "crf", -1, 1), withBias(mostProbable, "crf", 0, 0)])
    expect(none).toBe(mostProbable);
});

test("it must be a number", () => {
  expect(() => taggerMetadata({ tags: ["O", "B-a"], outsideBias: Number.NaN })).toThrow("outsideBias must be a finite");
});
