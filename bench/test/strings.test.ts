/** Copying, reversing and sorting are learned from small strings in a second each, and written without a mistake for others. */
import { wasm } from "@ostinato/backend-wasm";
import { expect, test } from "vitest";
import { learn, letters, type Size, tasks } from "../src/strings/learn.ts";

const small: Size = {
  ...letters,
  ...{ symbols: 8, shortest: 3, longest: 6, features: 12, units: 16 },
  ...{ strings: 4000, epochs: 6, batchSize: 64, learningRate: 0.01 },
};

test.each(Object.keys(tasks) as (keyof typeof tasks)[])("%s", async (task) => {
  const { whole } = await learn(task, small, { backend: await wasm({ threads: 1 }), seed: 1 });
  expect(whole).toBeGreaterThanOrEqual(0.99);
});
