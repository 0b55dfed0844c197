/** Exported recurrences in onnxruntime: one file for every batch and time, ragged rows, every attribute. */
import { evaluate } from "@ostinato/conformance";
import {
  factsOf,
  type Graph,
  initialOf,
  int32,
  lower,
  nodesOf,
  ops,
  type RecurrenceName,
  recurrenceNames,
  rootsOf,
  type Tensor,
  type Tensors,
} from "@ostinato/core";
import { graphFromOnnx, graphToOnnx } from "@ostinato/onnx";
import { openSession } from "@ostinato/onnx/node";
import { describe, expect, test } from "vitest";
import {
  bothPrefixes,
  type RecurrentOptions,
  raggedIds,
  recurrent,
  recurrentBothWays,
  recurrentFeeds,
  sentiment,
} from "./models.ts";
import { difference, expectParity, runOnnx } from "./run.ts";
import { directionsIn } from "./written.ts";

const sizes = [1, 2, 7].flatMap((batch) => [1, 5, 33].map((time) => ({ batch, time })));

/** Runs one exported file for all sizes. */
async function expectParityForAll(
  { graph, state }: { graph: Graph; state: Tensors },
  feedsOf: (batch: number, time: number) => Tensors,
  title = "",
): Promise<void> {
  const session = await openSession(graphToOnnx(graph, state), { threads: 1 });
  for (const { batch, time } of sizes) {
    const feeds = feedsOf(batch, time);
    const given = await session.run(feeds);
    for (const [name, wanted] of Object.entries(evaluate(graph, feeds, state).fetches)) {
      expect(difference(given[name] as Tensor, wanted), `${title} ${name} of ${batch} × ${time}`).toBeLessThanOrEqual(
        1e-5,
      );
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

/** What the recurrences have of their own, each tried in every direction, ragged or not, with initial states or without. */
const own: { readonly [R in RecurrenceName]?: Readonly<Record<string, RecurrentOptions<R>>> } = {
  lstm: {
    peepholes: { P: true },
    "clipped sums, peepholes, other activations": { clip: 0.3, P: true, activations: ["Sigmoid", "Tanh", "Relu"] },
    "coupled gates": { inputForget: true },
    "activations with parameters": {
      activations: [
        { name: "HardSigmoid", alpha: 1 / 6, beta: 0.5 },
        { name: "ScaledTanh", alpha: 1.7, beta: 0.6 },
        { name: "Elu", alpha: 0.7 },
      ],
    },
    "a recurrent bias, other activations": { recurrentBias: true, activations: ["Tanh", "Relu", "Sigmoid"] },
  },
  gru: {
    "reset after": { linearBeforeReset: true },
    "reset after with a recurrent bias": { linearBeforeReset: true, recurrentBias: true },
    "reset before with a recurrent bias": { recurrentBias: true },
    "clipped sums": { clip: 0.3 },
    "clipped sums, reset after, other activations": {
      clip: 0.8,
      linearBeforeReset: true,
      activations: ["Sigmoid", "Relu"],
    },
    "other activations": { activations: ["Tanh", "Sigmoid"] },
    "activations with one parameter, and with two": {
      activations: [
        { name: "LeakyRelu", alpha: 0.1 },
        { name: "Affine", alpha: 0.3, beta: 0.4 },
      ],
    },
    "activations, the second with parameters": {
      activations: ["Softsign", { name: "HardSigmoid", alpha: 0.3, beta: 0.4 }],
    },
  },
  rnn: {
    "a recurrent bias": { recurrentBias: true },
    "clipped sums": { clip: 0.3 },
    relu: { activations: ["Relu"] },
    softplus: { activations: ["Softplus"] },
    "above a threshold": { activations: [{ name: "ThresholdedRelu", alpha: 0.4 }] },
    "sigmoid, clipped": { activations: ["Sigmoid"], clip: 0.5 },
  },
};

const ways = ["forward", "reverse", "bidirectional"] as const;

/** Ragged or not, with all initial states or none. */
function variantsOf(name: RecurrenceName): readonly (readonly [title: string, options: RecurrentOptions])[] {
  const states = Object.fromEntries(factsOf(name).states.map((state) => [initialOf(state), true]));
  return [false, true].flatMap((lengths) =>
    [false, true].map((begun) => [
      [...(lengths ? ["ragged"] : []), ...(begun ? ["initial states"] : [])].join(", "),
      { ...(lengths ? { lengths } : {}), ...(begun ? states : {}) },
    ]),
  ) as readonly (readonly [string, RecurrentOptions])[];
}

describe.each(recurrenceNames)("one %s", (name) => {
  for (const [title, options] of Object.entries<RecurrentOptions>({ plain: {}, ...own[name] })) {
    test(title, async () => {
      for (const way of ways)
        for (const [variant, shared] of variantsOf(name)) {
          const asked = { ...shared, ...options } as RecurrentOptions;
          const both = way === "bidirectional";
          const model = both ? recurrentBothWays(name, asked) : recurrent(name, { ...asked, direction: way });
          // One without an operator goes out as Scans.
          const file = graphToOnnx(model.graph, model.state);
          expect(directionsIn(file)).toEqual(factsOf(name).operator ? [way] : []);
          const read = graphFromOnnx(file);
          const again = graphToOnnx(read.graph, read.state, { inputs: read.inputs });
          expect(Buffer.compare(again, file), `${way} ${variant}`).toBe(0);
          const prefixes = both ? bothPrefixes : [""];
          await expectParityForAll(
            model,
            (batch, time) => recurrentFeeds(name, asked, batch, time, prefixes),
            `${way} ${variant}`,
          );
        }
    });
  }

  test.each(ways)("%s: a row of length 0 keeps the initial states that onnxruntime would lose", async (way) => {
    const { states } = factsOf(name);
    const options = { lengths: true, ...Object.fromEntries(states.map((state) => [initialOf(state), true])) };
    const both = way === "bidirectional";
    const { graph, state } = both ? recurrentBothWays(name, options) : recurrent(name, { ...options, direction: way });
    const feeds = recurrentFeeds(name, options, 2, 5, both ? bothPrefixes : [""]);
    const outputs = await runOnnx(graph, { ...feeds, lengths: int32([2], [0, 5]) }, state);
    for (const prefix of both ? bothPrefixes : [""])
      for (const state of states) {
        const initial = feeds[`${prefix}${initialOf(state)}`];
        expect(outputs[`${prefix}${state}`]?.data.slice(0, 5), `${prefix}${state}`).toEqual(initial?.data.slice(0, 5));
      }
    const width = both ? 10 : 5;
    expect(outputs.y?.data.slice(0, 5 * width)).toEqual(new Float32Array(5 * width));
  });

  test("decomposed it goes out as a Scan and computes the same", async () => {
    const options = { ...Object.values<RecurrentOptions>(own[name] ?? {})[0], lengths: true, initialH: true } as const;
    const { graph, state } = recurrent(name, { ...options, direction: "reverse" } as RecurrentOptions);
    const { graph: lowered } = lower(graph, { name: "primitives", runs: ({ op }) => op !== name && !ops[op].late });
    const feeds = recurrentFeeds(name, options as RecurrentOptions, 3, 4);
    expect(nodesOf(rootsOf(lowered)).map((node) => node.op)).toContain("scan");
    await expectParity(lowered, feeds, state);
    const wanted = evaluate(graph, feeds, state).fetches;
    const given = await runOnnx(lowered, feeds, state);
    for (const [output, tensor] of Object.entries(wanted)) {
      expect(difference(given[output] as Tensor, tensor), output).toBeLessThanOrEqual(1e-5);
    }
  });
});

test.each([{ initialH: true }, { initialC: true }])("one lstm begins with one state of two: %o", (begun) => {
  const options = { ...begun, lengths: true };
  return expectParityForAll(recurrent("lstm", options), (batch, time) => recurrentFeeds("lstm", options, batch, time));
});
