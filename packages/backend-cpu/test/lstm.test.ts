/** The native LSTM against its decomposition: values and gradients, lengths, directions, odd sizes. */
import {
  constant,
  feed,
  float32,
  gradients,
  int32,
  mul,
  type RecurrenceInputs,
  recurrence,
  sum,
  type Tensors,
  type Value,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
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

/** An LSTM and the gradients of a weighted sum of all its outputs. */
function graphOf({ inputSize, hidden, lengths, initial, direction }: Case): Record<string, Value> {
  const wrt: Record<string, Value> = {
    X: feed("X", "float32", ["time", "batch", inputSize]),
    W: feed("W", "float32", [4 * hidden, inputSize]),
    R: feed("R", "float32", [4 * hidden, hidden]),
    B: feed("B", "float32", [4 * hidden]),
    ...(initial
      ? {
          initialH: feed("initialH", "float32", ["batch", hidden]),
          initialC: feed("initialC", "float32", ["batch", hidden]),
        }
      : {}),
  };
  const inputs = { ...wrt, ...(lengths ? { lengths: feed("lengths", "int32", ["batch"]) } : {}) };
  const { y, h, c } = recurrence("lstm", inputs as RecurrenceInputs<"lstm">, direction ? { direction } : {});
  const loss = [
    sum(mul(y, feed("gy", "float32", ["time", "batch", hidden]))),
    sum(mul(h, feed("gh", "float32", ["batch", hidden]))),
    sum(mul(c, feed("gc", "float32", ["batch", hidden]))),
  ].map((value) => ({ value, cotangent: constant(1) }));
  const grads = gradients(loss, Object.values(wrt));
  return { y, h, c, ...Object.fromEntries(Object.keys(wrt).map((name, i) => [`d${name}`, grads[i] as Value])) };
}

function feedsOf({ time, batch, inputSize, hidden, lengths, initial }: Case): Tensors {
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
    W: random(2, 4 * hidden, inputSize),
    R: random(3, 4 * hidden, hidden),
    B: random(4, 4 * hidden),
    gy: random(5, time, batch, hidden),
    gh: random(6, batch, hidden),
    gc: random(7, batch, hidden),
    ...(lengths ? { lengths: int32([batch], lengths) } : {}),
    ...(initial ? { initialH: random(8, batch, hidden), initialC: random(9, batch, hidden) } : {}),
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

describe("native equals decomposed", () => {
  for (const each of cases) {
    test(JSON.stringify(each), async () => {
      const options = { feeds: feedsOf(each), capacities: { time: each.time + 2, batch: each.batch + 3 } };
      const native = await run(graphOf(each), options);
      const decomposed = await run(graphOf(each), { ...options, backend: await withoutComposites() });
      expectClose(native, decomposed, 2e-5);
    });
  }
});
