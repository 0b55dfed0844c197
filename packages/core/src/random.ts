/**
 * Randomness without state: Threefry-2x32-20 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).
 * A key and a counter give 64 random bits by adding, rotating and xoring, so every backend can make the same ones.
 */

const PARITY = 0x1bd11bda;

/** One Threefry block with 20 rounds: writes two unsigned 32-bit words for `key` and `counter` to `out[0]`, `out[1]`. */
export function threefry(key0: number, key1: number, counter0: number, counter1: number, out: Uint32Array): void {
  const key2 = (PARITY ^ key0 ^ key1) | 0;
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + key1) | 0;
  x1 = (x1 + key2 + 1) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
  x0 = (x0 + key2) | 0;
  x1 = (x1 + key0 + 2) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + key0) | 0;
  x1 = (x1 + key1 + 3) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
  x0 = (x0 + key1) | 0;
  x1 = (x1 + key2 + 4) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + key2) | 0;
  x1 = (x1 + key0 + 5) | 0;

  out[0] = x0;
  out[1] = x1;
}

/** FNV-1a of a string: the number that stands for a site's name (`"dropout"`, `"dense/kernel"`) in a key. */
export function siteOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash | 0;
}

/**
 * Numbers for the sites of one model: `siteOf` the name, or a free number where another name already has that one. The same names in the same order
 * get the same numbers.
 */
export function distinctSites(): (name: string) => number {
  const sites = new Map<string, number>();
  const taken = new Set<number>();
  return (name) => {
    const known = sites.get(name);
    if (known !== undefined) return known;
    let site = siteOf(name);
    for (let attempt = 1; taken.has(site); attempt++) site = siteOf(`${name}#${attempt}`);
    sites.set(name, site);
    taken.add(site);
    return site;
  };
}

/**
 * The two words of a key. Seeds from -2³¹ to 2³² - 1 are the first word themselves, and the site is the second; a larger seed, of up to 53 bits, is
 * mixed with the site into both.
 */
export function keyOf(seed: number, site: number): readonly [number, number] {
  if (seed >= -(2 ** 31) && seed < 2 ** 32) return [seed, site];
  const block = new Uint32Array(2);
  threefry(seed | 0, Math.floor(seed / 2 ** 32), site, 0, block);
  return [block[0] as number, block[1] as number];
}

/** Random numbers for one site, one after the other; the same `seed` and `site`, a name or its number, always give the same ones. */
export class RandomStream {
  readonly #key0: number;
  readonly #key1: number;
  readonly #block = new Uint32Array(2);
  readonly #one = new Float64Array(1);
  #counter = 0;
  #spare = false;

  constructor(seed: number, site: string | number) {
    const [key0, key1] = keyOf(seed, typeof site === "string" ? siteOf(site) : site);
    this.#key0 = key0 | 0;
    this.#key1 = key1 | 0;
  }

  /** 32 random bits as an unsigned number. */
  bits(): number {
    if (this.#spare) {
      this.#spare = false;
      return this.#block[1] as number;
    }
    this.#next();
    this.#spare = true;
    return this.#block[0] as number;
  }

  #next(): void {
    threefry(this.#key0, this.#key1, this.#counter | 0, Math.floor(this.#counter / 2 ** 32) | 0, this.#block);
    this.#counter += 1;
  }

  /** Uniform on [0, 1), of 32 bits. */
  uniform(): number {
    return this.bits() / 2 ** 32;
  }

  /** Fills with standard normals, two at a time (Marsaglia and Bray's polar method, 1964). */
  fillNormal(out: Float64Array): void {
    const block = this.#block;
    this.#spare = false;
    for (let i = 0; i < out.length; i += 2) {
      let x: number;
      let y: number;
      let square: number;
      do {
        this.#next();
        x = (block[0] as number) / 2 ** 31 - 1;
        y = (block[1] as number) / 2 ** 31 - 1;
        square = x * x + y * y;
      } while (square >= 1 || square === 0);
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      out[i] = x * scale;
      if (i + 1 < out.length) out[i + 1] = y * scale;
    }
  }

  /** A standard normal. For many `fillNormal` is quicker. */
  normal(): number {
    this.fillNormal(this.#one);
    return this.#one[0] as number;
  }

  /** A whole number from 0 to `n - 1`, without bias. */
  below(n: number): number {
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const bits = this.bits();
      if (bits < limit) return bits % n;
    }
  }
}

/** Puts the indexes in a random order, in place (Fisher and Yates). */
export function shuffle(indexes: Int32Array | Uint32Array, stream: RandomStream): void {
  for (let i = indexes.length - 1; i > 0; i--) {
    const j = stream.below(i + 1);
    const kept = indexes[i] as number;
    indexes[i] = indexes[j] as number;
    indexes[j] = kept;
  }
}

/**
 * Writes an inverted dropout mask: 0 with probability `rate`, else 1 / (1 - rate). Element `i` takes word `i mod 2` of block
 * (i div 2) under the key (seed, site) and the counter (i div 2, step), so a mask depends on nothing but these and its size.
 */
export function fillDropoutMask(
  out: Float32Array | Float64Array,
  offset: number,
  size: number,
  rate: number,
  seed: number,
  site: number,
  step: number,
  block: Uint32Array,
): void {
  const dropped = Math.round(rate * 2 ** 32);
  const kept = 1 / (1 - rate);
  for (let i = 0; i < size; i += 2) {
    threefry(seed, site, i >>> 1, step, block);
    out[offset + i] = (block[0] as number) < dropped ? 0 : kept;
    if (i + 1 < size) out[offset + i + 1] = (block[1] as number) < dropped ? 0 : kept;
  }
}

/**
 * Writes standard normals, two from each block by the transform of Box and Muller (1958). Elements `i` and `i + 1`, for even `i`, take block (i div 2) under the
 * key (seed, site) and the counter (i div 2, step), so they depend on nothing else. None is further from 0 than 6.8.
 */
export function fillNormalNoise(
  out: Float32Array | Float64Array,
  offset: number,
  size: number,
  seed: number,
  site: number,
  step: number,
  block: Uint32Array,
): void {
  for (let i = 0; i < size; i += 2) {
    threefry(seed, site, i >>> 1, step, block);
    const radius = Math.sqrt(-2 * Math.log(((block[0] as number) + 0.5) / 2 ** 32));
    const angle = ((block[1] as number) / 2 ** 31) * Math.PI;
    out[offset + i] = radius * Math.cos(angle);
    if (i + 1 < size) out[offset + i + 1] = radius * Math.sin(angle);
  }
}
