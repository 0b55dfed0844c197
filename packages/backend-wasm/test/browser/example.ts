/** The README's example, for measuring what a bundle of it weighs. */
import { adam, binaryCrossentropy, compile, dense, embedding, lstm, sequential } from "@ostinato/core";
import { wasm } from "../../src/index.ts";

const model = sequential([
  embedding({ inputDim: 5000, outputDim: 10, maskZero: true }),
  lstm({ units: 128 }),
  dense({ units: 1, activation: "sigmoid" }),
]);

export async function train(x: number[][], y: number[]): Promise<unknown> {
  await using trainer = await compile(model, {
    backend: await wasm(),
    loss: binaryCrossentropy(),
    optimizer: adam(),
    seed: 1,
  });
  return trainer.fit({ x, y }, { epochs: 5, batchSize: 32 });
}
