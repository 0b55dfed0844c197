/** `pnpm bench:streams`: what a step of a stream takes, on each backend, of one row and of eight. */
import { cpus, loadavg } from "node:os";
import { performance } from "node:perf_hooks";
import { cpu } from "@ostinato/backend-cpu";
import { wasm } from "@ostinato/backend-wasm";
import {
  adam,
  type Backend,
  compile,
  dense,
  embedding,
  input,
  lstm,
  type Model,
  meanSquaredError,
  predictor,
  sequential,
} from "@ostinato/core";
import { readOptions } from "./options.ts";
import { median } from "./rounds.ts";

readOptions("pnpm bench:streams takes no options", {});

const ROUNDS = 9;
const STEPS = 2000;
const UNITS = 128;
const CHARACTERS = 64;

/** What is streamed, and a step of a row. */
const models: Readonly<Record<string, { readonly model: Model; readonly step: number | readonly number[] }>> = {
  [`characters: an embedding of 32, LSTM ${UNITS}, a softmax over ${CHARACTERS}`]: {
    model: sequential([
      embedding({ inputDim: CHARACTERS, outputDim: 32 }),
      lstm({ units: UNITS, returnSequences: true }),
      dense({ units: CHARACTERS, activation: "softmax" }),
    ]),
    step: 7,
  },
  [`sensors: 8 features, LSTM ${UNITS}, one output`]: {
    model: sequential([input({ shape: ["time", 8] }), lstm({ units: UNITS }), dense({ units: 1 })]),
    step: [0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8],
  },
};

/** Microseconds of a step: the median of rounds, and the best of them. */
async function measure(backend: Backend, model: Model, x: readonly (number | readonly number[])[]) {
  const trainer = await compile(model, { backend, loss: meanSquaredError(), optimizer: adam() });
  const trained = await trainer.snapshot();
  await trainer.dispose();
  await using reader = await predictor(trained, { backend });
  await using stream = reader.stream({ batchSize: x.length });
  const readings: number[] = [];
  // The first round is for what the engine compiles.
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    for (let step = 0; step < STEPS; step++) await stream.step(x as readonly number[]);
    if (round > 0) readings.push(((performance.now() - start) / STEPS) * 1000);
  }
  return { median: median(readings), best: Math.min(...readings) };
}

console.log(
  `${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}; microseconds a step, median of ${ROUNDS} rounds (best)`,
);
const backends = [await cpu(), await wasm({ threads: 1 }), await wasm({ threads: 2 })];
for (const [label, { model, step }] of Object.entries(models)) {
  console.log(`\n${label}`);
  for (const rows of [1, 8])
    for (const backend of backends) {
      const { median: middle, best } = await measure(backend, model, Array(rows).fill(step));
      console.log(
        `  ${rows} ${rows === 1 ? "row " : "rows"}  ${middle.toFixed(1).padStart(7)} (${best.toFixed(1)})  ${backend.name}`,
      );
    }
}
