/** Stopping and going on: a training resumed from any checkpoint ends in the same bytes as one that was never stopped. */
import {
  accuracy,
  adam,
  auc,
  binaryCrossentropy,
  type Callback,
  type Checkpoint,
  checkpointFromBytes,
  checkpoints,
  checkpointToBytes,
  compile,
  dense,
  dropout,
  earlyStopping,
  embedding,
  lstm,
  RandomStream,
  reduceLearningRateOnPlateau,
  sequential,
  toBytes,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { reference } from "../src/index.ts";

const model = sequential([
  embedding({ inputDim: 12, outputDim: 3, maskZero: true }),
  lstm({ units: 4, dropout: 0.2, recurrentDropout: 0.1 }),
  dropout({ rate: 0.3 }),
  dense({ units: 1, activation: "sigmoid" }),
]);

const stream = new RandomStream(7, "rows");
const x = Array.from({ length: 30 }, () => Array.from({ length: 1 + stream.below(5) }, () => 1 + stream.below(11)));
const y = x.map((row) => (row.filter((id) => id > 6).length * 2 > row.length ? 1 : 0));

const trainer = () =>
  compile(model, {
    backend: reference(),
    loss: binaryCrossentropy(),
    optimizer: adam({ learningRate: 0.02, useEma: true, gradientAccumulationSteps: 2 }),
    metrics: [accuracy(), auc()],
    seed: 5,
  });

const callbacks = (more: readonly Callback[] = []): Callback[] => [
  earlyStopping({ patience: 2 }),
  reduceLearningRateOnPlateau({ patience: 1, factor: 0.5 }),
  ...more,
];

const options = { epochs: 4, batchSize: 7, validationSplit: 0.2, validateAveraged: true };

/** History without the one thing that time decides. */
const timeless = (history: { epochs: readonly object[]; stopped?: string }) =>
  JSON.stringify({ ...history, epochs: history.epochs.map((event) => ({ ...event, seconds: 0 })) });

describe("a training that is stopped and goes on", () => {
  test("ends in the same weights, history and state of callbacks, from every step", async () => {
    const saved: Uint8Array[] = [];
    const save = (checkpoint: Checkpoint) => void saved.push(checkpointToBytes(checkpoint));
    await using whole = await trainer();
    const history = await whole.fit(
      { x, y },
      { ...options, callbacks: callbacks([checkpoints({ save, everySteps: 1 })]) },
    );
    const weights = toBytes(await whole.snapshot());
    const averaged = toBytes(await whole.snapshot({ averaged: true }));
    expect(saved.length).toBeGreaterThan(12);

    for (const bytes of saved) {
      await using resumed = await trainer();
      const again = await resumed.fit(
        { x, y },
        {
          ...options,
          resume: checkpointFromBytes(bytes),
          callbacks: callbacks([checkpoints({ save: () => {}, everySteps: 1 })]),
        },
      );
      expect(toBytes(await resumed.snapshot())).toEqual(weights);
      expect(toBytes(await resumed.snapshot({ averaged: true }))).toEqual(averaged);
      expect(timeless(again)).toBe(timeless(history));
    }
  });

  test("names what is not as it was", async () => {
    await using first = await trainer();
    await first.fit({ x, y }, { ...options, epochs: 1 });
    const resume = await first.checkpoint();
    await using second = await trainer();
    await expect(second.fit({ x, y }, { ...options, batchSize: 8, resume })).rejects.toThrow(
      /batchSize was "?7"?, is "?8"?/,
    );
  });

  const { validationSplit: _, ...unsplit } = options;
  /** Other ids in each epoch. */
  const anew = (epoch: number) => ({ x: x.map((row) => row.map((id) => 1 + ((id + epoch) % 11))), y });
  test.each([
    ["rows", { x, y }, options],
    ["rows that are made anew", anew, { ...unsplit, validationData: { x, y } }],
  ] as const)("stops within a step when it is told to, and goes on from there: %s", async (_name, data, options) => {
    await using whole = await trainer();
    const history = await whole.fit(data, options);
    await using stopped = await trainer();
    const controller = new AbortController();
    const onStep = ({ epoch, step }: { epoch: number; step: number }) => {
      if (epoch === 2 && step === 3) controller.abort(new Error("enough"));
    };
    await expect(stopped.fit(data, { ...options, signal: controller.signal, onStep })).rejects.toThrow("enough");
    const resume = await stopped.checkpoint();
    expect(resume.position).toMatchObject({ epoch: 1, step: 3 });
    await using resumed = await trainer();
    expect(timeless(await resumed.fit(data, { ...options, resume }))).toBe(timeless(history));
    expect(toBytes(await resumed.snapshot())).toEqual(toBytes(await whole.snapshot()));
  });
});
