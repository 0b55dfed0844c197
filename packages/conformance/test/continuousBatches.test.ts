/** One long sequence cut into pieces: every step is there once, where it belongs. */
import { continuousBatches, type Examples, float32, int32, RandomStream } from "@ostinato/core";
import { describe, expect, test } from "vitest";

interface Pieces {
  readonly values: { readonly shape: readonly number[]; readonly data: ArrayLike<number>; readonly dtype: string };
  readonly lengths: Int32Array;
}

/** What each row of the batches reads from the first piece to the last. */
function readBy(rows: number, of: unknown): number[][] {
  const { values, lengths } = of as Pieces;
  const [count = 0, time = 0, width = 1] = values.shape;
  const read: number[][] = Array.from({ length: rows }, () => []);
  for (let row = 0; row < count; row++) {
    const from = row * time * width;
    const size = (lengths[row] as number) * width;
    read[row % rows]?.push(...Array.from(values.data).slice(from, from + size));
  }
  return read;
}

const count = (steps: number) => Array.from({ length: steps }, (_, i) => i);

describe("continuousBatches", () => {
  test("gives every step once, in order, with the one that follows as its target", () => {
    const random = new RandomStream(1, "sizes");
    for (let trial = 0; trial < 60; trial++) {
      const batchSize = 1 + random.below(6);
      const steps = batchSize + 1 + random.below(60);
      const { x, y, ...rest }: Examples = continuousBatches(count(steps), {
        batchSize,
        sequenceLength: 1 + random.below(9),
      });
      expect(rest).toEqual({ batchSize });
      const read = readBy(batchSize, x);
      expect(read.flat()).toEqual(count(steps - 1));
      expect(readBy(batchSize, y)).toEqual(read.map((row) => row.map((id) => id + 1)));
      // As long as each other but for a step.
      const lengths = read.map((row) => row.length);
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
    }
  });

  test("cuts off no row before its last piece, and makes no piece of nothing", () => {
    const { x } = continuousBatches(count(23), { batchSize: 2, sequenceLength: 4 });
    const { values, lengths } = x as unknown as Pieces;
    expect(values.shape).toEqual([6, 4]);
    expect([...lengths]).toEqual([4, 4, 4, 4, 3, 3]);
  });

  test("takes ids as lists, typed arrays and tensors, and whole numbers stay whole", () => {
    const options = { batchSize: 2, sequenceLength: 3 };
    const expected = continuousBatches(count(12), options);
    expect((expected.x as unknown as Pieces).values.dtype).toBe("int32");
    for (const given of [
      Int32Array.from(count(12)),
      Uint8Array.from(count(12)),
      int32([12], count(12)),
      count(12).map(BigInt),
    ])
      expect(continuousBatches(given as never, options)).toEqual(expected);
    expect(
      (continuousBatches([0.5, 1, 2], { batchSize: 1, sequenceLength: 2 }).x as unknown as Pieces).values.dtype,
    ).toBe("float32");
  });

  test("takes features, which follow themselves or have targets beside them", () => {
    const vectors = count(7).map((i) => [i, 10 * i]);
    const { x, y } = continuousBatches(vectors, { batchSize: 1, sequenceLength: 4 });
    expect(readBy(1, x)).toEqual([vectors.slice(0, 6).flat()]);
    expect(readBy(1, y)).toEqual([vectors.slice(1).flat()]);
    const targets = count(7).map((i) => [i + 0.5]);
    const beside = continuousBatches(float32([7, 2], vectors.flat()), { batchSize: 2, sequenceLength: 2, targets });
    expect(readBy(2, beside.x).flat()).toEqual(vectors.flat());
    expect(readBy(2, beside.y).flat()).toEqual(targets.flat());
  });
});
