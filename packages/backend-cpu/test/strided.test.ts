/** Kernels that walk along strides, against their definitions element by element, on random shapes. */
import {
  argMax,
  broadcast,
  concat,
  feed,
  float32,
  int32,
  max,
  pad,
  reverse,
  scatterAdd,
  slice,
  sum,
  type Tensor,
  transpose,
  type Value,
} from "@ostinato/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { numbers, run } from "./graphs.ts";

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Row-major positions of all elements, as lists of coordinates. */
function coordinates(shape: readonly number[]): number[][] {
  return Array.from({ length: sizeOf(shape) }, (_, index) => {
    const at = shape.map(() => 0);
    let rest = index;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    return at;
  });
}

const indexOf = (shape: readonly number[], at: readonly number[]): number =>
  shape.reduce((index, dim, axis) => index * dim + at[axis], 0);

const shapes = fc.array(fc.constantFrom(1, 2, 3, 5, 7), { minLength: 1, maxLength: 5 });
/** A shape and something to choose axes by. */
const cases = fc.record({ shape: shapes, seed: fc.nat(1000), choice: fc.infiniteStream(fc.nat(1e6)) });
const pick = (choice: Iterator<number>, below: number): number => (choice.next().value as number) % below;

async function compute(build: (x: Value) => Value, x: Tensor): Promise<Tensor> {
  const { y } = (await run(
    { y: build(feed("x", x.dtype === "int32" ? "int32" : "float32", x.shape)) },
    { feeds: { x } },
  )) as {
    y: Tensor;
  };
  return y;
}

const input = (shape: readonly number[], seed: number): Tensor => float32(shape, numbers(sizeOf(shape), seed));

/** Expects element `at` of the result to be element `from(at)` of the input, or 0 where it is undefined. */
function expectMoved(
  y: Tensor,
  shape: readonly number[],
  x: Tensor,
  from: (at: number[]) => number[] | undefined,
): void {
  const expected = coordinates(shape).map((at) => {
    const source = from(at);
    return source ? x.data[indexOf(x.shape, source)] : 0;
  });
  expect(y.shape).toEqual(shape);
  expect([...y.data]).toEqual(expected);
}

const replaced = (list: readonly number[], axis: number, value: number): number[] =>
  list.map((old, i) => (i === axis ? value : old));

describe("moves", () => {
  test("transpose", () =>
    fc.assert(
      fc.asyncProperty(cases, async ({ shape, seed, choice }) => {
        const x = input(shape, seed);
        const permutation = shape.map((_, axis) => axis).sort(() => pick(choice, 3) - 1);
        const y = await compute((value) => transpose(value, permutation), x);
        expectMoved(
          y,
          permutation.map((axis) => shape[axis]),
          x,
          (at) => shape.map((_, axis) => at[permutation.indexOf(axis)]),
        );
      }),
    ));

  test("broadcast", () =>
    fc.assert(
      fc.asyncProperty(cases, async ({ shape, seed, choice }) => {
        const axes = shape.map((_, axis) => axis).filter(() => pick(choice, 2) === 0);
        const x = input(
          axes.map((axis) => shape[axis]),
          seed,
        );
        const y = await compute((value) => broadcast(value, shape, axes), x);
        expectMoved(y, shape, x, (at) => axes.map((axis) => at[axis]));
      }),
    ));

  test("slice, from either end, and pad back", () =>
    fc.assert(
      fc.asyncProperty(cases, async ({ shape, seed, choice }) => {
        const x = input(shape, seed);
        const axis = pick(choice, shape.length);
        const dim = shape[axis];
        const first = pick(choice, dim);
        const size = 1 + pick(choice, dim - first);
        const start = pick(choice, 2) === 0 ? first : first - dim;
        const y = await compute((value) => slice(value, axis, start, size), x);
        expectMoved(y, replaced(shape, axis, size), x, (at) => replaced(at, axis, at[axis] + first));
        const z = await compute((value) => pad(value, axis, start, dim), y);
        expectMoved(z, shape, x, (at) => (at[axis] >= first && at[axis] < first + size ? at : undefined));
      }),
    ));

  test("reverse, and concat of both", () =>
    fc.assert(
      fc.asyncProperty(cases, async ({ shape, seed, choice }) => {
        const x = input(shape, seed);
        const axis = pick(choice, shape.length);
        const y = await compute((value) => concat([value, reverse(value, axis)], axis), x);
        const dim = shape[axis];
        expectMoved(y, replaced(shape, axis, 2 * dim), x, (at) =>
          replaced(at, axis, at[axis] < dim ? at[axis] : 2 * dim - 1 - at[axis]),
        );
      }),
    ));
});

describe("reductions", () => {
  /** The elements that belong to each element of the result, in row-major order. */
  function groups(x: Tensor, axes: readonly number[]): number[][] {
    const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const shape = kept.map((axis) => x.shape[axis]);
    const result: number[][] = Array.from({ length: sizeOf(shape) }, () => []);
    coordinates(x.shape).forEach((at, i) => {
      const to = kept.map((axis) => at[axis]);
      result[indexOf(shape, to)].push(x.data[i]);
    });
    return result;
  }

  test("sum and max over any axes, floats and whole numbers", () =>
    fc.assert(
      fc.asyncProperty(cases, async ({ shape, seed, choice }) => {
        const axes = shape.map((_, axis) => axis).filter(() => pick(choice, 2) === 0);
        fc.pre(axes.length > 0);
        const float = input(shape, seed);
        const whole = int32(
          shape,
          [...float.data].map((value) => Math.round(value * 1000)),
        );
        for (const x of [float, whole]) {
          const expected = groups(x, axes);
          const sums = await compute((value) => sum(value, axes), x);
          expect([...sums.data]).toEqual(
            expected.map((group) => {
              const total = group.reduce((a, b) => a + b, 0);
              return x === float ? Math.fround(total) : total;
            }),
          );
          const most = await compute((value) => max(value, axes), x);
          expect([...most.data]).toEqual(expected.map((group) => Math.max(...group)));
        }
      }),
    ));

  test("argMax finds the first", () =>
    fc.assert(
      fc.asyncProperty(cases, async ({ shape, seed, choice }) => {
        const axis = pick(choice, shape.length);
        const x = int32(
          shape,
          [...numbers(sizeOf(shape), seed)].map((value) => Math.round(value * 2)),
        );
        const y = await compute((value) => argMax(value, axis), x);
        expect([...y.data]).toEqual(groups(x, [axis]).map((group) => group.indexOf(Math.max(...group))));
      }),
    ));
});

test("scatterAdd sums each row's updates in their order", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(6), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 4 }),
      async (ids, width) => {
        const updates = numbers(ids.length * width, 5);
        const { y } = (await run(
          { y: scatterAdd(feed("ids", "int32", ["n"]), feed("updates", "float32", ["n", width]), 7) },
          {
            feeds: { ids: int32([ids.length], ids), updates: float32([ids.length, width], updates) },
            capacities: { n: 40 },
          },
        )) as { y: Tensor };
        const expected = new Float64Array(7 * width);
        ids.forEach((id, k) => {
          for (let d = 0; d < width; d++) expected[id * width + d] += updates[k * width + d];
        });
        expect([...y.data]).toEqual([...Float32Array.from(expected)]);
      },
    ),
  ));
