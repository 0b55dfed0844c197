/** The blocked product against its definition, where tiles, panels and blocks end in the middle. */
import { dot, feed, float32, type Tensor, type Value } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { numbers, run } from "./graphs.ts";

type Strides = readonly [batch: number, row: number, depth: number];

/** Sums in double precision, rounded once. */
function product(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  sizes: readonly number[],
  sa: Strides,
  sb: Strides,
): Float32Array {
  const [batch, rows, columns, depth] = sizes;
  const out = new Float32Array(batch * rows * columns);
  for (let n = 0, o = 0; n < batch; n++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < depth; k++) {
          sum += a[n * sa[0] + i * sa[1] + k * sa[2]] * b[n * sb[0] + j * sb[1] + k * sb[2]];
        }
        out[o++] = sum;
      }
    }
  }
  return out;
}

async function expectProduct(
  [batch, rows, columns, depth]: readonly [number, number, number, number],
  a: { shape: readonly number[]; strides: Strides },
  b: { shape: readonly number[]; strides: Strides },
  build: (a: Value, b: Value) => Value,
): Promise<void> {
  const feeds = {
    a: float32(a.shape, numbers(batch * rows * depth, 1)),
    b: float32(b.shape, numbers(batch * columns * depth, 2)),
  };
  const { y } = (await run({ y: build(feed("a", "float32", a.shape), feed("b", "float32", b.shape)) }, { feeds })) as {
    y: Tensor;
  };
  expect(y.data).toEqual(product(feeds.a.data, feeds.b.data, [batch, rows, columns, depth], a.strides, b.strides));
}

const odd = [1, 3, 5, 7, 13, 127];

describe("dot equals its definition bit for bit", () => {
  for (const rows of odd) {
    test(`${rows} rows, every odd number of columns and depth`, async () => {
      for (const columns of odd) {
        for (const depth of [1, 3, 7, 127]) {
          await expectProduct(
            [1, rows, columns, depth],
            { shape: [rows, depth], strides: [0, depth, 1] },
            { shape: [depth, columns], strides: [0, 1, columns] },
            (a, b) => dot(a, b, { contract: [[1], [0]] }),
          );
        }
      }
    });
  }

  test("operands of more than one tile in every direction", async () => {
    const [rows, columns, depth] = [261, 517, 1030];
    await expectProduct(
      [1, rows, columns, depth],
      { shape: [depth, rows], strides: [0, 1, rows] },
      { shape: [columns, depth], strides: [0, depth, 1] },
      (a, b) => dot(a, b, { contract: [[0], [1]] }),
    );
  });

  test("a batch in the middle of one operand and at the end of the other", async () => {
    const [batch, rows, columns, depth] = [3, 5, 7, 6];
    await expectProduct(
      [batch, rows, columns, depth],
      { shape: [rows, batch, 2, 3], strides: [depth, batch * depth, 1] },
      { shape: [2, 3, columns, batch], strides: [1, batch, columns * batch] },
      (a, b) =>
        dot(a, b, {
          contract: [
            [2, 3],
            [0, 1],
          ],
          batch: [[1], [3]],
        }),
    );
  });

  test("an outer product, and a product of vectors", async () => {
    await expectProduct(
      [1, 13, 5, 1],
      { shape: [13], strides: [0, 1, 1] },
      { shape: [5], strides: [0, 1, 1] },
      (a, b) => dot(a, b, { contract: [[], []] }),
    );
    await expectProduct(
      [1, 1, 1, 127],
      { shape: [127], strides: [0, 1, 1] },
      { shape: [127], strides: [0, 1, 1] },
      (a, b) => dot(a, b, { contract: [[0], [0]] }),
    );
  });
});
