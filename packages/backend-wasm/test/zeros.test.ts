/** What is left out because it is zero: lines of products, as padding and nodes without words are, and updates of rows that no id names. It is as if it were computed. */
import { cpu } from "@ostinato/backend-cpu";
import {
  abs,
  type Backend,
  bind,
  div,
  dot,
  feed,
  float32,
  lower,
  mul,
  sqrt,
  state,
  sub,
  type Tensor,
} from "@ostinato/core";
import { add, broadcast, sum } from "@ostinato/core/graph";
import { expect, test } from "vitest";
import { wasm } from "../src/index.ts";
import { expectAsPlain } from "./graphs.ts";
import { numbers } from "./numbers.ts";

/** `x` [lines, width] with zeros in two lines of three; of line 7 the last number stays. */
function thinned({ shape, data }: Tensor): Tensor {
  const width = shape[1];
  const isKept = (i: number): boolean =>
    Math.floor(i / width) % 3 === 1 && (i >= 8 * width || i < 7 * width || i === 8 * width - 1);
  return float32(
    shape,
    Array.from(data, (x, i) => (isKept(i) ? x : 0)),
  );
}

const zeros = ([lines, width]: readonly [number, number]): Tensor =>
  float32([lines, width], new Float32Array(lines * width));

test.each([
  [300, 90, 70],
  [40, 390, 530],
  [97, 400, 33],
  [25, 9, 5],
  [250, 300, 1],
] as const)("rows: %i × %i × %i", async (rows, depth, columns) => {
  const a = feed("a", "float32", [rows, depth]);
  const b = feed("b", "float32", [depth, columns]);
  const bt = feed("bt", "float32", [columns, depth]);
  const turned = dot(a, bt, { contract: [[1], [1]] });
  const fetches = {
    plain: dot(a, b, { contract: [[1], [0]] }),
    turned,
    biased: add(turned, broadcast(feed("bias", "float32", [columns]), [rows, columns], [1])),
  };
  const rest = { b: numbers([depth, columns], 2), bt: numbers([columns, depth], 3), bias: numbers([columns], 4) };
  await expectAsPlain(fetches, { a: thinned(numbers([rows, depth], 1)), ...rest }, { tolerance: 1e-5 });
  await expectAsPlain(fetches, { a: zeros([rows, depth]), ...rest }, { tolerance: 1e-5 });
});

test.each([
  [90, 70, 300],
  [130, 33, 1300],
  [33, 130, 1300],
  [5, 9, 25],
] as const)("steps of the sum: %i × %i over %i", async (rows, columns, depth) => {
  const y = dot(feed("a", "float32", [depth, rows]), feed("b", "float32", [depth, columns]), { contract: [[0], [0]] });
  const [a, b] = [numbers([depth, rows], 1), numbers([depth, columns], 2)];
  await expectAsPlain({ y }, { a: thinned(a), b }, { tolerance: 1e-5 });
  await expectAsPlain({ y }, { a, b: thinned(b) }, { tolerance: 1e-5 });
  await expectAsPlain({ y }, { a, b: zeros([depth, columns]) }, { tolerance: 1e-5 });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])("zero times %d is no number", async (wrong) => {
  const [a, b, bs] = [feed("a", "float32", [60, 20]), feed("b", "float32", [20, 30]), feed("bs", "float32", [60, 30])];
  const fetches = { rows: dot(a, b, { contract: [[1], [0]] }), steps: dot(a, bs, { contract: [[0], [0]] }) };
  const spoilt = ({ shape, data }: Tensor): Tensor =>
    float32(
      shape,
      Array.from(data, (x, i) => (i === 5 ? wrong : x)),
    );
  const feeds = { a: thinned(numbers([60, 20], 1)), b: spoilt(numbers([20, 30], 2)), bs: spoilt(numbers([60, 30], 4)) };
  await expectAsPlain(fetches, feeds, { tolerance: 1e-5 });
});

test("the other rows have the bits that they have alone", async () => {
  const [rows, depth, columns] = [120, 77, 50];
  const backend = await wasm({ threads: 1 });
  await using session = await backend.open({});
  const product = async (x: Tensor): Promise<number[]> => {
    const y = dot(feed("a", "float32", x.shape), feed("b", "float32", [depth, columns]), { contract: [[1], [0]] });
    const executable = await session.compile(bind(lower({ fetches: { y }, updates: [] }, backend), {}));
    return [...(await executable.run({ a: x, b: numbers([depth, columns], 2) })).y.data];
  };
  const thin = thinned(numbers([rows, depth], 1));
  const all = await product(thin);
  for (let row = 1; row < rows; row += 3) {
    const alone = await product(float32([1, depth], [...thin.data.slice(row * depth, (row + 1) * depth)]));
    expect(all.slice(row * columns, (row + 1) * columns)).toEqual(alone);
  }
});

test("an update leaves rows alone whose gradient is zero", async () => {
  const shape = [1000, 5];
  const [w, sums] = [state("w", "float32", shape), state("sums", "float32", shape)];
  const gradient = feed("gradient", "float32", shape);
  const summed = add(sums, mul(gradient, gradient));
  const updates = [
    { name: "sums", value: summed },
    { name: "w", value: sub(w, div(mul(gradient, 0.1), sqrt(add(summed, 1e-7)))) },
  ];
  const after = async (backend: Backend, given: Tensor) => {
    await using session = await backend.open({
      w: numbers(shape, 1),
      sums: float32(shape, numbers(shape, 2).data.map(Math.abs)),
    });
    const executable = await session.compile(bind(lower({ fetches: {}, updates }, backend), {}));
    await executable.run({ gradient: given });
    return session.readState();
  };
  // The elements of a tile and a half.
  const some = float32(
    shape,
    Array.from(numbers(shape, 3).data, (x, i) => (i >= 2048 && i < 3600 ? x : 0)),
  );
  const expected = await after(await cpu(), some);
  for (const threads of [1, 2]) {
    const found = await after(await wasm({ threads }), some);
    for (const name of ["w", "sums"]) {
      const [own, plain, before] = [found[name], expected[name], name === "w" ? numbers(shape, 1) : undefined] as const;
      own.data.forEach((x, i) => {
        expect(x).toBeCloseTo(plain.data[i], 6);
        if (before && (i < 2048 || i >= 3600)) expect(x).toBe(before.data[i]);
      });
    }
  }
  // A term of the weights themselves, as weight decay, changes all rows.
  updates.splice(1, 1, { name: "w", value: sub(w, add(mul(gradient, 0.1), mul(w, 0.01))) });
  const decayed = await after(await wasm({ threads: 1 }), some);
  expect(decayed.w.data[0]).toBeCloseTo(0.99 * numbers(shape, 1).data[0], 6);
});

test("what such an update leaves is still looked at: a number that is none is found in any row", async () => {
  const shape = [1000, 5];
  const [w, gradient] = [feed("w", "float32", shape), feed("gradient", "float32", shape)];
  const changed = sub(w, div(mul(gradient, 0.1), add(abs(w), 1)));
  const flaws = sum(sub(changed, changed), [0, 1]);
  const some = float32(
    shape,
    Array.from(numbers(shape, 3).data, (x, i) => (i >= 2048 && i < 3600 ? x : 0)),
  );
  for (const wrong of [-1, 7, 3000, 4990]) {
    const { data } = numbers(shape, 1);
    if (wrong >= 0) data[wrong] = Number.NaN;
    await expectAsPlain({ flaws }, { w: float32(shape, data), gradient: some });
  }
});
