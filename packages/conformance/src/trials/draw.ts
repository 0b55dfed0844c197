/** Random trials: graphs of random shapes with random data, the same ones for the same seed. */
import {
  bool,
  type Dim,
  type DType,
  feed,
  float32,
  int32,
  RandomStream,
  sizeOf,
  type Tensor,
  type Value,
} from "@ostinato/core";

/** A small graph to be run: what it is fed, what it gives. */
export interface Trial {
  readonly fetches: Readonly<Record<string, Value>>;
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** Of the named sizes: at least what the feeds tell, sometimes more. */
  readonly capacities: Readonly<Record<string, number>>;
  /** The float32 feeds by name: what gradients are taken of. */
  readonly inputs: Readonly<Record<string, Value>>;
}

/** Draws what one trial fetches. */
export type DrawTrial = (draw: Draw) => Readonly<Record<string, Value>>;

/** Sizes worth trying: one, odd ones, and few that a vector width divides. */
const sizes = [1, 1, 2, 3, 3, 4, 5, 7, 8, 13];

/** A size of a trial: the dimension as the graph has it, and how large it is. */
export interface DrawnDim {
  readonly dim: Dim;
  readonly size: number;
}

/** Draws the parts of one trial, and collects what it must be fed. */
export class Draw {
  readonly random: RandomStream;
  readonly #feeds: Record<string, Tensor> = {};
  readonly #inputs: Record<string, Value> = {};
  readonly #capacities: Record<string, number> = {};

  constructor(site: string, seed: number) {
    this.random = new RandomStream(seed, site);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.random.uniform() < probability;
  }

  /** One of `options`. */
  one<T>(options: readonly T[]): T {
    return options[this.random.below(options.length)];
  }

  /** A whole number, both ends included. */
  whole(low: number, high: number): number {
    return low + this.random.below(high - low + 1);
  }

  /** A size that is a number in the graph. */
  number(limit = 13): DrawnDim {
    const size = this.one(sizes.filter((option) => option <= limit));
    return { dim: size, size };
  }

  /** A size that has a name in the graph; its capacity may be larger. */
  named(name: string, limit = 13): DrawnDim {
    return this.sized(name, this.number(limit).size);
  }

  /** A size with a name, of which so many are wanted; its capacity may be larger. */
  sized(name: string, size: number): DrawnDim {
    this.#capacities[name] = size + this.whole(0, 3);
    return { dim: name, size };
  }

  /** Dimensions of at most `limit` elements in all, some of them named. */
  dims(rank: number, limit = 60): DrawnDim[] {
    let left = limit;
    return Array.from({ length: rank }, () => {
      const name = `n${Object.keys(this.#capacities).length}`;
      const drawn = this.chance(0.5) ? this.named(name, left) : this.number(left);
      left = Math.floor(left / drawn.size);
      return drawn;
    });
  }

  /** The numbers 0 … count - 1 in random order. */
  order(count: number): number[] {
    const rest = Array.from({ length: count }, (_, i) => i);
    return Array.from({ length: count }, () => rest.splice(this.random.below(rest.length), 1)[0]);
  }

  /** A float32 feed, uniform between `low` and `high`. */
  float(name: string, dims: readonly DrawnDim[], low = -2, high = 2): Value {
    const data = this.#data(dims, () => low + (high - low) * this.random.uniform());
    const value = this.#feed(name, "float32", dims, float32(sizesOf(dims), data));
    this.#inputs[name] = value;
    return value;
  }

  /** An int32 feed, both ends included. */
  int(name: string, dims: readonly DrawnDim[], low = -5, high = 5): Value {
    return this.#feed(
      name,
      "int32",
      dims,
      int32(
        sizesOf(dims),
        this.#data(dims, () => this.whole(low, high)),
      ),
    );
  }

  /** An int32 feed of these numbers. */
  given(name: string, dims: readonly DrawnDim[], numbers: readonly number[]): Value {
    return this.#feed(name, "int32", dims, int32(sizesOf(dims), numbers));
  }

  bool(name: string, dims: readonly DrawnDim[]): Value {
    return this.#feed(
      name,
      "bool",
      dims,
      bool(
        sizesOf(dims),
        this.#data(dims, () => this.whole(0, 1)),
      ),
    );
  }

  /** A feed of any data type, mostly float32. */
  any(name: string, dims: readonly DrawnDim[]): Value {
    const dtype: DType = this.one(["float32", "float32", "int32", "bool"]);
    if (dtype === "float32") return this.float(name, dims);
    return dtype === "int32" ? this.int(name, dims) : this.bool(name, dims);
  }

  /** int32 [batch]: 0, the whole time, or anything between. */
  lengths(name: string, batch: DrawnDim, time: DrawnDim): Value {
    const data = this.#data([batch], () => this.one([0, time.size, this.whole(0, time.size)]));
    return this.#feed(name, "int32", [batch], int32([batch.size], data));
  }

  /** The trial that computes `fetches`. */
  trial(fetches: Readonly<Record<string, Value>>): Trial {
    return { fetches, feeds: this.#feeds, capacities: this.#capacities, inputs: this.#inputs };
  }

  #data(dims: readonly DrawnDim[], element: () => number): number[] {
    return Array.from({ length: sizeOf(sizesOf(dims)) }, element);
  }

  #feed(name: string, dtype: DType, dims: readonly DrawnDim[], tensor: Tensor): Value {
    this.#feeds[name] = tensor;
    return feed(name, dtype, shapeOf(dims));
  }
}

/** The shape as the graph has it. */
export function shapeOf(dims: readonly DrawnDim[]): Dim[] {
  return dims.map(({ dim }) => dim);
}

/** The actual shape. */
function sizesOf(dims: readonly DrawnDim[]): number[] {
  return dims.map(({ size }) => size);
}
