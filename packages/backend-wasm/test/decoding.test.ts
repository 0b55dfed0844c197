/** Sequences that are written on the module: side by side they have the bits of each alone, and its own kernels compute them. */
import { expectSameDecodingBits, expectSameWriting, writingGrowth } from "@ostinato/conformance";
import {
  attention,
  type Backend,
  bidirectional,
  compile,
  embedding,
  encoderDecoder,
  gru,
  lstm,
  type Program,
  sequenceModel,
  sgd,
  sparseCategoricalCrossentropy,
} from "@ostinato/core";
import { expect, test, vi } from "vitest";
import { wasm } from "../src/index.ts";
import { WasmMemory } from "../src/memory.ts";

for (const simd of ["auto", "plain"] as const)
  test(`${simd} SIMD: a row's log-probabilities do not depend on the rows beside it`, async () => {
    await expectSameDecodingBits(await wasm({ simd, threads: 2 }));
  });

test("nor do the results of a source, whatever it is searched or sampled by", async () => {
  await expectSameWriting(await wasm({ threads: 2 }));
});

test("memory does not grow over 200 calls, neither of JavaScript nor of WebAssembly", async () => {
  const open = vi.spyOn(WasmMemory, "open");
  const growth = await writingGrowth(await wasm({ threads: 1 }), () => {
    return open.mock.settledResults.at(-1)?.value.f32.buffer.byteLength;
  });
  vi.restoreAllMocks();
  expect(growth.heap).toBeLessThan(0.01);
  expect(growth.held).toBe(0);
});

test("a step looks up, chooses and scores by the module's own kernels", async () => {
  const backend = await wasm({ threads: 1 });
  const programs: Program[] = [];
  const noting: Backend = {
    ...backend,
    async open(state) {
      const session = await backend.open(state);
      return {
        compile(program) {
          programs.push(program);
          return session.compile(program);
        },
        readState: (names) => session.readState(names),
        writeState: (written) => session.writeState(written),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    },
  };
  const model = encoderDecoder({
    sourceEmbedding: embedding({ inputDim: 9, outputDim: 4, maskZero: true }),
    targetEmbedding: embedding({ inputDim: 7, outputDim: 4, maskZero: true }),
    encoder: [bidirectional(gru({ units: 3 }))],
    decoder: [lstm({ units: 6 })],
    attention: attention({ scoreMode: "general" }),
  });
  await using trainer = await compile(model, {
    backend,
    loss: sparseCategoricalCrossentropy(),
    optimizer: sgd(),
    seed: 1,
  });
  await using writer = await sequenceModel(await trainer.snapshot(), { backend: noting });
  const run = await writer.open({ source: [[3, 5]] }).read(Int32Array.of(0));
  const allowed = new Uint8Array(7).fill(1);
  await run.step({ tokens: Int32Array.of(1), from: Int32Array.of(0), top: 6, allowed, attention: true });
  run.end();
  const step = programs.at(-1);
  expect(step?.steps.map(({ op }) => op)).toContain("topK");
  expect(step?.decomposed).toEqual([]);
  // Of one number each, or one for each row; and the choice of what may come, which is one pass.
  const small = ["iota", "constant", "sequenceLengths", "sequenceMask", "select"];
  expect(step?.plain.filter((op) => !small.includes(op))).toEqual([]);
});
