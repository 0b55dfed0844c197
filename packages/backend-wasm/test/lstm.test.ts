/** The LSTM of the module beside the plain one: values and gradients, lengths, directions, odd sizes, and sizes for several threads. */
import {
  constant,
  feed,
  gradients,
  int32,
  mul,
  RandomStream,
  type RecurrenceInputs,
  recurrence,
  sum,
  type Tensors,
  type Value,
} from "@ostinato/core";
import { describe, test } from "vitest";
import { expectAsPlain } from "./graphs.ts";
import { numbers } from "./numbers.ts";

interface Case {
  readonly time: number;
  readonly batch: number;
  readonly inputSize: number;
  readonly hidden: number;
  readonly lengths?: readonly number[];
  readonly initial?: boolean;
  readonly direction?: "forward" | "reverse";
  /** Whether the gradients of the weights are left out. */
  readonly frozen?: boolean;
}

const ragged = [40, 3, 17, 40, 39, 1, 0, 22, 8, 9, 31, 40, 2];
const cases: readonly Case[] = [
  { time: 1, batch: 1, inputSize: 1, hidden: 1 },
  { time: 3, batch: 5, inputSize: 7, hidden: 13, initial: true },
  { time: 7, batch: 3, inputSize: 5, hidden: 4, direction: "reverse" },
  { time: 5, batch: 7, inputSize: 3, hidden: 5, lengths: [5, 0, 1, 3, 5, 2, 0], initial: true },
  { time: 5, batch: 7, inputSize: 3, hidden: 5, lengths: [5, 0, 1, 3, 5, 2, 0], direction: "reverse", initial: true },
  { time: 4, batch: 3, inputSize: 2, hidden: 3, lengths: [0, 0, 0] },
  { time: 40, batch: 13, inputSize: 3, hidden: 7, lengths: ragged },
  { time: 9, batch: 7, inputSize: 3, hidden: 29, frozen: true },
  // From here on the work is shared.
  { time: 40, batch: 13, inputSize: 5, hidden: 32, lengths: ragged, initial: true, direction: "reverse" },
  { time: 40, batch: 13, inputSize: 127, hidden: 13, lengths: ragged, initial: true },
  { time: 13, batch: 127, inputSize: 1, hidden: 13 },
  { time: 3, batch: 300, inputSize: 3, hidden: 127, initial: true },
  { time: 17, batch: 1600, inputSize: 1, hidden: 5, lengths: Array.from({ length: 1600 }, (_, row) => (row * 7) % 18) },
  { time: 13, batch: 2, inputSize: 3, hidden: 127 },
  { time: 13, batch: 19, inputSize: 3, hidden: 127, frozen: true },
  { time: 127, batch: 3, inputSize: 3, hidden: 31, lengths: [127, 9, 101], initial: true },
  { time: 70, batch: 7, inputSize: 5, hidden: 35, lengths: [70, 0, 1, 69, 8, 9, 64], direction: "reverse" },
];

/** An LSTM and the gradients of a weighted sum of all its outputs. */
function graphOf({ inputSize, hidden, lengths, initial, direction, frozen }: Case): Record<string, Value> {
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
  const names = Object.keys(wrt).filter((name) => !frozen || name.length > 1 || name === "X");
  const grads = gradients(
    loss,
    names.map((name) => wrt[name]),
  );
  return { y, h, c, ...Object.fromEntries(names.map((name, i) => [`d${name}`, grads[i] as Value])) };
}

function feedsOf({ time, batch, inputSize, hidden, lengths, initial }: Case): Tensors {
  const weights = (seed: number, ...shape: number[]) => {
    const tensor = numbers(shape, seed);
    // Weights of a usual size: saturated gates would hide errors.
    tensor.data.forEach((x, i) => {
      tensor.data[i] = x / Math.sqrt(hidden);
    });
    return tensor;
  };
  return {
    X: numbers([time, batch, inputSize], 1),
    W: weights(2, 4 * hidden, inputSize),
    R: weights(3, 4 * hidden, hidden),
    B: weights(4, 4 * hidden),
    gy: numbers([time, batch, hidden], 5),
    gh: numbers([batch, hidden], 6),
    gc: numbers([batch, hidden], 7),
    ...(lengths ? { lengths: int32([batch], lengths) } : {}),
    ...(initial ? { initialH: numbers([batch, hidden], 8), initialC: numbers([batch, hidden], 9) } : {}),
  };
}

describe("beside the plain kernel, and the same bits on every number of threads", () => {
  for (const each of cases) {
    const { lengths, ...sizes } = each;
    test(JSON.stringify({ ...sizes, ragged: lengths !== undefined }), async () => {
      const capacities = { time: each.time + 2, batch: each.batch + 3 };
      await expectAsPlain(graphOf(each), feedsOf(each), { tolerance: 3e-5, capacities });
    });
  }
});

describe("sizes drawn by chance", () => {
  const random = new RandomStream(7, "lstm sizes");
  const upTo = (most: number): number => 1 + random.below(most);
  for (let draw = 0; draw < 12; draw++) {
    const time = upTo(60);
    const batch = upTo(40);
    const each: Case = {
      time,
      batch,
      inputSize: upTo(20),
      hidden: upTo(70),
      ...(random.below(3) > 0 ? { lengths: Array.from({ length: batch }, () => random.below(time + 1)) } : {}),
      initial: random.below(2) > 0,
      direction: random.below(2) > 0 ? "reverse" : "forward",
      frozen: random.below(4) === 0,
    };
    const { lengths, ...sizes } = each;
    test(JSON.stringify({ ...sizes, ragged: lengths !== undefined }), async () => {
      const capacities = { time: time + random.below(9), batch: batch + random.below(9) };
      await expectAsPlain(graphOf(each), feedsOf(each), { tolerance: 3e-5, capacities });
    });
  }
});

test("saturated gates and NaN come out as from the plain kernel", async () => {
  const each = { time: 3, batch: 7, inputSize: 2, hidden: 24 };
  const feeds = feedsOf(each);
  const x = feeds.X?.data as Float32Array;
  [1e4, -1e4, 1e30, -1e30, 88, -104, 30, -30, Number.NaN].forEach((value, i) => {
    x[3 * i] = value;
  });
  await expectAsPlain(graphOf(each), feeds, { tolerance: 3e-5, capacities: { time: each.time, batch: each.batch } });
});
