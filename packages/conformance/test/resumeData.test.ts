/** Going on with other rows than a checkpoint was made with, as many as before: the column is named. */
import {
  type Checkpoint,
  ConfigError,
  checkpointFromBytes,
  checkpointToBytes,
  type Examples,
  type FitOptions,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { reviews, trainerOf } from "./reviews.ts";

const data: Examples & { x: number[][]; y: number[] } = reviews(20);
const weighted = { ...data, sampleWeights: data.y.map((_, row) => 1 + (row % 3)) };
const options: FitOptions = { batchSize: 8, epochs: 2 };

/** A checkpoint of the first epoch, as a file has it. */
async function begun(given: Examples, more: FitOptions = {}): Promise<Checkpoint> {
  await using trainer = await trainerOf();
  await trainer.fit(given, { ...options, ...more, epochs: 1 });
  return checkpointFromBytes(checkpointToBytes(await trainer.checkpoint()));
}

async function goOn(resume: Checkpoint, given: Examples, more: FitOptions = {}) {
  await using trainer = await trainerOf();
  return await trainer.fit(given, { ...options, ...more, resume });
}

const changed = <T>(list: readonly T[], at: number, value: T): T[] => list.map((item, i) => (i === at ? value : item));
const turned = { x: data.x.toReversed(), y: data.y.toReversed() };

const cases: readonly (readonly [what: string, was: Examples, is: Examples, more: FitOptions, words: string])[] = [
  ["another word in the last row", data, { ...data, x: changed(data.x, 19, [1, 2, 3]) }, {}, 'input "words"'],
  ["another label", data, { ...data, y: changed(data.y, 7, 1 - data.y[7]) }, {}, 'y of "output"'],
  [
    "another weight",
    weighted,
    { ...weighted, sampleWeights: changed(weighted.sampleWeights, 3, 9) },
    {},
    "sampleWeights",
  ],
  ["another order of the rows", data, turned, {}, 'input "words" and of y of "output"'],
  [
    "a word that moved to the next row",
    { ...data, x: changed(changed(data.x, 0, [1, 2]), 1, [3]) },
    { ...data, x: changed(changed(data.x, 0, [1]), 1, [2, 3]) },
    {},
    'input "words"',
  ],
  [
    "another row among those for validation",
    data,
    { ...data, x: changed(data.x, 19, [4]) },
    { validationSplit: 0.2 },
    'input "words"',
  ],
];

describe("as many rows with another content are refused", () => {
  test.each(cases)("%s", async (_, was, is, more, words) => {
    const checkpoint = await begun(was, more);
    await expect(goOn(checkpoint, is, more)).rejects.toThrow(ConfigError);
    await expect(goOn(checkpoint, is, more)).rejects.toThrow(
      `cannot go on from this checkpoint: it was made with other data; the content of ${words} has changed.`,
    );
    expect((await goOn(checkpoint, was, more)).epochs).toHaveLength(2);
  });

  test("other validation data", async () => {
    const checkpoint = await begun(data, { validationData: reviews(6, 5, 2) });
    const other = { validationData: reviews(6, 5, 3) };
    await expect(goOn(checkpoint, data, other)).rejects.toThrow('the content of validation\'s input "words"');
    expect((await goOn(checkpoint, data, { validationData: reviews(6, 5, 2) })).epochs).toHaveLength(2);
  });
});

test("the same rows may come in another form", async () => {
  const checkpoint = await begun(data);
  const padded = data.x.map((row) => [...row, 0, 0, 0, 0, 0].slice(0, 5));
  expect((await goOn(checkpoint, { x: padded, y: Float32Array.from(data.y) })).epochs).toHaveLength(2);
});

test("a checkpoint from before, which knows nothing of the rows, goes on", async () => {
  const { settings, ...rest } = await begun(data);
  const { columns, ...old } = settings;
  expect(Object.keys(columns as object)).toEqual(['input "words"', 'y of "output"']);
  expect((await goOn({ settings: old, ...rest }, turned)).epochs).toHaveLength(2);
});
