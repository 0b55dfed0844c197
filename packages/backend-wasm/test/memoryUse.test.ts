/** What training takes of memory, as the section "Memory" of core's README states it: exact, from the programs of two models and from the state. */
import { cpu } from "@ostinato/backend-cpu";
import { idle } from "@ostinato/conformance";
import {
  accuracy,
  adam,
  auc,
  binaryCrossentropy,
  compile,
  countParameters,
  dense,
  earlyStopping,
  embedding,
  type Loss,
  lstm,
  type Model,
  type Optimizer,
  type Program,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  type Tensors,
} from "@ostinato/core";
import { describe, expect, test, vi } from "vitest";
import { wasm } from "../src/index.ts";
import { WasmMemory } from "../src/memory.ts";

const reviews = (words = 5000): Model =>
  sequential([
    embedding({ inputDim: words, outputDim: 10, maskZero: true }),
    lstm({ units: 128 }),
    dense({ units: 1, activation: "sigmoid" }),
  ]);

const language = (words = 10_000): Model =>
  sequential([
    embedding({ inputDim: words, outputDim: 256 }),
    lstm({ units: 256, returnSequences: true }),
    lstm({ units: 256, returnSequences: true }),
    dense({ units: words, activation: "softmax" }),
  ]);

interface Net {
  readonly model: (words?: number) => Model;
  readonly loss: Loss;
  /** A target for each step. */
  readonly steps: boolean;
}

const nets: Readonly<Record<"reviews" | "language", Net>> = {
  reviews: { model: reviews, loss: binaryCrossentropy(), steps: false },
  language: { model: language, loss: sparseCategoricalCrossentropy(), steps: true },
};

const bytesOf = (tensors: Tensors): number =>
  Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);

const backends = { wasm: await wasm({ threads: 1 }), cpu: await cpu() };

interface Taken {
  readonly parameters: number;
  readonly opened: Tensors;
  readonly program: Program;
}

/** What a step of training, or a batch of `evaluate`, takes on `batch` rows of `time` steps. */
async function taken(
  on: keyof typeof backends,
  { model, loss, steps }: Net,
  [batch, time]: readonly [number, number],
  optimizer: Optimizer = adam(),
  words?: number,
  training = true,
): Promise<Taken> {
  const opened: Tensors[] = [];
  const programs: Program[] = [];
  const heard = {
    open: (state: Tensors) => void opened.push(state),
    compile: (program: Program) => void programs.push(program),
  };
  const made = model(words);
  const metrics = steps ? [] : [accuracy(), auc()];
  await using trainer = await compile(made, { backend: idle(heard, backends[on]), loss, optimizer, metrics });
  const rows = <T>(row: T): T[] => Array.from({ length: batch }, () => row);
  const ids = Array.from({ length: time }, () => 1);
  const data = { x: rows(ids), y: steps ? rows(ids) : rows(0) };
  if (training) await trainer.fit(data, { batchSize: batch, onWarning: () => {} });
  else await trainer.evaluate(data, { batchSize: batch });
  return { parameters: countParameters(made), opened: opened[0] as Tensors, program: programs[0] as Program };
}

