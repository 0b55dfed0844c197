/** How much a training's memory grows between two of its steps. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { accuracy, adam, binaryCrossentropy, compile, dense, embedding, lstm, sequential } from "@ostinato/core";
import { cpu } from "../src/index.ts";

/** The share by which heap and array buffers together grow from step `from` to step `to`, garbage collected at both. */
export async function heapGrowth(from: number, to: number): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const x = Array.from({ length: to }, (_, row) =>
    Array.from({ length: 1 + (row % 5) }, (_, t) => 1 + ((row + t) % 9)),
  );
  const model = sequential([
    embedding({ inputDim: 12, outputDim: 3, maskZero: true }),
    lstm({ units: 4, dropout: 0.2 }),
    dense({ units: 1, activation: "sigmoid" }),
  ]);
  const settings = { loss: binaryCrossentropy(), optimizer: adam(), metrics: [accuracy()] };
  const sizes = new Map<number, number>();
  const onStep = ({ step }: { step: number }): void => {
    if (step !== from && step !== to) return;
    for (let k = 0; k < 3; k++) collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    sizes.set(step, heapUsed + arrayBuffers);
  };
  const backend = await cpu();
  // Once before, for what the engine compiles and keeps of the code itself.
  for (let round = 0; round < 2; round++) {
    await using trainer = await compile(model, { backend, ...settings });
    await trainer.fit({ x, y: x.map((row) => row.length % 2) }, { batchSize: 1, onStep });
  }
  const [first = Number.NaN, last = Number.NaN] = [sizes.get(from), sizes.get(to)];
  return last / first - 1;
}
