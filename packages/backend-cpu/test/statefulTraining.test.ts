/** Training with states that go on, in single precision: what a refused step leaves, and going on from a checkpoint, bit for bit. */
import {
  adam,
  type Checkpoint,
  checkpointFromBytes,
  checkpoints,
  checkpointToBytes,
  compile,
  continuousBatches,
  dense,
  type Examples,
  embedding,
  input,
  lstm,
  meanSquaredError,
  NonFiniteError,
  sequential,
  sgd,
  simpleRnn,
  sparseCategoricalCrossentropy,
  type Tensors,
  type Trainer,
  toBytes,
} from "@ostinato/core";
import { expect, test } from "vitest";
import { cpu } from "../src/index.ts";

test("a step that is refused leaves states as they were", async () => {
  const line = sequential([
    input({ shape: ["time", 1] }),
    simpleRnn({ units: 2, activation: "relu", stateful: true, returnSequences: true }),
    dense({ units: 1 }),
  ]);
  const stateAfter = async (batches: Examples[], refused: boolean): Promise<Tensors> => {
    await using trainer = await compile(line, {
      backend: await cpu(),
      loss: meanSquaredError(),
      optimizer: sgd({ learningRate: 1e-3 }),
      seed: 2,
    });
    const failure = await trainer.fit(batches).catch((error: unknown) => error);
    expect(failure instanceof NonFiniteError).toBe(refused);
    return (await trainer.checkpoint()).state;
  };
  const good: Examples = { x: [[[1], [2]]], y: [[[1], [1]]] };
  const bad: Examples = { x: [[[3e38], [3e38]]], y: [[[-3e38], [-3e38]]] };
  const before = await stateAfter([good], false);
  expect(before["states/simpleRnn/h"]?.data.some((number) => number !== 0)).toBe(true);
  expect(await stateAfter([good, bad], true)).toEqual(before);
});

test("a training goes on from the middle of a text to the same bytes", async () => {
  const text = Array.from({ length: 81 }, (_, i) => (7 * i + ((i * i) >> 3)) % 9);
  const trainerOf = async (): Promise<Trainer> =>
    compile(
      sequential([
        embedding({ inputDim: 9, outputDim: 4 }),
        lstm({ units: 8, returnSequences: true, stateful: true, dropout: 0.1 }),
        dense({ units: 9, activation: "softmax" }),
      ]),
      { backend: await cpu(), loss: sparseCategoricalCrossentropy(), optimizer: adam({ learningRate: 0.02 }), seed: 4 },
    );
  const data = continuousBatches(text, { batchSize: 2, sequenceLength: 8 });
  const saved: Uint8Array[] = [];
  const save = (checkpoint: Checkpoint) => void saved.push(checkpointToBytes(checkpoint));
  await using whole = await trainerOf();
  await whole.fit(data, { epochs: 2, callbacks: [checkpoints({ save, everySteps: 3 })] });
  for (const bytes of saved) {
    await using resumed = await trainerOf();
    const callbacks = [checkpoints({ save: () => {}, everySteps: 3 })];
    await resumed.fit(data, { epochs: 2, callbacks, resume: checkpointFromBytes(bytes) });
    expect(toBytes(await resumed.snapshot())).toEqual(toBytes(await whole.snapshot()));
  }
});