describe.each(Object.keys(backends) as (keyof typeof backends)[])("%s", (on) => {
  test.each([
    ["sgd", sgd(), 4],
    ["sgd with momentum", sgd({ momentum: 0.9 }), 8],
    ["adam", adam(), 12],
  ] as const)("the state of %s", async (_name, optimizer, bytes) => {
    const { parameters, opened } = await taken(on, nets.reviews, [1, 1], optimizer);
    // The step counter has 4 bytes of its own.
    expect(bytesOf(opened)).toBe(bytes * parameters + 4);
  });

  test("4 bytes of a gradient for each parameter, and no new state, where the batch is small", async () => {
    // Another thousand words; 10 features of each.
    const few = await taken(on, nets.reviews, [1, 1], adam(), 5000);
    const many = await taken(on, nets.reviews, [1, 1], adam(), 6000);
    expect(many.parameters - few.parameters).toBe(10_000);
    expect(many.program.arenaBytes - few.program.arenaBytes).toBe(4 * 10_000);
    expect(few.program.arenaBytes).toBeLessThan(4 * few.parameters + 4096);
  });

  // Ids, what the layer reads and its gradient, gates, cell state and output: of 128 units that read 10 features.
  const oneLayer = 4 * (1 + 2 * 10 + 6 * 128);
  // Ids, the logits, in whose place their gradient lies, gates, cell state and output of two layers, and what the first reads with the gradients of two values of 256.
  const twoLayers = 4 * (1 + 10_000 + 2 * 6 * 256 + 3 * 256);

  test.each([
    ["reviews", oneLayer, 3156],
    ["language", twoLayers, 55_364],
  ] as const)("of each row and step of time: %s", async (name, bytes, stated) => {
    const short = await taken(on, nets[name], [32, 100]);
    const long = await taken(on, nets[name], [32, 200]);
    expect((long.program.arenaBytes - short.program.arenaBytes) / (32 * 100)).toBe(bytes);
    expect(bytes).toBe(stated);
    // Gradients take the place of what has been read, so that they need next to no room of their own in a large batch.
    expect(short.program.arenaBytes).toBeLessThan(32 * 100 * bytes + 4 * short.parameters);
  });

  test.each([
    // Ids as they are fed, and turned; a look-up table for four gates of 128 units.
    ["reviews", 8, 4 * 5000 * 4 * 128],
    // Ids, the logits and a state; a table for four gates of 256 units.
    ["language", 4 * (1 + 10_000 + 256), 4 * 10_000 * 4 * 256],
  ] as const)("of each row and step in evaluation, and what is kept for it: %s", async (name, bytes, kept) => {
    const { program: short } = await taken(on, nets[name], [32, 300], adam(), undefined, false);
    const { program: long } = await taken(on, nets[name], [32, 400], adam(), undefined, false);
    expect((long.arenaBytes - short.arenaBytes) / (32 * 100)).toBe(bytes);
    // Constants lie beside it, such as the thresholds of `auc`.
    expect(long.keptBytes - kept).toBeLessThan(4096);
    expect(long.keptBytes).toBeGreaterThanOrEqual(kept);
  });
});

test("copies: a checkpoint has the state, a snapshot the parameters, and early stopping one more of these", async () => {
  const model = reviews();
  const parameters = 4 * countParameters(model);
  const trainer = await compile(model, { backend: idle({}), loss: binaryCrossentropy(), optimizer: adam() });
  await trainer.fit({ x: [[1], [2]], y: [0, 1] }, { callbacks: [earlyStopping({ monitor: "loss", patience: 1 })] });
  expect(bytesOf((await trainer.snapshot()).weights)).toBe(parameters);
  const { state, callbackTensors } = await trainer.checkpoint();
  expect(bytesOf(state)).toBe(3 * parameters + 4);
  expect(bytesOf(callbackTensors)).toBe(parameters);
});

describe.each([1, 2])("wasm's scratch, threads: %d", (threads) => {
  const scratch = async (net: Net, sizes: readonly [number, number]): Promise<number> => {
    const { program, opened } = await taken("wasm", net, sizes);
    const reserve = vi.spyOn(WasmMemory.prototype, "reserve");
    await using session = await (await wasm({ threads })).open(opened);
    const state = reserve.mock.lastCall?.[0] ?? 0;
    await session.compile(program);
    const all = reserve.mock.lastCall?.[0] ?? 0;
    reserve.mockRestore();
    return all - state - program.arenaBytes;
  };

  test.each([
    ["reviews", [32, 300], 1.45e6],
    ["language", [20, 70], 6.1e6],
  ] as const)("%s", async (name, sizes, stated) => {
    const bytes = await scratch(nets[name], sizes);
    expect(bytes).toBeLessThan(stated);
    expect(bytes).toBeGreaterThan(0.9 * stated);
  });

  test("does not grow with time", async () => {
    const short = await scratch(nets.reviews, [32, 100]);
    // A few bytes for each step at most.
    expect((await scratch(nets.reviews, [32, 300])) - short).toBeLessThan(4 * 300);
  });
});
