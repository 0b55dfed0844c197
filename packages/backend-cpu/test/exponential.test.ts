/** The fast exponential against Math's. */
import { describe, expect, test } from "vitest";
import { exponential, hyperbolicTangent, logistic, logistics } from "../src/kernels/exponential.ts";
import { numbers } from "./graphs.ts";

/** 20,000 numbers that lie close around 0 and spread to ±88, where float32 ends. */
const samples = Array.from(numbers(20000, 3), (x, i) => x * 88 ** (i / 20000) * 10 ** -(i % 7 === 0 ? 4 : 0));

function worst(f: (x: number) => number, g: (x: number) => number): number {
  return Math.max(...samples.map((x) => Math.abs(f(x) / g(x) - 1)));
}

describe("relative errors stay below float32's by far", () => {
  test("exp", () => {
    expect(worst(exponential, Math.exp)).toBeLessThan(2e-14);
    expect([exponential(0), exponential(Number.NaN)]).toEqual([1, Number.NaN]);
    expect(Math.fround(exponential(1e9))).toBe(Number.POSITIVE_INFINITY);
    expect(Math.fround(exponential(-1e9))).toBe(0);
    expect(Math.fround(exponential(Number.NEGATIVE_INFINITY))).toBe(0);
  });
  test("logistic", () => {
    expect(worst(logistic, (x) => 1 / (1 + Math.exp(-x)))).toBeLessThan(2e-14);
    const x = Float64Array.of(7, -3, 0, Number.NaN, 9);
    logistics(x, 1, 3);
    expect([...x]).toEqual([7, logistic(-3), 0.5, Number.NaN, 9]);
  });
  test("tanh", () => {
    expect(worst(hyperbolicTangent, Math.tanh)).toBeLessThan(5e-12);
    expect([hyperbolicTangent(1e9), hyperbolicTangent(-1e9), hyperbolicTangent(Number.NaN)]).toEqual([
      1,
      -1,
      Number.NaN,
    ]);
  });
});
