/** Weights of rows, steps and classes: they count in the loss of training and in weightedMetrics, and nowhere else. */
import { reference } from "@ostinato/conformance";
import {
  accuracy,
  ConfigError,
  compile,
  dense,
  type Examples,
  earlyStopping,
  embedding,
  type FitOptions,
  float32,
  input,
  lstm,
  meanSquaredError,
  type Rows,
  ShapeError,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  type Trainer,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { bytesAfter, reviews, trainerOf } from "./reviews.ts";

const data = reviews(20);
const still = { optimizer: sgd({ learningRate: 0 }) };

describe("class weights", () => {
  const classWeight = { 0: 1, 1: 5 };

  test("weigh the loss of training, and neither metrics nor validation", async () => {
    await using trainer = await trainerOf({ ...still, weightedMetrics: [accuracy({ name: "weighted" })] });
    const [plain] = (await trainer.fit(data, { validationSplit: 0.25 })).epochs;
    const [weighted] = (await trainer.fit(data, { validationSplit: 0.25, classWeight })).epochs;
    const same = ["accuracy", "auc", "valLoss", "valAccuracy", "valAuc", "valWeighted"] as const;
    for (const name of same) expect(weighted[name], name).toBe(plain[name]);
    expect(weighted.loss).toBeGreaterThan(1.5 * plain.loss);
    expect(weighted.weighted).not.toBeCloseTo(plain.weighted, 3);
    const held = { x: data.x.slice(15), y: data.y.slice(15) };
    const { loss, accuracy: right } = await trainer.evaluate(held);
    expect([weighted.valLoss, weighted.valAccuracy]).toEqual([loss, right]);
  });

  test("train as weights of rows do", async () => {
    const sampleWeights = data.y.map((label) => classWeight[label as 0 | 1]);
    expect(await bytesAfter((trainer) => trainer.fit(data, { classWeight }))).toBe(
      await bytesAfter((trainer) => trainer.fit({ ...data, sampleWeights })),
    );
  });

  test("of a split leave early stopping the figures of evaluate", async () => {
    await using trainer = await trainerOf();
    const options: FitOptions = { epochs: 4, validationSplit: 0.2, classWeight, callbacks: [earlyStopping()] };
    const { epochs } = await trainer.fit(data, options);
    const best = Math.min(...epochs.map(({ valLoss }) => valLoss));
    const { loss } = await trainer.evaluate({ x: data.x.slice(16), y: data.y.slice(16) });
    expect(loss).toBeCloseTo(best, 6);
  });

  test("of classes that the model does not have are refused", async () => {
    await using trainer = await taggerOf();
    await expect(trainer.fit(tags, { classWeight: { 3: 2 } })).rejects.toThrow(ConfigError);
    await expect(trainer.fit(tags, { classWeight: { 3: 2 } })).rejects.toThrow(
      "class 3, and the output has the classes 0 … 2",
    );
    await using binary = await trainerOf();
    await expect(binary.fit(data, { classWeight: { 2: 5 } })).rejects.toThrow(
      "class 2, and the output has the classes 0 … 1",
    );
  });

  test("must be a record: of a Map nothing would count", async () => {
    await using trainer = await trainerOf();
    const classWeight = new Map([[1, 5]]) as unknown as Record<number, number>;
    await expect(trainer.fit(data, { classWeight })).rejects.toThrow(
      "classWeight must be weights by class, such as { 0: 1, 1: 3 }, got an object (Map)",
    );
  });
});

/** Tags for each word: rows of 3, 1 and 2 words. */
const tags = {
  x: [[1, 2, 3], [4], [5, 1]],
  y: [[0, 2, 1], [1], [2, 2]],
} satisfies Examples;

const taggerOf = (): Promise<Trainer> =>
  compile(
    sequential([embedding({ inputDim: 6, outputDim: 3, maskZero: true }), dense({ units: 3, activation: "softmax" })]),
    {
      backend: reference(),
      loss: sparseCategoricalCrossentropy(),
      optimizer: sgd({ learningRate: 0 }),
      metrics: [accuracy()],
      weightedMetrics: [accuracy({ name: "weighted" })],
      seed: 1,
    },
  );

/** -log p of the tag of each step, and whether it is the most likely. */
async function stepsOf(trainer: Trainer): Promise<{ loss: number; right: number; row: number; tag: number }[]> {
  const { data: p, shape } = await trainer.predict(tags.x);
  return tags.y.flatMap((row, i) =>
    row.map((tag, t) => {
      const scores = [...p.subarray((i * shape[1] + t) * 3, (i * shape[1] + t + 1) * 3)];
      return { loss: -Math.log(scores[tag]), right: Number(scores.indexOf(Math.max(...scores)) === tag), row: i, tag };
    }),
  );
}

describe("weights for an output over time", () => {
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  const cases: readonly (readonly [string, Rows, readonly number[]])[] = [
    ["of steps, as ragged lists", [[1, 0, 2], [3], [0.5, 0]], [1, 0, 2, 3, 0.5, 0]],
    [
      "of steps, as a tensor that reaches further",
      float32([3, 4], [1, 0, 2, 9, 3, 9, 9, 9, 0.5, 0, 9, 9]),
      [1, 0, 2, 3, 0.5, 0],
    ],
    ["of rows, for all of their steps", [2, 0, 1], [2, 2, 2, 0, 1, 1]],
  ];
  for (const [what, sampleWeights, weights] of cases) {
    test(what, async () => {
      await using trainer = await taggerOf();
      const steps = await stepsOf(trainer);
      // Keras divides by the steps that count, whatever they weigh.
      const expected = {
        loss: sum(steps.map(({ loss }, i) => loss * weights[i])) / steps.length,
        accuracy: sum(steps.map(({ right }) => right)) / steps.length,
        weighted: sum(steps.map(({ right }, i) => right * weights[i])) / sum(weights),
      };
      const actual = await trainer.evaluate({ ...tags, sampleWeights }, { batchSize: 2 });
      for (const [name, value] of Object.entries(expected)) expect(actual[name], name).toBeCloseTo(value, 5);
      const [trained] = (await trainer.fit({ ...tags, sampleWeights }, { batchSize: 2 })).epochs;
      for (const [name, value] of Object.entries(expected)) expect(trained[name], name).toBeCloseTo(value, 5);
    });
  }

  test("of classes, step by step", async () => {
    await using trainer = await taggerOf();
    const steps = await stepsOf(trainer);
    const weights = steps.map(({ tag }) => [1, 4, 0.5][tag]);
    const [trained] = (await trainer.fit(tags, { classWeight: { 1: 4, 2: 0.5 } })).epochs;
    expect(trained.loss).toBeCloseTo(sum(steps.map(({ loss }, i) => loss * weights[i])) / steps.length, 5);
  });

  test("that end before their row, or that rows without time have, are refused", async () => {
    await using trainer = await taggerOf();
    const short = trainer.fit({ ...tags, sampleWeights: [[1, 1], [1], [1, 1]] });
    await expect(short).rejects.toThrow(ShapeError);
    await expect(short).rejects.toThrow("sampleWeights, row 0 has 2 steps");
    await using flat = await trainerOf();
    await expect(flat.fit({ ...data, sampleWeights: data.x.map(() => [1, 2]) })).rejects.toThrow(
      "sampleWeights must be float32[rows]",
    );
  });
});

describe("validationSplit", () => {
  const network = () => sequential([input({ shape: [1], name: "x" }), dense({ units: 1 })]);
  const kept = async (rows: number, validationSplit: number): Promise<number> => {
    await using trainer = await trainerOf({ loss: meanSquaredError(), metrics: [], ...still }, network());
    const x = Array.from({ length: rows }, (_, i) => i / rows);
    let steps = 0;
    await trainer.fit({ x, y: x }, { validationSplit, batchSize: 1, onStep: () => void steps++ });
    return steps;
  };

  test("leaves the rows that its share names, in spite of rounding", async () => {
    for (const [rows, share, expected] of [
      [10, 0.8, 2],
      [10, 0.9, 1],
      [10, 0.7, 3],
      [10, 0.1, 9],
      [100, 0.29, 71],
      [7, 0.5, 3],
      [3, 1 / 3, 2],
    ] as const)
      expect(await kept(rows, share), `${share} of ${rows}`).toBe(expected);
  });
});

test("a recurrent output over time takes weights of rows and steps", async () => {
  const network = sequential([
    input({ shape: ["time", 2], name: "x", lengths: true }),
    lstm({ units: 2, returnSequences: true }),
    dense({ units: 1 }),
  ]);
  await using trainer = await trainerOf({ loss: meanSquaredError(), metrics: [], ...still }, network);
  const x = [
    [
      [1, 2],
      [3, 4],
    ],
    [[1, 1]],
  ];
  const y = [[[0], [0]], [[5]]];
  const of = async (sampleWeights?: Rows) =>
    (await trainer.evaluate({ x, y, ...(sampleWeights ? { sampleWeights } : {}) })).loss;
  const all = await of();
  expect(await of([1, 1])).toBeCloseTo(all, 6);
  expect(await of([[1, 1], [1]])).toBeCloseTo(all, 6);
  expect((await of([1, 0])) + (await of([0, 1]))).toBeCloseTo(all, 6);
  expect((await of([[1, 0], [0]])) + (await of([[0, 1], [1]]))).toBeCloseTo(all, 6);
});
