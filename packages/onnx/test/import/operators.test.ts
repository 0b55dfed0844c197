/** Operators as written by other libraries: the reference gives the results of onnxruntime, at all dynamic sizes. */
import { evaluate } from "@ostinato/conformance";
import { float32, int32, RandomStream, sizeOf, type Tensor, type Tensors } from "@ostinato/core";
import { graphFromOnnx } from "@ostinato/onnx";
import { openSession } from "@ostinato/onnx/node";
import { describe, expect, test } from "vitest";
import { difference } from "../run.ts";
import { bytesOf, type Case, cases, type Dims } from "./cases.ts";

const sizes: Readonly<Record<string, number>> = { batch: 3, time: 4, n: 3 };

function randomInput(dims: Dims, below: number | undefined, random: RandomStream): Tensor {
  const shape = dims.map((dim) => (typeof dim === "string" ? (sizes[dim] as number) : dim));
  const numbers = Array.from({ length: sizeOf(shape) }, () => random.uniform() * 4 - 2);
  return below === undefined
    ? float32(shape, numbers)
    : int32(
        shape,
        numbers.map((x) => Math.floor(((x + 2) / 4) * below)),
      );
}

async function compare(given: Case): Promise<void> {
  const { inputs, below = {} } = given;
  const bytes = bytesOf(given);
  const random = new RandomStream(7, 0);
  const feeds: Tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, dims]) => [name, randomInput(dims, below[name], random)]),
  );
  const { graph, state } = graphFromOnnx(bytes);
  const read = evaluate(graph, feeds, state).fetches;
  const session = await openSession(bytes, { threads: 1 });
  const wanted = await session.run(feeds);
  await session.dispose();
  expect(Object.keys(read)).toEqual(Object.keys(wanted));
  for (const [name, tensor] of Object.entries(wanted))
    expect(difference(read[name] as Tensor, tensor), name).toBeLessThanOrEqual(2e-6);
}

describe("as onnxruntime computes it", () => {
  test.each(Object.entries(cases))("%s", async (_name, each) => {
    await compare(each);
  });
});
