/** Exported recurrences in onnxruntime: one file for every batch and time, ragged rows, every attribute. */
import { evaluate } from "@ostinato/conformance";
import { type Graph, int32, lower, type Tensor, type Tensors } from "@ostinato/core";
import { graphToOnnx } from "@ostinato/onnx";
import { openSession } from "@ostinato/onnx/node";
import { describe, expect, test } from "vitest";
import { lengthsOf, type RecurrentOptions, raggedIds, randomFloats, recurrent, sentiment } from "./models.ts";
import { difference, expectParity } from "./run.ts";

const sizes = [1, 2, 7].flatMap((batch) => [1, 5, 33].map((time) => ({ batch, time })));

/** Runs one exported file for all sizes. */
async function expectParityForAll(
  { graph, state }: { graph: Graph; state: Tensors },
  feedsOf: (batch: number, time: number) => Tensors,
): Promise<void> {
  const session = await openSession(graphToOnnx(graph, state), { threads: 1 });
  for (const { batch, time } of sizes) {
    const feeds = feedsOf(batch, time);
    const given = await session.run(feeds);
    for (const [name, wanted] of Object.entries(evaluate(graph, feeds, state).fetches)) {
      expect(difference(given[name] as Tensor, wanted), `${name} of ${batch} × ${time}`).toBeLessThanOrEqual(1e-5);
    }
  }
  await session.dispose();
}

test("lengths come from the ids: the sentiment model on ragged reviews", async () => {
  const model = sentiment({ words: 50, size: 10, units: 16 });
  await expectParityForAll(model, (batch, time) => ({ ids: raggedIds(batch, time, 50, 10 * batch + time) }));
});

test("a batch of nothing but padding", async () => {
  const { graph, state } = sentiment({ words: 50, size: 10, units: 16 });
  for (const batch of [1, 3]) await expectParity(graph, { ids: int32([batch, 4], new Int32Array(4 * batch)) }, state);
});

const variants: Readonly<Record<string, RecurrentOptions>> = {
  plain: {},
  reverse: { direction: "reverse" },
  "ragged rows": { lengths: true },
  "ragged rows in reverse": { lengths: true, direction: "reverse" },
  "initial states": { initialH: true, initialC: true },
  "only h begins": { initialH: true, lengths: true },
  "only c begins": { initialC: true, lengths: true },
  peepholes: { peepholes: true, lengths: true },
  "clipped sums": { clip: 0.3, peepholes: true },
  "coupled gates": { inputForget: true, lengths: true },
  "other activations": { activations: ["Sigmoid", "Relu", "Tanh"] },
  everything: {
    lengths: true,
    initialH: true,
    initialC: true,
    peepholes: true,
    direction: "reverse",
    clip: 0.8,
    activations: ["Sigmoid", "Tanh", "Relu"],
  },
};

function feedsFor(options: RecurrentOptions, batch: number, time: number): Tensors {
  const seed = 100 * batch + time;
  return {
    x: randomFloats([batch, time, 3], seed),
    ...(options.lengths ? { lengths: lengthsOf(batch, time, seed) } : {}),
    ...(options.initialH ? { initialH: randomFloats([batch, 5], seed + 1) } : {}),
    ...(options.initialC ? { initialC: randomFloats([batch, 5], seed + 2) } : {}),
  };
}

describe("one lstm", () => {
  for (const [name, options] of Object.entries(variants)) {
    test(name, () => expectParityForAll(recurrent(options), (batch, time) => feedsFor(options, batch, time)));
  }
});

test("a row of length 0 keeps the initial state that onnxruntime would lose", async () => {
  const options: RecurrentOptions = { lengths: true, initialH: true, initialC: true };
  const { graph, state } = recurrent(options);
  const initialH = randomFloats([2, 5], 1);
  const initialC = randomFloats([2, 5], 2);
  const feeds = { x: randomFloats([2, 5, 3], 3), lengths: int32([2], [0, 5]), initialH, initialC };
  const session = await openSession(graphToOnnx(graph, state), { threads: 1 });
  const { y, h, c } = await session.run(feeds);
  await session.dispose();
  expect(h?.data.slice(0, 5)).toEqual(initialH.data.slice(0, 5));
  expect(c?.data.slice(0, 5)).toEqual(initialC.data.slice(0, 5));
  expect(y?.data.slice(0, 25)).toEqual(new Float32Array(25));
});

test("the decomposed lstm goes out as a Scan and computes the same", async () => {
  const options: RecurrentOptions = { lengths: true, initialH: true, peepholes: true, direction: "reverse" };
  const { graph, state } = recurrent(options);
  const { graph: lowered } = lower(graph, { name: "without lstm", runs: (node) => node.op !== "lstm" });
  const feeds = feedsFor(options, 3, 4);
  await expectParity(lowered, feeds, state);
  const wanted = evaluate(graph, feeds, state).fetches;
  const session = await openSession(graphToOnnx(lowered, state), { threads: 1 });
  const given = await session.run(feeds);
  await session.dispose();
  for (const [name, tensor] of Object.entries(wanted)) {
    expect(difference(given[name] as Tensor, tensor)).toBeLessThanOrEqual(1e-5);
  }
});
