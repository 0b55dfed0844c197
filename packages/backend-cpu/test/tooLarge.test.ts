/** Models that no memory holds: a typed error that names the layer and its size, before anything runs. */
import { cpu } from "@ostinato/backend-cpu";
import {
  adam,
  type Backend,
  binaryCrossentropy,
  compile,
  dense,
  embedding,
  lstm,
  predictor,
  ResourceError,
  sequential,
  sgd,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { PlainMemory } from "../src/memory.ts";

const model = (inputDim: number, outputDim: number) =>
  sequential([
    embedding({ inputDim, outputDim, maskZero: true }),
    lstm({ units: 2 }),
    dense({ units: 1, activation: "sigmoid" }),
  ]);

const failure = async (action: Promise<unknown>): Promise<Error> => {
  const error: unknown = await action.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(ResourceError);
  return error as Error;
};

describe("an embedding far too large", () => {
  test.each([
    // 2^43 bytes are more than any array of JavaScript's; 4 · 10^16 are no length at all.
    [2 ** 31, 1024, "float32[2147483648, 1024], take 8,388,608 MB"],
    [1e15, 10, "float32[1000000000000000, 10], take 38,146,972,657 MB"],
  ])("%d × %d", async (inputDim, outputDim, size) => {
    const options = { backend: await cpu(), loss: binaryCrossentropy(), optimizer: adam() };
    const { message } = await failure(compile(model(inputDim, outputDim), options));
    expect(message).toContain(`the weights "embedding/embeddings" of the layer "embedding", ${size}`);
    expect(message).not.toContain("\n");
  });

  test("a backend without room for weights that the host has", async () => {
    const backend: Backend = {
      ...(await cpu()),
      open: async () => {
        throw new ResourceError("small: 1 MB is all there is");
      },
    };
    const loss = binaryCrossentropy();
    const trained = await (async () => {
      await using trainer = await compile(model(300_000, 2), { backend: await cpu(), loss, optimizer: sgd() });
      return trainer.snapshot();
    })();
    const expected = /layer "embedding", float32\[300000, 2\], take 3 MB, .* \(small: 1 MB is all there is\)$/;
    expect((await failure(compile(model(300_000, 2), { backend, loss, optimizer: sgd() }))).message).toMatch(expected);
    expect((await failure(predictor(trained, { backend }))).message).toMatch(expected);
  });
});

test("memory that grows beyond what the host gives", () => {
  const memory = new PlainMemory();
  memory.reserve(1024);
  expect(() => memory.reserve(2 ** 53 - 64)).toThrow(ResourceError);
  expect(() => memory.reserve(2 ** 53 - 64)).toThrow(/^cpu: the host gives no 8589934592 MB for a session; lower the/);
  expect(memory.u8.length).toBe(1024); // what was there stays
});
