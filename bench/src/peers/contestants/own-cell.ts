/** A contestant: `fit` of one recurrence and a dense layer on wasm with one thread, told in processor time. */
import { wasm } from "@ostinato/backend-wasm";
import { adam, compile, dense, float32, input, meanSquaredError, RandomStream, sequential } from "@ostinato/core";
import { contenders } from "../../cells/contenders.ts";
import type { CellOptions } from "../../cells/speed.ts";
import { gate } from "./steps.ts";

const { cell, sizes }: CellOptions = JSON.parse(process.argv[3] ?? "");
const [batch, time, features, units] = sizes;
const layer = contenders[cell] as (typeof contenders)[string];
const backend = await wasm({ threads: 1 });
const trainer = await compile(
  sequential([
    input({ shape: ["time", features] }),
    layer(units, { returnSequences: false }) as unknown as ReturnType<typeof dense>,
    dense({ units: 1 }),
  ]),
  { backend, loss: meanSquaredError(), optimizer: adam(), seed: 1 },
);
const stream = new RandomStream(1, "speed");
const draw = (shape: readonly number[], low: number) =>
  float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => low + (1 - low) * stream.uniform()),
  );
// Whatever else the machine does.
const { open, pass } = gate(() => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
});
await open({ backend: backend.name });
await trainer.fit(
  { x: draw([batch, time, features], -1), y: draw([batch, 1], 0) },
  { epochs: Number.MAX_SAFE_INTEGER, batchSize: batch, onStep: () => pass() },
);
