/** Every kernel of the module beside the plain one of the CPU backend, on sizes that fill no block and on sizes for several threads. */
import {
  abs,
  bind,
  div,
  dot,
  dropoutMask,
  exp,
  feed,
  float32,
  gather,
  gradients,
  int32,
  less,
  log,
  logSoftmax,
  lower,
  mul,
  neg,
  relu,
  type Shape,
  scatterAdd,
  select,
  sigmoid,
  softmax,
  softplus,
  sqrt,
  sub,
  type Tensor,
  tanh,
  type Value,
} from "@ostinato/core";
import { add, argMax, max, maximum, minimum, sign, softmaxCrossentropy, sum, topK } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";
import { wasm } from "../src/index.ts";
import { expectAsPlain } from "./graphs.ts";
import { ids, numbers } from "./numbers.ts";

const odd = [1, 3, 5, 7, 13, 127];
/** Enough for the other threads to be woken. */
const LARGE = 2 ** 18 + 3;

const scaled = (x: Tensor, factor: number): Tensor =>
  float32(
    x.shape,
    Array.from(x.data, (value) => value * factor),
  );
const unary = { neg, exp, log, sqrt, abs, tanh, sigmoid, relu, softplus };
const binary = { add, sub, mul, div, maximum, minimum };

describe("elementwise", () => {
  for (const size of [...odd, LARGE]) {
    test(`${size} elements`, async () => {
      const a = feed("a", "float32", [size]);
      const b = feed("b", "float32", [size]);
      const one = feed("one", "float32", []);
      const fetches: Record<string, Value> = {
        select: select(less(a, b), a, b),
        selectOne: select(less(a, b), one, b),
      };
      for (const [name, op] of Object.entries(unary))
        fetches[name] = op(name === "log" || name === "sqrt" ? abs(a) : a);
      for (const [name, op] of Object.entries(binary)) {
        fetches[name] = op(a, b);
        fetches[`${name} right`] = op(a, one);
        fetches[`${name} left`] = op(one, b);
        fetches[`${name} both`] = add(op(one, one), a);
      }
      const feeds = { a: scaled(numbers([size], 1), 20), b: numbers([size], 2), one: float32([], [0.7]) };
      await expectAsPlain(fetches, feeds, { tolerance: 2e-6 });
    });
  }

  test("the ends of the range", async () => {
    const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
    const values = [
      0,
      -0,
      1e-40,
      -1e-40,
      1,
      -1,
      87,
      88.8,
      89.5,
      -87,
      -103,
      -105,
      1e30,
      -1e30,
      infinity,
      -infinity,
      nan,
    ];
    const x = feed("x", "float32", [values.length]);
    const fetches = Object.fromEntries(Object.entries(unary).map(([name, op]) => [name, op(x)]));
    await expectAsPlain(fetches, { x: float32([values.length], values) });
  });

  test("functions are within 4e-7 of the true values, relatively", async () => {
    const size = 20_001;
    const x = feed("x", "float32", [size]);
    const input = Float32Array.from({ length: size }, (_, i) => (i - 10_000) / 200);
    const truth: Record<string, (x: number) => number> = {
      exp: Math.exp,
      tanh: Math.tanh,
      sigmoid: (value) => 1 / (1 + Math.exp(-value)),
      softplus: (value) => Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value))),
      log: (value) => Math.log(Math.abs(value)),
    };
    const backend = await wasm({ threads: 1 });
    await using session = await backend.open({});
    const fetches = { exp: exp(x), tanh: tanh(x), sigmoid: sigmoid(x), softplus: softplus(x), log: log(abs(x)) };
    const executable = await session.compile(bind(lower({ fetches, updates: [] }, backend), {}));
    const results = await executable.run({ x: float32([size], input) });
    for (const [name, f] of Object.entries(truth)) {
      input.forEach((value, i) => {
        const expected = f(value);
        const error = Math.abs(results[name].data[i] - expected);
        // Below 1e-37 float32 has fewer digits.
        if (!(error <= 4e-7 * Math.abs(expected) + 1e-37) && Number.isFinite(expected))
          expect.fail(`${name}(${value}) is ${results[name].data[i]}, not ${expected}`);
      });
    }
  });
});

