/** Training and evaluation on the reference: what they compute, what they tell, and that seeds decide everything. */

import {
  accuracy,
  auc,
  dense,
  dropout,
  type EpochEvent,
  type Examples,
  embedding,
  type FitOptions,
  float32,
  int32,
  lstm,
  type Model,
  sequential,
  sgd,
  type TrainingData,
  type TrainingStepEvent,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { kerasPredict } from "./keras/layers.ts";
import { kerasLoss } from "./keras/losses.ts";
import { type Judged, kerasAccuracy, kerasAuc } from "./keras/metrics.ts";
import { bytesAfter, bytesOf, reviews, trainerOf, watched } from "./reviews.ts";

const data = reviews(23);
/** Nothing is learned, so that every figure is one of the first weights. */
const still = { optimizer: sgd({ learningRate: 0 }) };

/** Loss, accuracy and AUC of a network with its first weights, by Keras's formulas. */
async function figures({ x, y }: typeof data, sampleWeights?: readonly number[]) {
  await using trainer = await trainerOf();
  const { spec, weights } = await trainer.snapshot();
  const rows = x.map((ids) => kerasPredict(spec, weights, { ids, steps: [], length: ids.length }));
  const judged = rows.map(
    ({ vector = [] }, row): Judged => ({ predicted: vector, target: [y[row]], weight: sampleWeights?.[row] ?? 1 }),
  );
  const targets = y.map((label) => [[label]]);
  return {
    loss: kerasLoss("binaryCrossentropy", rows, targets, sampleWeights),
    accuracy: kerasAccuracy(judged, false),
    auc: kerasAuc(judged),
  };
}

function expectFigures(
  actual: Readonly<Record<string, number>>,
  expected: Readonly<Record<string, number>>,
  prefix = "",
): void {
  for (const [name, value] of Object.entries(expected)) {
    const key = prefix ? prefix + name[0].toUpperCase() + name.slice(1) : name;
    // The weights that the formulas get went through float32.
    expect(Math.abs(actual[key] - value), key).toBeLessThan(1e-6);
  }
}

const part = ({ x, y }: typeof data, from: number, to?: number) => ({ x: x.slice(from, to), y: y.slice(from, to) });

describe("evaluate", () => {
  test("gives Keras's figures, whatever the batch size", async () => {
    const expected = await figures(data);
    await using trainer = await trainerOf();
    for (const batchSize of [1, 5, 23, 100]) expectFigures(await trainer.evaluate(data, { batchSize }), expected);
  });

  test("weighs rows in the loss and in weightedMetrics, not in metrics", async () => {
    const sampleWeights = data.x.map((_, row) => row % 3);
    const [weighted, plain] = [await figures(data, sampleWeights), await figures(data)];
    const named = { name: "weightedAccuracy" };
    await using trainer = await trainerOf({ weightedMetrics: [accuracy(named), auc({ name: "weightedAuc" })] });
    expectFigures(await trainer.evaluate({ ...data, sampleWeights }, { batchSize: 4 }), {
      ...plain,
      loss: weighted.loss,
      weightedAccuracy: weighted.accuracy,
      weightedAuc: weighted.auc,
    });
    const { accuracy: right, auc: area } = plain;
    expectFigures(await trainer.evaluate(data, { batchSize: 4 }), {
      ...plain,
      weightedAccuracy: right,
      weightedAuc: area,
    });
    expect(weighted.accuracy).not.toBeCloseTo(plain.accuracy, 3);
  });

  test("tells the figures of the rows seen so far, the longest first", async () => {
    const order = data.x.map((_, row) => row).sort((a, b) => data.x[b].length - data.x[a].length);
    const longestFirst = { x: order.map((row) => data.x[row]), y: order.map((row) => data.y[row]) };
    await using trainer = await trainerOf();
    const events: { step: number; steps: number; logs: Readonly<Record<string, number>> }[] = [];
    await trainer.evaluate(data, { batchSize: 10, onStep: async (event) => void events.push(event) });
    expect(events.map(({ step, steps }) => [step, steps])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    for (const [k, { logs }] of events.entries())
      expectFigures(logs, await figures(part(longestFirst, 0, 10 * (k + 1))));
  });
});

describe("fit", () => {
  test("learns", async () => {
    await using trainer = await trainerOf();
    const { epochs } = await trainer.fit(data, { epochs: 20, batchSize: 6 });
    expect(epochs[0].loss).toBeGreaterThan(0.6);
    expect(epochs[19].loss).toBeLessThan(0.2);
    expect((await trainer.evaluate(data)).accuracy).toBe(1);
  });

  test("tells every step and every epoch, with running means", async () => {
    const expected = await figures(data);
    await using trainer = await trainerOf(still);
    const steps: TrainingStepEvent[] = [];
    const epochs: EpochEvent[] = [];
    const history = await trainer.fit(data, {
      epochs: 2,
      batchSize: 10,
      shuffle: false,
      onStep: async (event) => void steps.push(event),
      onEpoch: (event) => void epochs.push(event),
    });
    expect(steps.map(({ epoch, epochs: of, step, steps: count }) => [epoch, of, step, count])).toEqual([
      [1, 2, 1, 3],
      [1, 2, 2, 3],
      [1, 2, 3, 3],
      [2, 2, 1, 3],
      [2, 2, 2, 3],
      [2, 2, 3, 3],
    ]);
    for (const { step, logs } of steps) expectFigures(logs, await figures(part(data, 0, 10 * step)));
    expect(history.epochs).toEqual(epochs);
    expect(epochs.map(({ epoch, epochs: of }) => [epoch, of])).toEqual([
      [1, 2],
      [2, 2],
    ]);
    for (const event of epochs) {
      expectFigures(event, expected);
      expect(event.seconds).toBeGreaterThanOrEqual(0);
      expect(Object.keys(event).sort()).toEqual(["accuracy", "auc", "epoch", "epochs", "loss", "seconds"]);
    }
  });

  test("waits for what its callbacks do", async () => {
    const order: string[] = [];
    const pause = async (name: string) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      order.push(name);
    };
    await using trainer = await trainerOf();
    await trainer.fit(part(data, 0, 4), { batchSize: 2, onStep: () => pause("step"), onEpoch: () => pause("epoch") });
    expect(order).toEqual(["step", "step", "epoch"]);
  });

  test("callbacks may evaluate, predict and keep a snapshot between steps", async () => {
    const plain = await bytesAfter((trainer) => trainer.fit(data, { batchSize: 8 }));
    await using trainer = await trainerOf();
    await trainer.fit(data, {
      batchSize: 8,
      onStep: async () => {
        await trainer.evaluate(part(data, 0, 3));
        await trainer.predict([[1, 2]]);
        await trainer.snapshot();
      },
    });
    expect(await bytesOf(trainer)).toBe(plain);
  });

  test("validationSplit takes the last rows, before any shuffling", async () => {
    await using trainer = await trainerOf(still);
    const { epochs } = await trainer.fit(data, { validationSplit: 0.3, batchSize: 4 });
    expectFigures(epochs[0], await figures(part(data, 0, 16)));
    expectFigures(epochs[0], await figures(part(data, 16)), "val");
  });

  test("validationData are held beside, and learned from by nobody", async () => {
    const held = reviews(9, 8, 2);
    await using trainer = await trainerOf(still);
    const { epochs } = await trainer.fit(data, { validationData: held });
    expectFigures(epochs[0], await figures(data));
    expectFigures(epochs[0], await figures(held), "val");

    const alone = await bytesAfter((trainer) => trainer.fit(data));
    expect(await bytesAfter((trainer) => trainer.fit(data, { validationData: held }))).toBe(alone);
  });

  test("validateAveraged: the figures are those of the averaged weights, frozen ones among them as they are", async () => {
    const held = reviews(9, 8, 2);
    const trainable = (name: string) => name !== "embedding/embeddings";
    const optimizer = sgd({ learningRate: 0.5, useEma: true, emaMomentum: 0.9 });
    await using trainer = await trainerOf({ optimizer, trainable });
    const { epochs } = await trainer.fit(data, { validationData: held, validateAveraged: true, batchSize: 4 });
    const { weights } = await trainer.snapshot({ averaged: true });
    await using averaged = await trainerOf({ weights });
    const expected = await averaged.evaluate(held);
    expectFigures(epochs[0], expected, "val");
    expect(Math.abs((await trainer.evaluate(held)).loss - expected.loss)).toBeGreaterThan(1e-4);
    await using plain = await trainerOf();
    await expect(plain.fit(data, { validationData: held, validateAveraged: true })).rejects.toThrow(
      "fit: validateAveraged needs an optimizer with useEma: true",
    );
  });

  test("weights of 0 leave rows out", async () => {
    const mixed = { x: [...data.x, ...data.x], y: [...data.y, ...data.y.map((label) => 1 - label)] };
    const sampleWeights = mixed.x.map((_, row) => (row < data.x.length ? 2 : 0));
    const whole = { batchSize: 46, shuffle: false };
    const plain = await bytesAfter((trainer) => trainer.fit(data, whole));
    expect(await bytesAfter((trainer) => trainer.fit({ ...mixed, sampleWeights }, whole))).toBe(plain);
  });
});

describe("the seed decides", () => {
  const trained = (seed: number, network?: Model): Promise<string> =>
    bytesAfter((trainer) => trainer.fit(data, { epochs: 2, batchSize: 6, validationSplit: 0.2 }), { seed }, network);

  test("the same twice: the same bytes; another: others", async () => {
    expect(await trained(1)).toBe(await trained(1));
    expect(await trained(1)).not.toBe(await trained(2));
  });

  test("also with dropout", async () => {
    const network = () =>
      sequential([
        embedding({ inputDim: 12, outputDim: 3, maskZero: true }),
        dropout({ rate: 0.4 }),
        lstm({ units: 3 }),
        dense({ units: 1, activation: "sigmoid" }),
      ]);
    expect(await trained(1, network())).toBe(await trained(1, network()));
    expect(await trained(1, network())).not.toBe(await trained(2, network()));
  });

  test("the order of the rows, anew in each epoch", async () => {
    const seen = async (seed: number, shuffle = true): Promise<number[][]> => {
      const losses: number[][] = [[], [], []];
      await using trainer = await trainerOf({ ...still, metrics: [], weights: await firstWeights(), seed });
      await trainer.fit(data, {
        epochs: 3,
        batchSize: 1,
        shuffle,
        onStep: ({ epoch, logs }) => void losses[epoch - 1].push(logs.loss),
      });
      return losses;
    };
    const [first, second] = [await seen(1), await seen(2)];
    expect(await seen(1)).toEqual(first);
    expect(second[0]).not.toEqual(first[0]);
    expect(first[1]).not.toEqual(first[0]);
    expect(first[2]).not.toEqual(first[1]);
    const plain = await seen(1, false);
    expect(plain[1]).toEqual(plain[0]);
  });

  async function firstWeights() {
    await using trainer = await trainerOf();
    return (await trainer.snapshot()).weights;
  }
});

describe("data in other forms trains the same model", () => {
  const trained = (given: TrainingData, options: FitOptions = {}): Promise<string> =>
    bytesAfter((trainer) => trainer.fit(given, { batchSize: 6, epochs: 2, ...options }));
  const time = 9;
  const padded = int32(
    [23, time],
    data.x.flatMap((row) => [...row, ...new Array<number>(time - row.length).fill(0)]),
  );

  test("ragged lists, padded tensors, typed arrays, names", async () => {
    const expected = await trained(data);
    const forms: Examples[] = [
      { x: padded, y: float32([23], data.y) },
      { x: data.x.map((row) => Int32Array.from(row)), y: Int32Array.from(data.y) },
      { x: { words: data.x }, y: data.y.map((label) => [label]) },
      { x: { values: padded, lengths: data.x.map((row) => row.length) }, y: Float64Array.from(data.y) },
    ];
    for (const form of forms) expect(await trained(form)).toBe(expected);
  });

  test("batches from lists, iterables and streams", async () => {
    const expected = await trained(data, { shuffle: false });
    const batches = [0, 6, 12, 18].map((from) => part(data, from, from + 6));
    expect(await trained(batches)).toBe(expected);
    expect(
      await trained({
        *[Symbol.iterator]() {
          yield* batches;
        },
      }),
    ).toBe(expected);
    expect(
      await trained({
        async *[Symbol.asyncIterator]() {
          yield* batches;
        },
      }),
    ).toBe(expected);
  });

  test("batches tell steps of an unknown number", async () => {
    const events: (readonly [number, number])[] = [];
    await trained([part(data, 0, 3), part(data, 3)], {
      epochs: 1,
      onStep: ({ step, steps }) => void events.push([step, steps]),
    });
    expect(events).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });

  test("rows that are made anew: each epoch asks for its own, which may be longer than any before", async () => {
    const longer = reviews(23, 9, 4);
    const anew = (epoch: number) => (epoch === 1 ? longer : data);
    const twice = { epochs: 2, groupByLength: true };
    const made = await bytesAfter((trainer) => trainer.fit(anew, twice));
    const oneByOne = await bytesAfter(async (trainer) => {
      await trainer.fit(data, { groupByLength: true });
      await trainer.fit(longer, { groupByLength: true });
    });
    expect(made).toBe(oneByOne);
    expect(await bytesAfter((trainer) => trainer.fit(() => data, twice))).toBe(
      await bytesAfter((trainer) => trainer.fit(data, twice)),
    );
  });

  test("an iterable is closed where training stops", async () => {
    let closed = false;
    function* batches() {
      try {
        for (;;) yield part(data, 0, 2);
      } finally {
        closed = true;
      }
    }
    const stop = new Error("enough");
    await expect(
      trained(batches(), {
        epochs: 1,
        onStep: ({ step }) => {
          if (step === 3) throw stop;
        },
      }),
    ).rejects.toBe(stop);
    expect(closed).toBe(true);
  });
});

describe("a trainer goes on", () => {
  test("two fits are one of both lengths: slots, steps and orders are kept", async () => {
    const fits = (...epochs: number[]) =>
      bytesAfter(async (trainer) => {
        for (const count of epochs) await trainer.fit(data, { epochs: count, batchSize: 5 });
      });
    expect(await fits(1, 3)).toBe(await fits(4));
  });

  test("data that are longer than what was compiled are taken; shorter ones compile nothing", async () => {
    const backend = watched();
    await using trainer = await trainerOf({ backend });
    const compiled = async (longest: number, batchSize: number) => {
      await trainer.fit(reviews(12, longest), { batchSize });
      return backend.compiled;
    };
    expect(await compiled(3, 4)).toBe(1);
    expect(await compiled(2, 3)).toBe(1);
    expect(await compiled(9, 4)).toBe(2);
    expect(await compiled(3, 6)).toBe(3);
    // Both sizes were kept.
    expect(await compiled(9, 6)).toBe(3);
    await trainer.predict([[1]]);
    await trainer.predict([[1], [2, 3, 4]]);
    await trainer.predict([[1, 2], [2]]);
    expect(backend.compiled).toBe(5);
  });

  test("from weights that were trained before", async () => {
    await using trainer = await trainerOf();
    await trainer.fit(data);
    const { weights } = await trainer.snapshot();
    await using again = await trainerOf({ weights, seed: 99 });
    expect(await bytesOf(again)).toBe(await bytesOf(trainer));
  });

  test("a snapshot is a copy, and has what was given along", async () => {
    await using trainer = await trainerOf();
    const before = await trainer.snapshot({ vocabulary: ["a"], metadata: { note: 1 } });
    const kept = structuredClone(before.weights);
    await trainer.fit(data);
    expect(before.weights).toEqual(kept);
    expect([before.vocabulary, before.metadata]).toEqual([["a"], { note: 1 }]);
    expect(Object.values(before.weights).every(({ dtype }) => dtype === "float32")).toBe(true);
  });
});
