/** Initial weights against Keras's definitions. */
import {
  dense,
  embedding,
  type Initializer,
  initialize,
  input,
  lstm,
  type Model,
  orthogonalMatrix,
  RandomStream,
  sequential,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { buildModel } from "../src/nn/build.ts";

/** The initial weights of a model, as `compile` makes them. */
function weightsOf({ spec }: Model, seed = 1): Record<string, Float32Array> {
  return Object.fromEntries(
    buildModel(spec).parameters.map((parameter) => [
      parameter.name,
      parameter.initialize(new RandomStream(seed, parameter.name)),
    ]),
  );
}

const draw = (initializer: Initializer, shape: readonly number[], seed = 1): Float32Array =>
  initialize(initializer, shape, new RandomStream(seed, "test"));
const largest = (data: Float32Array): number => data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const meanSquare = (data: Float32Array): number => data.reduce((sum, value) => sum + value * value, 0) / data.length;

describe("distributions", () => {
  test("glorotUniform: U(-l, l) with l = √(6 / (in + out))", () => {
    for (const [inputs, outputs] of [
      [200, 300],
      [100, 1],
      [1, 400],
    ] as const) {
      const limit = Math.sqrt(6 / (inputs + outputs));
      const data = draw("glorotUniform", [inputs, outputs]);
      expect(largest(data)).toBeLessThanOrEqual(Math.fround(limit));
      expect(largest(data)).toBeGreaterThan(0.9 * limit);
      expect(meanSquare(data) / (limit ** 2 / 3)).toBeCloseTo(1, data.length > 10_000 ? 1 : 0);
    }
    // A vector's fans are its size, as in Keras.
    expect(largest(draw("glorotUniform", [3000]))).toBeLessThanOrEqual(Math.sqrt(6 / 6000));
  });

  test("glorotNormal: σ = √(2 / (in + out)) after the cut at two deviations of the uncut", () => {
    const data = draw("glorotNormal", [200, 300]);
    const deviation = Math.sqrt(2 / 500);
    expect(Math.sqrt(meanSquare(data)) / deviation).toBeCloseTo(1, 1);
    const cut = (2 * deviation) / 0.87962566103423978;
    expect(largest(data)).toBeLessThanOrEqual(Math.fround(cut) + 1e-9);
    expect(largest(data)).toBeGreaterThan(0.98 * cut);
  });

  test.each([
    ["heUniform", 6 / 200],
    ["lecunUniform", 3 / 200],
  ] as const)("%s: U(-l, l) with l² = %d of the inputs alone", (kind, square) => {
    const data = draw(kind, [200, 300]);
    expect(largest(data)).toBeLessThanOrEqual(Math.fround(Math.sqrt(square)));
    expect(largest(data)).toBeGreaterThan(0.999 * Math.sqrt(square));
    expect(meanSquare(data) / (square / 3)).toBeCloseTo(1, 1);
  });

  test.each([
    ["heNormal", 2 / 200],
    ["lecunNormal", 1 / 200],
  ] as const)("%s: σ² = %d of the inputs alone", (kind, variance) => {
    const data = draw(kind, [200, 300]);
    expect(meanSquare(data) / variance).toBeCloseTo(1, 1);
    expect(largest(data)).toBeLessThanOrEqual((2 * Math.sqrt(variance)) / 0.87962566103423978 + 1e-9);
  });

  test("normal: mean 0 and deviation 0.05, or those given; not cut", () => {
    const data = draw("normal", [200, 300]);
    expect(Math.sqrt(meanSquare(data)) / 0.05).toBeCloseTo(1, 1);
    expect(largest(data)).toBeGreaterThan(3 * 0.05);
    const other = draw({ kind: "normal", mean: 7, stddev: 0.5 }, [10_000]);
    expect(other.reduce((sum, value) => sum + value, 0) / other.length).toBeCloseTo(7, 1);
    expect(meanSquare(other.map((value) => value - 7))).toBeCloseTo(0.25, 1);
  });

  test("constant: one number", () => {
    expect(draw({ kind: "constant", value: -1.5 }, [2, 2])).toEqual(new Float32Array(4).fill(-1.5));
  });

  test("uniform: U(-0.05, 0.05), or the bounds given", () => {
    const data = draw("uniform", [100, 100]);
    expect(largest(data)).toBeLessThanOrEqual(Math.fround(0.05));
    expect(largest(data)).toBeGreaterThan(0.049);
    const other = draw({ kind: "uniform", minval: 2, maxval: 3 }, [1000]);
    expect(other.every((value) => value >= 2 && value <= 3)).toBe(true);
    expect(draw({ kind: "uniform", minval: 2, maxval: 2 }, [3])).toEqual(Float32Array.of(2, 2, 2));
  });

  test("zeros and ones", () => {
    expect(draw("zeros", [2, 2])).toEqual(new Float32Array(4));
    expect(draw("ones", [3])).toEqual(Float32Array.of(1, 1, 1));
  });
});

describe("orthogonal", () => {
  /** The largest difference between the products of the shorter sides and the identity. */
  function deviation(q: Float32Array, rows: number, columns: number): number {
    const [count, stride, length, step] = rows <= columns ? [rows, columns, columns, 1] : [columns, 1, rows, columns];
    let worst = 0;
    for (let i = 0; i < count; i++) {
      for (let j = 0; j <= i; j++) {
        let dot = 0;
        for (let k = 0; k < length; k++) dot += q[i * stride + k * step]! * q[j * stride + k * step]!;
        worst = Math.max(worst, Math.abs(dot - Number(i === j)));
      }
    }
    return worst;
  }

  test("rows or columns, the shorter ones, are orthonormal within 1e-6, at every size", () => {
    const shapes = [
      [128, 512],
      [64, 64],
      [65, 63],
      [1, 300],
      [300, 1],
      [33, 4],
    ];
    for (let rows = 1; rows <= 9; rows++) for (let columns = 1; columns <= 9; columns++) shapes.push([rows, columns]);
    for (const [rows, columns] of shapes as [number, number][]) {
      for (let seed = 0; seed < 3; seed++) {
        const q = orthogonalMatrix(rows, columns, new RandomStream(seed, "orthogonal"));
        expect(q).toHaveLength(rows * columns);
        expect(deviation(q, rows, columns), `${rows} × ${columns}`).toBeLessThan(1e-6);
      }
    }
  });

  test("no direction is preferred: entries of many have mean 0 and mean square 1 / size", () => {
    for (const [rows, columns] of [
      [3, 3],
      [2, 5],
      [4, 2],
    ] as const) {
      const [sums, squares] = [new Float64Array(rows * columns), new Float64Array(rows * columns)];
      const count = 3000;
      for (let seed = 0; seed < count; seed++) {
        orthogonalMatrix(rows, columns, new RandomStream(seed, "haar")).forEach((value, i) => {
          sums[i]! += value / count;
          squares[i]! += value ** 2 / count;
        });
      }
      const size = Math.max(rows, columns);
      for (const sum of sums) expect(Math.abs(sum)).toBeLessThan(0.06);
      for (const square of squares) expect(Math.abs(square - 1 / size)).toBeLessThan(0.04);
    }
  });
});

describe("layers", () => {
  const network = sequential([
    embedding({ inputDim: 50, outputDim: 6, name: "words" }),
    lstm({ units: 8, name: "memory" }),
    dense({ units: 3, name: "head" }),
  ]);

  test("begin with Keras's defaults", () => {
    const weights = weightsOf(network);
    expect(Object.keys(weights)).toEqual([
      "words/embeddings",
      "memory/W",
      "memory/R",
      "memory/B",
      "head/kernel",
      "head/bias",
    ]);
    expect(largest(weights["words/embeddings"]!)).toBeLessThanOrEqual(Math.fround(0.05));
    // The fans of the fused matrix: 6 features in, 4 gates of 8 units out.
    const limit = Math.sqrt(6 / (6 + 32));
    expect(largest(weights["memory/W"]!)).toBeLessThanOrEqual(Math.fround(limit));
    expect(largest(weights["memory/W"]!)).toBeGreaterThan(0.95 * limit);
    expect(largest(weights["head/kernel"]!)).toBeLessThanOrEqual(Math.fround(Math.sqrt(6 / 11)));
    expect(weights["head/bias"]).toEqual(new Float32Array(3));
  });

  test("the recurrent kernel is orthogonal as Keras holds it, [units, 4 · units]", () => {
    const R = weightsOf(network)["memory/R"]!;
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j <= i; j++) {
        let dot = 0;
        for (let row = 0; row < 32; row++) dot += R[row * 8 + i]! * R[row * 8 + j]!;
        expect(dot).toBeCloseTo(Number(i === j), 5);
      }
    }
  });

  test("gates lie in ONNX's order i, o, f, c: the matrix that Keras would have, in other blocks", () => {
    const units = 2;
    const features = 3;
    const keras = initialize("glorotUniform", [features, 4 * units], new RandomStream(1, "lstm/W"));
    const W = weightsOf(sequential([input({ shape: ["time", features] }), lstm({ units })]))["lstm/W"]!;
    const kerasBlocks = { i: 0, f: 1, c: 2, o: 3 };
    for (const [block, gate] of (["i", "o", "f", "c"] as const).entries()) {
      for (let u = 0; u < units; u++) {
        for (let k = 0; k < features; k++) {
          const column = kerasBlocks[gate] * units + u;
          expect(W[(block * units + u) * features + k]).toBe(keras[k * 4 * units + column]);
        }
      }
    }
  });

  test("the forget gate's bias is one, unless asked otherwise", () => {
    const bias = (options: { unitForgetBias?: boolean }) =>
      weightsOf(sequential([input({ shape: ["time", 1] }), lstm({ units: 2, ...options })]))["lstm/B"];
    expect(bias({})).toEqual(Float32Array.of(0, 0, 0, 0, 1, 1, 0, 0));
    expect(bias({ unitForgetBias: false })).toEqual(new Float32Array(8));
  });

  test("no bias where there is to be none", () => {
    const bare = sequential([
      input({ shape: ["time", 2] }),
      lstm({ units: 2, useBias: false }),
      dense({ units: 1, useBias: false }),
    ]);
    expect(Object.keys(weightsOf(bare))).toEqual(["lstm/W", "lstm/R", "dense/kernel"]);
  });

  test("the same seed gives the same weights, another seed or another name others", () => {
    expect(weightsOf(network, 1)).toEqual(weightsOf(network, 1));
    expect(weightsOf(network, 1)["memory/W"]).not.toEqual(weightsOf(network, 2)["memory/W"]);
    const twins = sequential([
      input({ shape: [4] }),
      dense({ units: 4, name: "first" }),
      dense({ units: 4, name: "second" }),
    ]);
    expect(weightsOf(twins)["first/kernel"]).not.toEqual(weightsOf(twins)["second/kernel"]);
  });
});
