/** Half precision, compared with the standard for every half and every number between two halves. */
import { RandomStream, tensorOver } from "@ostinato/core";
import { expect, test } from "vitest";
import { LARGEST_FLOAT16, toFloat16 } from "../src/types/float16.ts";

/** Sign, 5 bits of exponent, 10 bits of mantissa. */
function numberOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const [exponent, mantissa] = [(half >> 10) & 31, half & 1023];
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

const halves = Uint16Array.from({ length: 2 ** 16 }, (_, half) => half);
/** The conversion to float32, as in core. */
const fromFloat16 = (bits: Uint16Array<ArrayBuffer>): Float32Array =>
  tensorOver({ name: "halves", type: "F16", shape: [bits.length] }, new Uint8Array(bits.buffer)).data as Float32Array;
const toHalf = (x: number): number => toFloat16(Float32Array.of(x))[0] as number;

test("every half is read as what it is, and written as the same", () => {
  const values = fromFloat16(halves);
  const wrong = [...halves].filter((half) => !Object.is(values[half], numberOf(half)));
  expect(wrong).toEqual([]);
  const back = toFloat16(values);
  const isNumber = (half: number): boolean => !Number.isNaN(numberOf(half));
  expect([...halves].filter((half) => isNumber(half) && back[half] !== half)).toEqual([]);
  expect([...halves].filter((half) => !isNumber(half) && !Number.isNaN(numberOf(back[half] as number)))).toEqual([]);
});

test("what lies between two halves becomes the nearer one, and the middle the even one", () => {
  const bits = new Int32Array(1);
  const float = new Float32Array(bits.buffer);
  /** The next float32 number after a positive one. */
  const next = (x: number, by: 1 | -1): number => {
    float[0] = x;
    bits[0] = (bits[0] as number) + by;
    return float[0] as number;
  };
  // Infinity counts as 2^16, the number after the largest half: numbers from the midpoint on round to it.
  const infinite = 0x7c00;
  const positive = (half: number): number => (half === infinite ? 2 ** 16 : numberOf(half));
  const wrong: number[] = [];
  for (let half = 0; half < infinite; half++) {
    const middle = (positive(half) + positive(half + 1)) / 2;
    const even = half % 2 === 0 ? half : half + 1;
    for (const sign of [0, 0x8000]) {
      const of = (x: number): number => toHalf(sign === 0 ? x : -x) - sign;
      if (of(middle) !== even || of(next(middle, -1)) !== half || of(next(middle, 1)) !== half + 1) wrong.push(half);
    }
  }
  expect(wrong).toEqual([]);
});

test("random numbers become the nearest half", () => {
  const random = new RandomStream(1, "floats");
  for (let i = 0; i < 20_000; i++) {
    const x = Math.fround((2 * random.uniform() - 1) * 2 ** (random.below(46) - 30));
    const half = toHalf(Math.abs(x));
    expect(toHalf(x)).toBe(x < 0 ? half + 0x8000 : half);
    const off = (other: number): number => Math.abs(numberOf(other) - Math.abs(x));
    if (Math.abs(x) >= LARGEST_FLOAT16 + 16) expect(numberOf(half)).toBe(Number.POSITIVE_INFINITY);
    else expect(off(half) <= off(half + 1) && (half === 0 || off(half) <= off(half - 1))).toBe(true);
  }
});

test("infinities, NaN and both zeros stay what they are", () => {
  const values = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0, -0];
  expect([...fromFloat16(toFloat16(Float32Array.from(values)))]).toEqual(values);
});
