/** Four numbers at a time: multiply-add, loads and stores of fewer than four, and functions to within a few units of the last place. */

/**
 * a · b + c, rounded once where the engine can. It stands in the module as two instructions that nothing else here uses: where the module is loaded
 * (`src/binary.ts`) they become a multiply-add, or `f32x4.mul` and `f32x4.add`.
 */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return i16x8.sub_sat_u(i16x8.q15mulr_sat_s(a, b), c);
}

/** The next address that begins a cache line. */
@inline
export function aligned(address: usize): usize {
  return (address + 63) & ~63;
}

/** An address `offset` bytes past `base`; 0, which stands for nothing, stays 0. */
@inline
export function past(base: usize, offset: usize): usize {
  return base === 0 ? base : base + offset;
}

/** Loads the first `count` of four numbers; the others are zero. */
@inline
export function loadPart(from: usize, count: i32): v128 {
  if (count >= 4) return v128.load(from);
  return loadFew(from, count);
}

function loadFew(from: usize, count: i32): v128 {
  let x = i32x4.splat(0);
  if (count > 0) x = v128.load32_lane(from, x, 0);
  if (count > 1) x = v128.load32_lane(from, x, 1, 4);
  if (count > 2) x = v128.load32_lane(from, x, 2, 8);
  return x;
}

/** Two vectors side by side, as one store of twice the width where the engine has it. */
@inline
export function storeTwo(to: usize, low: v128, high: v128): void {
  v128.store(to, low);
  v128.store(to, high, 16);
}

/** Stores the first `count` of four numbers. */
@inline
export function storePart(to: usize, x: v128, count: i32): void {
  if (count >= 4) v128.store(to, x);
  else storeFew(to, x, count);
}

function storeFew(to: usize, x: v128, count: i32): void {
  if (count > 0) v128.store32_lane(to, x, 0);
  if (count > 1) v128.store32_lane(to, x, 1, 4);
  if (count > 2) v128.store32_lane(to, x, 2, 8);
}

/** Stores the first `count` of eight numbers. */
@inline
export function storeUnits(to: usize, low: v128, high: v128, count: i32): void {
  if (count >= 8) storeTwo(to, low, high);
  else storeFewUnits(to, low, high, count);
}

function storeFewUnits(to: usize, low: v128, high: v128, count: i32): void {
  storePart(to, low, count);
  storePart(to + 16, high, count - 4);
}

/** The first `count` of four numbers, each `stride` bytes from the one before. */
@inline
export function scatter(to: usize, x: v128, stride: usize, count: i32): void {
  v128.store32_lane(to, x, 0);
  if (count > 1) v128.store32_lane(to + stride, x, 1);
  if (count > 2) v128.store32_lane(to + 2 * stride, x, 2);
  if (count > 3) v128.store32_lane(to + 3 * stride, x, 3);
}

/**
 * One number in all lanes, from a table in memory. The engine loads it so in one instruction; a constant vector it would build anew, by
 * several, wherever it is used.
 */
@inline
function number(table: usize, index: usize): v128 {
  return v128.load32_splat(table + (index << 2));
}

/** The bits of 2⁻¹⁰⁰ (8e-31), below which recurrences drop numbers, and of all but the sign. */
const TRACE: i32 = 0x0d800000;
const SIZE: i32 = 0x7fffffff;
/** The bits of 2⁻¹²⁶, below which numbers are subnormal; and these two. */
const SIZES = memory.data<i32>([0x00800000, TRACE, SIZE]);

/**
 * Zeros of their sign in the place of subnormal numbers: some processors spend a hundred times as long on them, and WebAssembly cannot switch them off.
 * Sizes are compared as whole numbers, of which NaN and infinity are the largest.
 */
@inline
export function normal(x: v128): v128 {
  const size = v128.and(x, number(SIZES, 2));
  return v128.xor(x, v128.and(size, i32x4.gt_s(number(SIZES, 0), size)));
}

/** Zeros in the place of numbers below 2⁻¹⁰⁰ in size: products with what is left and weights from 1.5e-8 on are normal. */
@inline
export function lasting(x: v128): v128 {
  return v128.andnot(x, i32x4.gt_s(number(SIZES, 1), v128.and(x, number(SIZES, 2))));
}

/** Copies `count` numbers so, from where there are whole vectors of them. */
export function copyLasting(to: usize, from: usize, count: i32): void {
  for (; count > 0; count -= 4, to += 16, from += 16) storePart(to, lasting(v128.load(from)), count);
}

