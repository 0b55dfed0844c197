/** The WebAssembly backend in a worker of Node, with threads of its own: the same training to the bit. */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import {
  adam,
  type Backend,
  binaryCrossentropy,
  compile,
  dense,
  embedding,
  lstm,
  sequential,
  type Tensors,
} from "@ostinato/core";
import { inWorker } from "@ostinato/core/worker";
import { expect, test } from "vitest";
import { wasm } from "../src/index.ts";

async function trained(backend: Backend): Promise<{ state: Tensors; losses: number[] }> {
  const x = Array.from({ length: 96 }, (_, row) =>
    Array.from({ length: 1 + (row % 17) }, (_, t) => 1 + ((row * 7 + t) % 19)),
  );
  await using trainer = await compile(
    sequential([
      embedding({ inputDim: 20, outputDim: 6, maskZero: true }),
      lstm({ units: 24, dropout: 0.1 }),
      dense({ units: 1, activation: "sigmoid" }),
    ]),
    { backend, loss: binaryCrossentropy(), optimizer: adam({ learningRate: 0.01 }), seed: 5 },
  );
  const data = { x, y: x.map(([first = 0]) => first % 2) };
  const { epochs } = await trainer.fit(data, { epochs: 3, validationSplit: 0.25 });
  return { state: (await trainer.checkpoint()).state, losses: epochs.map(({ loss }) => loss) };
}

test("training in a worker, on threads of the worker, gives the same bits", async () => {
  const file = join(import.meta.dirname, "worker", "two.worker.ts");
  await using backend = await inWorker(new Worker(file, { execArgv: ["--conditions=@ostinato/source"] }));
  expect(backend.name).toMatch(/^wasm \(.* SIMD, 2 threads\) in a worker$/);
  const here = await wasm({ threads: 2 });
  const expected = await trained(here);
  const actual = await trained(backend);
  expect(actual.losses).toEqual(expected.losses);
  expect(Object.keys(actual.state)).toEqual(Object.keys(expected.state));
  // One side may have 256 bits and the other 128, which compute the same bits.
  for (const [name, { data }] of Object.entries(expected.state)) {
    expect(Buffer.from(actual.state[name].data.buffer).equals(Buffer.from(data.buffer)), name).toBe(true);
  }
});
