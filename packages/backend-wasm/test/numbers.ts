/** Numbers for the tests, the same ones each time. */
import { float32, int32, sizeOf, type Tensor } from "@ostinato/core";

/** Numbers between -1 and 1. */
export function numbers(shape: readonly number[], seed = 1): Tensor {
  let word = seed * 2654435761;
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => {
      word = (Math.imul(word, 1664525) + 1013904223) | 0;
      return word / 2 ** 31;
    }),
  );
}

/** Whole numbers from 0 to `end` - 1. */
export function ids(shape: readonly number[], end: number, seed = 1): Tensor {
  return int32(
    shape,
    Array.from(numbers(shape, seed).data, (x) => Math.floor(((x + 1) / 2) * end)),
  );
}
