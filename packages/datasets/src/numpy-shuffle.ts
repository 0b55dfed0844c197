/** NumPy's legacy shuffle, number for number: data that is defined by "shuffled with seed 113" comes in that order. */
import { mersenne } from "pure-rand/generator/mersenne";
import { DatasetOptionError } from "./errors.ts";

/**
 * Gives, call by call, what `rng = numpy.random.RandomState(seed)` makes of `rng.shuffle(numpy.arange(count))`: the
 * Mersenne twister MT19937, bounded numbers by masking and rejection.
 */
export function numpyShuffle(seed: number): (count: number) => Int32Array {
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    throw new DatasetOptionError("seed", "be a whole number from 0 to 4294967295, as NumPy's", seed);
  }
  const generator = mersenne(seed);
  const upTo = (last: number): number => {
    const mask = 2 ** (32 - Math.clz32(last)) - 1;
    let drawn: number;
    do drawn = (generator.next() & mask) >>> 0;
    while (drawn > last);
    return drawn;
  };
  return (count) => {
    const indices = Int32Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last--) {
      const chosen = upTo(last);
      const index = indices[last]!;
      indices[last] = indices[chosen]!;
      indices[chosen] = index;
    }
    return indices;
  };
}