describe("chains that are one instruction", () => {
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  /** What each chain makes of two arrays and of an operand that is one number or many, and the operations in it. */
  const made = (a: Value, b: Value, c: Value): Record<string, { end: Value; parts: Value[] }> => {
    const apart = sub(b, a);
    const share = mul(apart, c);
    const square = mul(b, b);
    const farther = sub(square, a);
    const shareOfSquare = mul(farther, c);
    const size = abs(a);
    const small = less(size, c);
    const scaled = mul(b, c);
    const root = sqrt(abs(a));
    const below = add(root, c);
    const change = div(scaled, below);
    const none = sub(a, a);
    return {
      approach: { end: add(a, share), parts: [apart, share] },
      approachSquare: { end: add(a, shareOfSquare), parts: [square, farther, shareOfSquare] },
      replaceSmall: { end: select(small, 0, a), parts: [size, small] },
      replace: { end: select(less(a, b), b, a), parts: [less(a, b)] },
      descend: { end: sub(a, change), parts: [scaled, root, below, change] },
      flaws: { end: sum(none), parts: [none] },
    };
  };
  const cases: Record<string, Tensor> = {
    ...Object.fromEntries([1, 7, 127, LARGE].map((size) => [`${size} elements`, numbers([size], 1)])),
    "the ends of the range": float32([8], [0, -0, 1e-40, 1e20, -3e38, infinity, -infinity, nan]),
  };
  for (const [name, data] of Object.entries(cases))
    test(name, async () => {
      const [a, b] = [feed("a", "float32", data.shape), feed("b", "float32", data.shape)];
      const feeds = { a: data, b: scaled(data, -0.7), one: float32([], [0.7]), many: scaled(data, 0.3) };
      for (const c of [feed("one", "float32", []), feed("many", "float32", data.shape)])
        await expectAsPlain(
          Object.fromEntries(Object.entries(made(a, b, c)).map(([chain, { end }]) => [chain, end])),
          feeds,
          { tolerance: 2e-6 },
        );
    });

  test("have the bits of their operations one by one, which they are where something else reads a part", async () => {
    const backend = await wasm({ threads: 1 });
    await using session = await backend.open({});
    const [a, b, c] = ["a", "b", "c"].map((name) => feed(name, "float32", [1027])) as [Value, Value, Value];
    const feeds = { a: numbers([1027], 1), b: numbers([1027], 2), c: numbers([1027], 3) };
    const run = async (fetches: Record<string, Value>) =>
      (await session.compile(bind(lower({ fetches, updates: [] }, backend), {}))).run(feeds);
    for (const [chain, { end, parts }] of Object.entries(made(a, b, c))) {
      const [alone, apart] = [
        await run({ end }),
        await run({ end, ...Object.fromEntries(parts.map((part, i) => [i, part])) }),
      ];
      expect(alone.end, chain).toEqual(apart.end);
    }
  });
});

test("tanh is never past 1, and 1 from 9.02 on", async () => {
  const size = 100_000;
  const x = feed("x", "float32", [size]);
  const input = Float32Array.from({ length: size }, (_, i) => 7 + i / 40_000);
  input.set([20, 1e30, Number.POSITIVE_INFINITY], size - 3);
  for (const simd of ["auto", "plain"] as const) {
    const backend = await wasm({ threads: 1, simd });
    await using session = await backend.open({});
    const fetches = { above: tanh(x), below: tanh(neg(x)) };
    const executable = await session.compile(bind(lower({ fetches, updates: [] }, backend), {}));
    const { above, below } = await executable.run({ x: float32([size], input) });
    expect(Math.max(...above.data)).toBe(1);
    expect(Math.min(...below.data)).toBe(-1);
    expect([...above.data.subarray(-3)]).toEqual([1, 1, 1]);
  }
});

test("whole numbers have their sizes and signs", async () => {
  const x = feed("x", "int32", [13]);
  const values = [0, 1, -1, 2, -2, 2 ** 31 - 1, -(2 ** 31), 7, -7, 100, -100, 5, -5];
  await expectAsPlain({ abs: abs(x), sign: sign(x), neg: neg(x) }, { x: int32([13], values) }, { tolerance: 0 });
});

