/** Conversion to half precision, IEEE 754 binary16, with ties to even. */

/** The largest finite number. */
export const LARGEST_FLOAT16 = 65_504;

/** The smallest number that rounds to infinity: half a unit above the largest. */
const INFINITE_BITS = 0x477f_f000;

/** The float16 bits nearest to a float32 number, given by its bits. */
function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fff_ffff;
  // NaN remains quiet and keeps the upper bits of its payload.
  if (size > 0x7f80_0000) return sign | 0x7e00 | ((size >>> 13) & 0x1ff);
  if (size >= INFINITE_BITS) return sign | 0x7c00;
  if (size >= 0x3880_0000) {
    // The exponent bias is 127 in float32 and 15 in float16. The addition rounds and may carry into the exponent.
    const moved = size - ((127 - 15) << 23);
    return sign | ((moved + 0xfff + ((moved >>> 13) & 1)) >>> 13);
  }
  // Below 2^-14, float16 numbers are multiples of 2^-24.
  const shift = 126 - (size >>> 23);
  if (shift > 24) return sign;
  const mantissa = (size & 0x7f_ffff) | 0x80_0000;
  const whole = mantissa >>> shift;
  const rest = mantissa - (whole << shift);
  const middle = 1 << (shift - 1);
  return sign | (rest > middle || (rest === middle && (whole & 1) === 1) ? whole + 1 : whole);
}

/** Converts numbers to float16 bits; numbers that are too large become infinity. */
export function toFloat16(data: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  const halves = new Uint16Array(data.length);
  for (let i = 0; i < halves.length; i++) halves[i] = halfOf(bits[i] as number);
  return halves;
}
