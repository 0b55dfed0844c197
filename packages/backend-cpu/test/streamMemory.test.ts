/** What a stream leaves on the heap: nothing for each step. */
import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { adam, compile, dense, embedding, lstm, meanSquaredError, predictor, sequential } from "@ostinato/core";
import { expect, test } from "vitest";
import { cpu } from "../src/index.ts";

test("a step leaves nothing behind", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const characters = sequential([
    embedding({ inputDim: 8, outputDim: 3 }),
    lstm({ units: 4, returnSequences: true }),
    dense({ units: 2 }),
  ]);
  await using trainer = await compile(characters, {
    backend: await cpu(),
    loss: meanSquaredError(),
    optimizer: adam(),
  });
  await using reader = await predictor(await trainer.snapshot(), { backend: await cpu() });
  await using stream = reader.stream();
  const held = async (steps: number): Promise<number> => {
    for (let step = 0; step < steps; step++) await stream.step([step % 8]);
    for (let round = 0; round < 3; round++) collect();
    const { heapUsed, arrayBuffers } = memoryUsage();
    return heapUsed + arrayBuffers;
  };
  // The engine's own memory grows now and then, while it compiles; the least of several tries counts.
  let growth = Number.POSITIVE_INFINITY;
  let before = await held(3000);
  for (let tries = 0; tries < 4 && growth >= 8 * 6000; tries++) {
    const after = await held(6000);
    growth = after - before;
    before = after;
  }
  // Less than the 8 bytes of one pointer a step.
  expect(growth).toBeLessThan(8 * 6000);
});
