/** Row orders drawn from a seed: the same seed gives the same order on every machine. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { mersenne } from "pure-rand/generator/mersenne";
import { DatasetOptionError } from "./errors.ts";

/**
 * The numbers 0 to `count - 1` in an order drawn from `seed` (a 32-bit integer): a Fisher–Yates shuffle over the
 * Mersenne twister MT19937, whose seeding keeps neighbouring seeds apart (xoroshiro's, in pure-rand, does not).
 */
export function shuffledIndices(count: number, seed: number): Int32Array {
  if (!(Number.isSafeInteger(count) && count >= 0 && count < 2 ** 31)) {
    throw new DatasetOptionError("count", "be a whole number from 0 to 2147483647", count);
  }
  return shuffled(
    Int32Array.from({ length: count }, (_, index) => index),
    seed,
  );
}

/** The given indices, reordered in place by `seed`. */
export function shuffled(indices: Int32Array, seed: number): Int32Array {
  if (!(Number.isInteger(seed) && seed >= -(2 ** 31) && seed < 2 ** 32)) {
    throw new DatasetOptionError("seed", "be a 32-bit integer", seed);
  }
  const generator = mersenne(seed);
  for (let last = indices.length - 1; last > 0; last--) {
    const chosen = uniformInt(generator, 0, last);
    const index = indices[last]!;
    indices[last] = indices[chosen]!;
    indices[chosen] = index;
  }
  return indices;
}
