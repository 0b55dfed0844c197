/**
 * Numbers that are dropped because they are small. Some processors spend a hundred times as long on a product with a subnormal number, and on one that is
 * subnormal; NaN, infinities and zeros stay what they are.
 */

/** The smallest normal number of float32. */
const SMALLEST = 2 ** -126;
/** What gradients and states of recurrences are dropped below: products of what is left with weights from 1.5e-8 on are normal. */
const TRACE = 2 ** -100;

/** A zero of its sign in the place of what is subnormal in float32. */
export function normal(x: number): number {
  return x < SMALLEST && x > -SMALLEST ? 0 * x : x;
}

/** 0 in the place of what is below 2⁻¹⁰⁰ (8e-31) in size. */
export function lasting(x: number): number {
  return x < TRACE && x > -TRACE ? 0 : x;
}
