/** The recurrences of the module beside the plain ones: values and gradients, lengths, directions, odd sizes, and sizes for several threads. */
import { cpuKernels } from "@ostinato/backend-cpu";
import {
  bind,
  constant,
  factsOf,
  feed,
  gradients,
  gradOf,
  initialOf,
  int32,
  lower,
  mul,
  RandomStream,
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
import { wasm } from "../src/index.ts";
import { wasmKernels } from "../src/kernels/table.ts";
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
  { inputSize, hidden, lengths, initial, direction = "forward", frozen }: Case,
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
  const names = Object.keys(wrt).filter((input) => !frozen || input === "X" || input.startsWith("initial"));
  const grads = gradients(
    loss,
    names.map((input) => wrt[input]),
  );
  return { ...outputs, ...Object.fromEntries(names.map((input, i) => [`d${input}`, grads[i] as Value])) };
}

function feedsOf({ name, recurrentBias }: Kind, { time, batch, inputSize, hidden, lengths, initial }: Case): Tensors {
  const { gates, states } = factsOf(name);
  const rows = gates.length * hidden;
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
    W: weights(2, rows, inputSize),
    R: weights(3, rows, hidden),
    B: weights(4, rows),
    gy: numbers([time, batch, hidden], 5),
    ...Object.fromEntries(states.map((each, i) => [`g${each}`, numbers([batch, hidden], 6 + i)])),
    ...(recurrentBias ? { recurrentBias: weights(10, rows) } : {}),
    ...(lengths ? { lengths: int32([batch], lengths) } : {}),
    ...(initial ? Object.fromEntries(states.map((each, i) => [initialOf(each), numbers([batch, hidden], 8 + i)])) : {}),
  };
}

test("every recurrence with a kernel on the CPU backend has one of the module, and so has its gradient", () => {
  const kernels = wasmKernels(1);
  const native = recurrenceNames.filter((name) => name in cpuKernels);
  for (const op of native.flatMap((name) => [name, gradOf(name)] as const)) {
    expect([op, kernels[op] === undefined, kernels[op] === cpuKernels[op]]).toEqual([op, false, false]);
  }
  expect(new Set(Object.values(kinds).map(({ name }) => name))).toEqual(new Set(native));
});

test.each(Object.entries(kinds))("%s: a run again gives the same bits, and makes no array buffer", async (_, kind) => {
  const lengths = Array.from({ length: 13 }, (__, row) => row);
  const each: Case = { time: 20, batch: 13, inputSize: 5, hidden: 24, lengths, initial: true };
  const feeds = feedsOf(kind, each);
  const backend = await wasm({ threads: 2 });
  await using session = await backend.open({});
  const graph = lower({ fetches: graphOf(kind, each), updates: [] }, backend);
  const executable = await session.compile(bind(graph, { time: each.time, batch: each.batch }));
  const first = await executable.run(feeds);
  const again = await executable.run(feeds);
  const buffers: number[] = [];
  for (let i = 0; i < 51; i++) {
    const before = process.memoryUsage().arrayBuffers;
    await executable.run(feeds, again);
    buffers.push(process.memoryUsage().arrayBuffers - before);
  }
  expect(again).toEqual(first);
  // The median: a collection in between spoils only a few.
  expect(buffers.sort((a, b) => a - b)[25]).toBe(0);
});

describe.each(Object.entries(kinds))(
  "%s: beside the plain kernel, and the same bits on every number of threads",
  (_, kind) => {
    for (const each of cases) {
      const { lengths, ...sizes } = each;
      test(JSON.stringify({ ...sizes, ragged: lengths !== undefined }), async () => {
        const capacities = { time: each.time + 2, batch: each.batch + 3 };
        await expectAsPlain(graphOf(kind, each), feedsOf(kind, each), { tolerance: 3e-5, capacities });
      });
    }
  },
);

describe.each(Object.entries(kinds))("%s: sizes drawn by chance", (title, kind) => {
  const random = new RandomStream(7, `${title} sizes`);
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
      await expectAsPlain(graphOf(kind, each), feedsOf(kind, each), { tolerance: 3e-5, capacities });
    });
  }
});

test.each(Object.entries(kinds))("%s: saturated gates and NaN come out as from the plain kernel", async (_, kind) => {
  const each = { time: 3, batch: 7, inputSize: 2, hidden: 24 };
  const feeds = feedsOf(kind, each);
  const x = feeds.X?.data as Float32Array;
  [1e4, -1e4, 1e30, -1e30, 88, -104, 30, -30, Number.NaN].forEach((value, i) => {
    x[3 * i] = value;
  });
  await expectAsPlain(graphOf(kind, each), feeds, {
    tolerance: 3e-5,
    capacities: { time: each.time, batch: each.batch },
  });
});

test("update gates of 1 and of almost 1 give the gradients of the plain kernel", async () => {
  const each: Case = { time: 6, batch: 7, inputSize: 3, hidden: 21, lengths: [6, 2, 0, 5, 6, 1, 4], initial: true };
  for (const kind of Object.values(kinds).filter(({ name }) => name === "gru")) {
    const feeds = feedsOf(kind, each);
    const B = feeds.B?.data as Float32Array;
    B.set([0, 5, 10, 15, 17.5, 30, 90, -5, -10, -15, -17.5, -30, -90, 1, -1, 8, 14, 16, 17, 88, 89]);
    await expectAsPlain(graphOf(kind, each), feeds, { tolerance: 3e-5, capacities: { time: 6, batch: 7 } });
  }
});
