/** A trainer on tfjs: nothing of it stays on the device, however its training ended, and it goes on from checkpoints. */
import { tfjs } from "@ostinato/backend-tfjs";
import {
  adam,
  binaryCrossentropy,
  checkpointFromBytes,
  checkpoints,
  checkpointToBytes,
  compile,
  dense,
  earlyStopping,
  embedding,
  lstm,
  NonFiniteError,
  type Optimizer,
  sequential,
  type Trainer,
  toBytes,
} from "@ostinato/core";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { expect, test } from "vitest";

const x = Array.from({ length: 12 }, (_, row) => Array.from({ length: 1 + (row % 3) }, (_, t) => 1 + ((row + t) % 8)));
const data = { x, y: x.map(([first = 0]) => first % 2) };
const backend = await tfjs(tf, { backend: "cpu" });
const held = (): number => tf.engine().registry.cpu?.numDataIds() ?? Number.NaN;

const trainerOf = (optimizer: Optimizer = adam()): Promise<Trainer> =>
  compile(
    sequential([
      embedding({ inputDim: 10, outputDim: 2, maskZero: true }),
      lstm({ units: 2, dropout: 0.2 }),
      dense({ units: 1, activation: "sigmoid" }),
    ]),
    { backend, loss: binaryCrossentropy(), optimizer },
  );

const ends: Readonly<Record<string, (trainer: Trainer) => Promise<unknown>>> = {
  "at its end": (trainer) => trainer.fit(data, { epochs: 2, batchSize: 4 }),
  "with callbacks and checkpoints": (trainer) =>
    trainer.fit(data, {
      epochs: 2,
      batchSize: 4,
      validationSplit: 0.3,
      callbacks: [earlyStopping(), checkpoints({ save: () => {}, everySteps: 1 })],
    }),
  "by a signal": (trainer) => {
    const controller = new AbortController();
    const onStep = () => controller.abort(new Error("enough"));
    return expect(trainer.fit(data, { batchSize: 4, signal: controller.signal, onStep })).rejects.toThrow("enough");
  },
  "by an error of a callback": (trainer) =>
    expect(
      trainer.fit(data, { callbacks: [{ name: "broken", onStep: () => Promise.reject(new Error("broken")) }] }),
    ).rejects.toThrow("broken"),
  "by data that do not fit": (trainer) => expect(trainer.fit({ x, y: [1] })).rejects.toThrow("rows"),
};

test.each(Object.entries(ends))("nothing is left alive after dispose: training ended %s", async (_what, train) => {
  const before = held();
  const trainer = await trainerOf();
  await train(trainer);
  await trainer.predict(x);
  expect(held()).toBeGreaterThan(before);
  await trainer.dispose();
  expect(held()).toBe(before);
});

test("nor after a number that was not finite", async () => {
  const before = held();
  const trainer = await trainerOf(adam({ learningRate: 1e39 }));
  await expect(trainer.fit(data, { epochs: 5 })).rejects.toThrow(NonFiniteError);
  await trainer.dispose();
  expect(held()).toBe(before);
});

test("steps leave nothing on the device", async () => {
  await using trainer = await trainerOf();
  const counts: number[] = [];
  await trainer.fit(data, { epochs: 4, batchSize: 4, onStep: () => void counts.push(held()) });
  expect(new Set(counts.slice(3)).size).toBe(1);
});

test("going on from a checkpoint ends in the same bytes", async () => {
  const options = { epochs: 2, batchSize: 4 };
  const saved: Uint8Array[] = [];
  await using whole = await trainerOf();
  await whole.fit(data, {
    ...options,
    callbacks: [checkpoints({ save: (made) => void saved.push(checkpointToBytes(made)), everySteps: 1 })],
  });
  for (const bytes of saved) {
    await using again = await trainerOf();
    await again.fit(data, {
      ...options,
      callbacks: [checkpoints({ save: () => {} })],
      resume: checkpointFromBytes(bytes),
    });
    expect(toBytes(await again.snapshot())).toEqual(toBytes(await whole.snapshot()));
  }
});
