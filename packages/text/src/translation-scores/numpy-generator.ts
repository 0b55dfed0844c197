/** Random numbers as NumPy's `default_rng` draws them: PCG64 (O'Neill 2014) with the seeding of its `SeedSequence`. */

const low64 = (1n << 64n) - 1n;
const low128 = (1n << 128n) - 1n;
const multiplier = 0x2360ed051fc65da44385df649fccf645n;

/** A hash whose constant moves on with each word. */
function hasher(constant: number, multiplier: number): (word: number) => number {
  let current = constant;
  return (word) => {
    const mixed = word ^ current;
    current = Math.imul(current, multiplier);
    const product = Math.imul(mixed, current);
    return product ^ (product >>> 16);
  };
}

/** Four words of 64 bits from a seed of 32. */
function seedWords(seed: number): readonly bigint[] {
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = [seed, 0, 0, 0].map(hash);
  for (let from = 0; from < 4; from++)
    for (let to = 0; to < 4; to++) {
      if (from === to) continue;
      const mixed = Math.imul(0xca01f9dd, pool[to]!) - Math.imul(0x4973f715, hash(pool[from]!));
      pool[to] = mixed ^ (mixed >>> 16);
    }
  const out = hasher(0x8b51f9dd, 0x58f38ded);
  const halves = Array.from({ length: 8 }, (_, i) => BigInt(out(pool[i % 4]!) >>> 0));
  return [0, 2, 4, 6].map((i) => halves[i]! | (halves[i + 1]! << 32n));
}

/**
 * Gives, call by call, the numbers of `numpy.random.default_rng(seed).integers(0, count, size)`, one by one. `seed` is a whole number below 2³², `count` one from 1 to
 * 2³² - 1.
 */
export function numpyIntegers(seed: number): (count: number) => number {
  const [a = 0n, b = 0n, c = 0n, d = 0n] = seedWords(seed);
  const increment = ((((c << 64n) | d) << 1n) | 1n) & low128;
  const next = (state: bigint): bigint => (state * multiplier + increment) & low128;
  let state = next((increment + ((a << 64n) | b)) & low128);
  /** The upper half of the last 64 bits, which is the next word. */
  let kept: number | undefined;
  const word = (): number => {
    if (kept !== undefined) {
      const half = kept;
      kept = undefined;
      return half;
    }
    state = next(state);
    const folded = (state >> 64n) ^ (state & low64);
    const turn = state >> 122n;
    const bits = ((folded >> turn) | (folded << (64n - turn))) & low64;
    kept = Number(bits >> 32n);
    return Number(bits & 0xffffffffn);
  };
  // Lemire 2019: the upper half of the product, where the lower does not favour some numbers.
  return (count) => {
    if (count === 1) return 0;
    const least = 2 ** 32 % count;
    for (;;) {
      const drawn = word();
      const lower = Math.imul(drawn, count) >>> 0;
      if (lower >= least) return Math.round((drawn * count - lower) / 2 ** 32);
    }
  };
}