/** Copies one number so. */
@inline
export function copyOneLasting(to: usize, from: usize): void {
  const bits = load<i32>(from);
  store<i32>(to, (bits & SIZE) < TRACE ? 0 : bits);
}

/**
 * 1, log₂(e), -log₂(e), -ln(2) in two parts, the first of few bits, the same of ln(2), and 1.5 · 2²³: added to a number of moderate size, it leaves it
 * rounded in the low bits; 4.
 */
const BASE = memory.data<f32>([
  1, 1.44269504, -1.44269504, -0.693359375, 2.1219444e-4, 0.693359375, -2.1219444e-4, 12582912, 4,
]);
/** The bits of 1.5 · 2²³. */
const ROUND_BITS: i32 = 0x4b400000;
/** eʳ - 1 - r for |r| ≤ ln(2) / 2, over r²: coefficients from the highest on, fitted for the least relative error (3e-9). */
const EXP = memory.data<f32>([
  0.001381453825160861, 0.00836874544620514, 0.04166838899254799, 0.1666652113199234, 0.4999999403953552,
]);
/** The same of e⁻ʳ. */
const EXP_NEGATIVE = memory.data<f32>([
  0.001381453825160861, -0.00836874544620514, 0.04166838899254799, -0.1666652113199234, 0.4999999403953552,
]);
/** Bounds of the arguments of exp and of sigmoid. */
const BOUNDS = memory.data<f32>([89, -87.33654, 87, -87.3]);
/**
 * tanh(x) = x · P(x²) / Q(x²), fitted for the least relative error (7e-9): the bounds of x, past which it rounds to 1; P and Q from the highest
 * coefficient on; -1.
 */
const TANH = memory.data<f32>([
  9.02, -9.02, -8.508619013182926e-14, 5.2890660606497023e-11, -2.025558001283088e-8, 1.1163404483679479e-5,
  0.003104930320410974, 0.13084917601494364, 0.0002547499385654053, 0.024499165933349127, 0.4641824668066541, -1,
]);

/** c₀ r + c₁ with the coefficients at `table`. */
@inline
function pair(table: usize, r: v128): v128 {
  return madd(number(table, 0), r, number(table, 1));
}

/** d + r² · (c₀ r⁴ + c₁ r³ + c₂ r² + c₃ r + c₄), in pairs, so that one multiplication need not wait for all others. */
@inline
function expPolynomial(table: usize, r: v128, d: v128): v128 {
  const square = f32x4.mul(r, r);
  const p = madd(number(table, 0), square, pair(table + 4, r));
  return madd(madd(p, square, pair(table + 12, r)), square, d);
}

/** eˣ, as a call. */
export function exp(x: v128): v128 {
  return expInPlace(x);
}

/**
 * eˣ: infinity past the upper end of float32, 0 where it is below the smallest normal number, NaN of NaN. Written out where it stands, so that two side by
 * side become 256-bit instructions.
 */
@inline
export function expInPlace(x: v128): v128 {
  const small = f32x4.lt(x, number(BOUNDS, 1));
  x = f32x4.pmax(f32x4.pmin(x, number(BOUNDS, 0)), number(BOUNDS, 1));
  const rounded = madd(x, number(BASE, 1), number(BASE, 7));
  // eˣ = p · 2ⁿ, with n in the low bits of `rounded`.
  const whole = f32x4.sub(rounded, number(BASE, 7));
  const r = madd(whole, number(BASE, 4), madd(whole, number(BASE, 3), x));
  const p = expPolynomial(EXP, r, f32x4.add(r, number(BASE, 0)));
  // 2ⁿ in two factors, because n may lie past the exponents of float32.
  const n = i32x4.sub(rounded, i32x4.splat(ROUND_BITS));
  const half = i32x4.shr_s(n, 1);
  return v128.andnot(f32x4.mul(f32x4.mul(p, power(half, 0)), power(i32x4.sub(n, half), 0)), small);
}

/**
 * eˣ for x ≤ 0, to be added to sums of 1 or more: numbers below e⁻⁸⁷ count as that, which adds nothing. NaN of NaN. To the bit as `exp`, in fewer
 * instructions.
 */
@inline
export function expOfNegative(x: v128): v128 {
  x = f32x4.pmax(x, number(BOUNDS, 1));
  const rounded = madd(x, number(BASE, 1), number(BASE, 7));
  const whole = f32x4.sub(rounded, number(BASE, 7));
  const r = madd(whole, number(BASE, 4), madd(whole, number(BASE, 3), x));
  return f32x4.mul(expPolynomial(EXP, r, f32x4.add(r, number(BASE, 0))), power(rounded, 0));
}

