/** The native recurrences against their decompositions: values and gradients, lengths, directions, odd sizes. */
import {
  constant,
  factsOf,
  feed,
  float32,
  gradients,
  gradOf,
  initialOf,
  int32,
  lower,
  mul,
  type RecurrenceInputs,
  type RecurrenceName,
  type RecurrenceSettings,
  recurrence,
  recurrenceNames,
  sum,
  type Tensors,
  type Value,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { cpu, cpuKernels } from "../src/index.ts";
import { numbers, run, withoutComposites } from "./graphs.ts";

interface Case {
  readonly time: number;
  readonly batch: number;
  readonly inputSize: number;
  readonly hidden: number;
  readonly lengths?: readonly number[];
  readonly initial?: boolean;
  readonly direction?: "forward" | "reverse";
}

const cases: readonly Case[] = [
  { time: 1, batch: 1, inputSize: 1, hidden: 1 },
  { time: 3, batch: 5, inputSize: 7, hidden: 13, initial: true },
  { time: 7, batch: 3, inputSize: 5, hidden: 4, direction: "reverse" },
  { time: 5, batch: 7, inputSize: 3, hidden: 5, lengths: [5, 0, 1, 3, 5, 2, 0], initial: true },
  { time: 5, batch: 7, inputSize: 3, hidden: 5, lengths: [5, 0, 1, 3, 5, 2, 0], direction: "reverse", initial: true },
  { time: 4, batch: 3, inputSize: 2, hidden: 3, lengths: [0, 0, 0] },
  { time: 40, batch: 13, inputSize: 3, hidden: 6, lengths: [40, 3, 17, 40, 39, 1, 0, 22, 8, 9, 31, 40, 2] },
  { time: 2, batch: 300, inputSize: 1, hidden: 1 },
];

/** What is computed natively: a recurrence with its attributes, and with a recurrent bias or without. */
interface Kind {
  readonly name: RecurrenceName;
  readonly settings?: RecurrenceSettings<"gru">;
  readonly recurrentBias?: boolean;
}

const kinds: Readonly<Record<string, Kind>> = {
  lstm: { name: "lstm" },
  "gru, reset before the product": { name: "gru" },
  "gru, reset before the product, two biases": { name: "gru", recurrentBias: true },
  "gru, reset after the product": { name: "gru", settings: { linearBeforeReset: true }, recurrentBias: true },
  "gru, reset after the product, one bias": { name: "gru", settings: { linearBeforeReset: true } },
  rnn: { name: "rnn" },
  "rnn of relu, two biases": { name: "rnn", settings: { activations: ["Relu"] }, recurrentBias: true },
};

/** A recurrence and the gradients of a weighted sum of all its outputs. */
function graphOf(
  { name, settings, recurrentBias }: Kind,
  { inputSize, hidden, lengths, initial, direction = "forward" }: Case,
): Record<string, Value> {
  const { gates, states } = factsOf(name);
  const rows = gates.length * hidden;
  const wrt: Record<string, Value> = {
    X: feed("X", "float32", ["time", "batch", inputSize]),
    W: feed("W", "float32", [rows, inputSize]),
    R: feed("R", "float32", [rows, hidden]),
    B: feed("B", "float32", [rows]),
    ...(recurrentBias ? { recurrentBias: feed("recurrentBias", "float32", [rows]) } : {}),
    ...Object.fromEntries(
      (initial ? states : []).map((each) => [initialOf(each), feed(initialOf(each), "float32", ["batch", hidden])]),
    ),
  };
  const inputs = { ...wrt, ...(lengths ? { lengths: feed("lengths", "int32", ["batch"]) } : {}) };
  const outputs: Record<string, Value> = recurrence(name, inputs as unknown as RecurrenceInputs, {
    ...settings,
    direction,
  });
  const loss = Object.entries(outputs).map(([output, value]) => ({
    value: sum(mul(value, feed(`g${output}`, "float32", value.type.shape))),
    cotangent: constant(1),
  }));
  const grads = gradients(loss, Object.values(wrt));
  return { ...outputs, ...Object.fromEntries(Object.keys(wrt).map((input, i) => [`d${input}`, grads[i] as Value])) };
}

function feedsOf({ name, recurrentBias }: Kind, { time, batch, inputSize, hidden, lengths, initial }: Case): Tensors {
  const { gates, states } = factsOf(name);
  const rows = gates.length * hidden;
  const random = (seed: number, ...shape: number[]) =>
    float32(
      shape,
      numbers(
        shape.reduce((a, b) => a * b, 1),
        seed,
      ),
    );
  return {
    X: random(1, time, batch, inputSize),
    W: random(2, rows, inputSize),
    R: random(3, rows, hidden),
    B: random(4, rows),
    gy: random(5, time, batch, hidden),
    ...Object.fromEntries(states.map((each, i) => [`g${each}`, random(6 + i, batch, hidden)])),
    ...(recurrentBias ? { recurrentBias: random(10, rows) } : {}),
    ...(lengths ? { lengths: int32([batch], lengths) } : {}),
    ...(initial ? Object.fromEntries(states.map((each, i) => [initialOf(each), random(8 + i, batch, hidden)])) : {}),
  };
}

function expectClose(actual: Tensors, expected: Tensors, tolerance: number): void {
  for (const [name, { data }] of Object.entries(expected)) {
    const got = actual[name]?.data as Float32Array;
    for (let i = 0; i < data.length; i++) {
      const bound = tolerance * (1 + Math.abs(data[i]));
      if (!(Math.abs(got[i] - data[i]) <= bound)) expect.fail(`${name}[${i}]: ${got[i]} instead of ${data[i]}`);
    }
  }
}

describe.each(Object.entries(kinds))("%s: native equals decomposed", (_, kind) => {
  for (const each of cases) {
    test(JSON.stringify(each), async () => {
      const options = { feeds: feedsOf(kind, each), capacities: { time: each.time + 2, batch: each.batch + 3 } };
      const native = await run(graphOf(kind, each), options);
      const decomposed = await run(graphOf(kind, each), { ...options, backend: await withoutComposites() });
      expectClose(native, decomposed, 2e-5);
    });
  }

  test("nothing is decomposed", async () => {
    expect(lower({ fetches: graphOf(kind, cases[3]), updates: [] }, await cpu()).decomposed).toEqual([]);
  });
});

test("every recurrence with a native kernel is among them", () => {
  const native = recurrenceNames.filter((name) => name in cpuKernels && gradOf(name) in cpuKernels);
  expect(native).toEqual(["lstm", "gru", "rnn"]);
  expect(new Set(Object.values(kinds).map(({ name }) => name))).toEqual(new Set(native));
});

test("a final state alone, and the gradient of one input alone", async () => {
  const each: Case = { time: 6, batch: 5, inputSize: 3, hidden: 7, lengths: [6, 0, 1, 5, 3] };
  for (const kind of Object.values(kinds)) {
    const feeds = feedsOf(kind, each);
    const all = graphOf(kind, each);
    const { h } = all;
    const options = { feeds, capacities: { time: 6, batch: 5 } };
    const [dX] = gradients(
      [{ value: sum(mul(h, feed("gh", "float32", h.type.shape))), cotangent: constant(1) }],
      [h.node.inputs[0]],
    );
    const [dR] = gradients(
      [{ value: sum(mul(h, feed("gh", "float32", h.type.shape))), cotangent: constant(1) }],
      [h.node.inputs[2]],
    );
    for (const fetches of [{ h }, { dX }, { dR }] as Record<string, Value>[]) {
      const native = await run(fetches, options);
      expectClose(native, await run(fetches, { ...options, backend: await withoutComposites() }), 2e-5);
    }
  }
});

test("the candidate of a GRU is found again where next to nothing of it is left", async () => {
  const each: Case = { time: 6, batch: 4, inputSize: 3, hidden: 16, lengths: [6, 2, 0, 5], initial: true };
  // Sums of the update gate around these: 1 - z is 7e-3, 5e-5, 3e-7, less than half a step of single precision below 1, 0; and z the same.
  const sums = [0, 5, 10, 15, 17.5, 30, 90, -5, -10, -15, -17.5, -30, -90, 1, -1, 8];
  for (const kind of Object.values(kinds).filter(({ name }) => name === "gru")) {
    const feeds = feedsOf(kind, each);
    const B = feeds.B?.data as Float32Array;
    B.set(sums);
    const options = { feeds, capacities: { time: each.time, batch: each.batch } };
    const native = await run(graphOf(kind, each), options);
    expectClose(native, await run(graphOf(kind, each), { ...options, backend: await withoutComposites() }), 2e-5);
  }
});