describe("reductions", () => {
  // The middle axes, the outer ones, and all but one: where the reduced axes do not lie side by side the operand is transposed first.
  const shapes: Shape[] = [
    [3, 5, 7, 2],
    [4, 130, 3, 33],
    [2, 65, 1, 1031],
  ];
  const groups = [[1, 2], [0, 2], [1, 3], [0, 3], [0, 1, 3], [0, 2, 3], [3, 0], []];
  for (const shape of shapes) {
    test(`over [${shape}]`, async () => {
      const x = feed("x", "float32", shape);
      const n = feed("n", "int32", shape);
      const fetches: Record<string, Value> = {};
      for (const axes of groups) {
        fetches[`sum ${axes}`] = sum(x, axes);
        fetches[`max ${axes}`] = max(x, axes);
        fetches[`sum of ints ${axes}`] = sum(n, axes);
        fetches[`max of ints ${axes}`] = max(n, axes);
      }
      for (const axis of [0, 1, 2, 3]) {
        fetches[`argMax ${axis}`] = argMax(x, axis);
        fetches[`argMax of ints ${axis}`] = argMax(n, axis);
      }
      const sizes = shape as number[];
      await expectAsPlain(fetches, { x: numbers(sizes, 1), n: ids(sizes, 50, 2) }, { tolerance: 1e-6 });
    });
  }
});

describe("the largest of each row", () => {
  // Rows that fill no vector, and enough of them for several threads, by a heap and by a sort; of the few different numbers most are equal.
  for (const [rows, width, k] of [
    [5, 127, 127],
    [3, 1031, 1],
    [301, 509, 9],
    [301, 509, 17],
  ]) {
    test(`${k} of ${width}, ${rows} rows`, async () => {
      const x = feed("x", "float32", [rows, width]);
      const few = feed("few", "float32", [rows, width]);
      const [top, tied, alone] = [topK(x, k), topK(few, k), topK(neg(x), k)];
      const fetches = { ...top, tiedValues: tied.values, tied: tied.indices, alone: alone.indices };
      const values = Array.from(ids([rows, width], 6, 3).data, (id) => [1, Infinity, -Infinity, 0, -0, Number.NaN][id]);
      const feeds = { x: numbers([rows, width], 1), few: float32([rows, width], values) };
      await expectAsPlain(fetches, feeds, { tolerance: 0 });
    });
  }
});

describe("products", () => {
  const sizes = [
    ...odd.map((size, i) => [size, odd[(i + 2) % odd.length], odd[(i + 4) % odd.length]]),
    [127, 127, 127],
    [97, 385, 257],
    [5, 800, 301],
    [301, 12, 5],
  ];
  for (const [rows, depth, columns] of sizes) {
    test(`${rows} × ${depth} × ${columns}`, async () => {
      const a = feed("a", "float32", [rows, depth]);
      const b = feed("b", "float32", [depth, columns]);
      const at = feed("at", "float32", [depth, rows]);
      const bt = feed("bt", "float32", [columns, depth]);
      const fetches = {
        plain: dot(a, b, { contract: [[1], [0]] }),
        left: dot(at, b, { contract: [[0], [0]] }),
        right: dot(a, bt, { contract: [[1], [1]] }),
        both: dot(at, bt, { contract: [[0], [1]] }),
      };
      const feeds = {
        a: numbers([rows, depth], 1),
        b: numbers([depth, columns], 2),
        at: numbers([depth, rows], 3),
        bt: numbers([columns, depth], 4),
      };
      await expectAsPlain(fetches, feeds, { tolerance: 1e-5 });
    });
  }

  // Threads take whole products, and parts of those where their ranges meet.
  test.each([
    [7, 33, 65, 13],
    [7, 13, 65, 33],
    [2, 61, 40, 61],
    [33, 1, 64, 67],
    [5, 300, 97, 1],
  ])("of batches: %i × %i × %i × %i", async (batch, rows, depth, columns) => {
    const a = feed("a", "float32", [batch, rows, depth]);
    const b = feed("b", "float32", [batch, depth, columns]);
    // The batch between the other axes, as where time comes first.
    const over = feed("over", "float32", [rows, batch, depth]);
    const turned = feed("turned", "float32", [columns, batch, depth]);
    const fetches = {
      y: dot(a, b, { contract: [[2], [1]], batch: [[0], [0]] }),
      timeFirst: dot(over, turned, { contract: [[2], [2]], batch: [[1], [1]] }),
    };
    const feeds = {
      a: numbers([batch, rows, depth], 1),
      b: numbers([batch, depth, columns], 2),
      over: numbers([rows, batch, depth], 3),
      turned: numbers([columns, batch, depth], 4),
    };
    await expectAsPlain(fetches, feeds, { tolerance: 1e-5 });
  });
});