/** c · 2ⁿ with n in the low bits, by the exponent; c is at `constant` of `BASE`. */
@inline
function power(n: v128, constant: usize): v128 {
  return i32x4.add(i32x4.shl(n, 23), number(BASE, constant));
}

/** 1 / (1 + e⁻ˣ) as 4 / (4 + 4e⁻ˣ): from -86.99 down it is 0, where float32 soon has no normal numbers left, as 4 · 2ⁿ has the exponent of infinity. */
@inline
export function sigmoid(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, number(BOUNDS, 2)), number(BOUNDS, 3));
  const rounded = madd(x, number(BASE, 2), number(BASE, 7));
  const whole = f32x4.sub(rounded, number(BASE, 7));
  const r = madd(whole, number(BASE, 6), madd(whole, number(BASE, 5), x));
  const four = number(BASE, 8);
  const p = expPolynomial(EXP_NEGATIVE, r, f32x4.sub(number(BASE, 0), r));
  return f32x4.div(four, madd(p, power(rounded, 8), four));
}

/** tanh(x), never past 1. */
@inline
export function tanh(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, number(TANH, 0)), number(TANH, 1));
  const s = f32x4.mul(x, x);
  const square = f32x4.mul(s, s);
  const one = number(BASE, 0);
  let p = madd(number(TANH, 2), square, pair(TANH + 12, s));
  p = madd(p, square, pair(TANH + 20, s));
  p = madd(p, square, madd(number(TANH, 7), s, one));
  const q = madd(pair(TANH + 32, s), square, madd(number(TANH, 10), s, one));
  return f32x4.pmax(f32x4.pmin(f32x4.div(f32x4.mul(x, p), q), one), number(TANH, 11));
}

/** 2 · artanh(s) for |s| ≤ 1/3 by its series. */
function twiceArtanh(s: v128): v128 {
  const q = f32x4.mul(s, s);
  let p = madd(f32x4.splat(1 / 15), q, f32x4.splat(1 / 13));
  p = madd(p, q, f32x4.splat(1 / 11));
  p = madd(p, q, f32x4.splat(1 / 9));
  p = madd(p, q, f32x4.splat(1 / 7));
  p = madd(p, q, f32x4.splat(1 / 5));
  p = madd(p, q, f32x4.splat(1 / 3));
  p = madd(p, q, f32x4.splat(1));
  return f32x4.mul(f32x4.add(s, s), p);
}

/** The natural logarithm; -infinity of 0, NaN of negative numbers and of NaN. */
export function log(x: v128): v128 {
  // Numbers below the smallest normal one are scaled by 2²³ first.
  const small = f32x4.lt(x, f32x4.splat(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, small);
  // The exponent, so that the fraction lies within √½ and √2.
  const bits = i32x4.sub(scaled, i32x4.splat(0x3f3504f3));
  const n = f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23));
  const m = i32x4.add(v128.and(bits, i32x4.splat(0x7fffff)), i32x4.splat(0x3f3504f3));
  const s = f32x4.div(f32x4.sub(m, f32x4.splat(1)), f32x4.add(m, f32x4.splat(1)));
  const exponent = f32x4.sub(n, v128.and(small, f32x4.splat(23)));
  const y = madd(exponent, f32x4.splat(0.693147182), twiceArtanh(s));
  // What the above does not hold for: 0, infinity, NaN and below 0.
  const ordinary = v128.and(f32x4.gt(x, f32x4.splat(0)), f32x4.lt(x, f32x4.splat(Infinity)));
  const zero = f32x4.eq(x, f32x4.splat(0));
  const infinite = f32x4.eq(x, f32x4.splat(Infinity));
  const odd = v128.bitselect(f32x4.splat(-Infinity), v128.bitselect(x, f32x4.splat(NaN), infinite), zero);
  return v128.bitselect(y, odd, ordinary);
}

/** log(1 + eˣ), without overflow. */
export function softplus(x: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)));
  const tail = twiceArtanh(f32x4.div(e, f32x4.add(e, f32x4.splat(2))));
  // NaN compares as false with everything, and is what remains of the addition.
  const positive = v128.and(f32x4.gt(x, f32x4.splat(0)), x);
  return f32x4.add(positive, tail);
}
