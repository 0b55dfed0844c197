/** Training: the number of threads changes no bit of the weights, and steps leave nothing behind. */
import {
  adam,
  binaryCrossentropy,
  compile,
  dense,
  embedding,
  lstm,
  reversibleEmbedding,
  sampledSoftmaxLoss,
  sequential,
  type Tensors,
} from "@ostinato/core";
import { expect, test } from "vitest";
import { type WasmOptions, wasm } from "../src/index.ts";
import { ids } from "./numbers.ts";

const [ROWS, TIME, WORDS] = [60, 50, 3000];

const model = sequential([
  embedding({ inputDim: WORDS, outputDim: 13, maskZero: true }),
  lstm({ units: 33 }),
  dense({ units: 1, activation: "sigmoid" }),
]);

/** Reviews of many lengths. */
function data() {
  const words = ids([ROWS, TIME], WORDS - 1, 5).data;
  const x = Array.from({ length: ROWS }, (_, row) => {
    return Array.from(words.slice(row * TIME, row * TIME + 1 + ((row * 17) % TIME)), (word) => Number(word) + 1);
  });
  return { x, y: x.map((_, row) => row % 2) };
}

async function trained(options: WasmOptions): Promise<Tensors> {
  await using trainer = await compile(model, {
    backend: await wasm(options),
    loss: binaryCrossentropy(),
    optimizer: adam(),
    seed: 3,
  });
  await trainer.fit(data(), { epochs: 3, batchSize: 13 });
  return (await trainer.snapshot()).weights;
}

test("weights have the same bytes after 15 steps on 1, 2 and 3 threads, and in 128 bits and 256", async () => {
  const one = await trained({ threads: 1 });
  for (const threads of [2, 3]) expect(await trained({ threads })).toEqual(one);
  for (const threads of [1, 2, 3]) expect(await trained({ threads, simd: "relaxed" })).toEqual(one);
});

test("weights have the same bytes after 15 steps on 1, 2 and 3 threads with plain SIMD", async () => {
  const one = await trained({ threads: 1, simd: "plain" });
  for (const threads of [2, 3]) expect(await trained({ threads, simd: "plain" })).toEqual(one);
});

test("a sampled softmax gives weights of the same bytes on 1, 2 and 3 threads", async () => {
  const words = reversibleEmbedding({
    inputDim: WORDS,
    outputDim: 33,
    maskZero: true,
    useBias: true,
    activation: "softmax",
  });
  const languageModel = sequential([words, lstm({ units: 33, returnSequences: true }), words.reverse]);
  const { x } = data();
  const of = async (threads: number): Promise<Tensors> => {
    await using trainer = await compile(languageModel, {
      backend: await wasm({ threads }),
      loss: sampledSoftmaxLoss({ samples: 500, labelSmoothing: 0.1 }),
      optimizer: adam(),
      seed: 3,
    });
    await trainer.fit({ x, y: x.map((row) => [...row.slice(1), 1]) }, { epochs: 1, batchSize: 13 });
    return (await trainer.snapshot()).weights;
  };
  const one = await of(1);
  for (const threads of [2, 3]) expect(await of(threads)).toEqual(one);
});