describe("softmax", () => {
  for (const [rows, width] of [...odd.map((size) => [3, size]), [301, 1001], [5, 60_001]]) {
    test(`${rows} rows of ${width}`, async () => {
      const x = feed("x", "float32", [rows, width]);
      const feeds = { x: scaled(numbers([rows, width]), 30) };
      await expectAsPlain({ softmax: softmax(x), logSoftmax: logSoftmax(x) }, feeds, { tolerance: 2e-6 });
    });
  }

  test("of NaN and infinity", async () => {
    const x = feed("x", "float32", [3, 5]);
    const values = [1, 2, Number.NaN, 3, 4, 1, -Infinity, 2, -Infinity, 0, 1, 2, 3, 4, Number.NaN];
    await expectAsPlain({ softmax: softmax(x), logSoftmax: logSoftmax(x) }, { x: float32([3, 5], values) });
  });
});

describe("crossentropy", () => {
  // Enough logits for the other threads to be woken, with rows that threads do not share evenly.
  for (const [rows, classes] of [...odd.map((size) => [5, size]), [301, 257], [5, 20_001]]) {
    test(`${rows} rows of ${classes}, with label smoothing and without`, async () => {
      const logits = feed("logits", "float32", [rows, classes]);
      const labels = feed("labels", "int32", [rows]);
      const cotangent = feed("cotangents", "float32", [rows]);
      const fetches: Record<string, Value> = {};
      for (const labelSmoothing of [0, 0.1, 1]) {
        const value = softmaxCrossentropy(logits, labels, { labelSmoothing });
        fetches[`losses, ${labelSmoothing}`] = value;
        fetches[`gradients, ${labelSmoothing}`] = gradients([{ value, cotangent }], [logits])[0];
      }
      const feeds = {
        logits: scaled(numbers([rows, classes], 1), 20),
        labels: ids([rows], classes, 2),
        cotangents: numbers([rows], 3),
      };
      await expectAsPlain(fetches, feeds, { tolerance: 2e-6 });
    });
  }
});

describe("look-ups and scattered sums", () => {
  for (const [count, rows, width] of [
    ...odd.map((size, i) => [size, odd[5 - i], odd[(i + 3) % 6]]),
    [3001, 50, 97],
    [9, 70_000, 1],
  ]) {
    test(`${count} of ${rows} rows of ${width}`, async () => {
      const table = feed("table", "float32", [rows, width]);
      const whole = feed("whole", "int32", [rows, width]);
      const at = feed("at", "int32", [count]);
      const updates = feed("updates", "float32", [count, width]);
      const fetches = {
        gather: gather(table, at),
        whole: gather(whole, at),
        scatterAdd: scatterAdd(at, updates, rows),
      };
      const feeds = {
        table: numbers([rows, width], 1),
        whole: ids([rows, width], 99, 2),
        at: ids([count], rows, 3),
        updates: numbers([count, width], 4),
      };
      await expectAsPlain(fetches, feeds, { tolerance: 1e-5 });
    });
  }
});

describe("dropout masks have the bits of core's", () => {
  for (const size of [...odd, 128, LARGE]) {
    test(`${size} elements`, async () => {
      const step = feed("step", "int32", []);
      const masks = [0, 0.1, 0.5, 0.999].map((rate, i) =>
        dropoutMask(step, { rate, seed: 7, site: -3 - i, shape: [size] }),
      );
      const fetches = Object.fromEntries(masks.map((mask, i) => [`mask${i}`, mask]));
      await expectAsPlain(fetches, { step: int32([], [12345]) }, { tolerance: 0 });
    });
  }
});
