/** Numbers as those of half precision, IEEE 754 binary16, with ties to even. */

/** The largest finite one. */
export const LARGEST_FLOAT16 = 65_504;

/** From here on a number is nearer to infinity: half a step above the largest. */
const INFINITE_BITS = 0x477f_f000;

/** The bits of the nearest half of the float32 number with these bits. */
function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fff_ffff;
  // NaN stays quiet, and keeps the part of its payload that has room.
  if (size > 0x7f80_0000) return sign | 0x7e00 | ((size >>> 13) & 0x1ff);
  if (size >= INFINITE_BITS) return sign | 0x7c00;
  if (size >= 0x3880_0000) {
    // The exponent counts from 127 there and from 15 here; what is added rounds, and may carry into the exponent.
    const moved = size - ((127 - 15) << 23);
    return sign | ((moved + 0xfff + ((moved >>> 13) & 1)) >>> 13);
  }
  // Below 2^-14 halves are multiples of 2^-24.
  const shift = 126 - (size >>> 23);
  if (shift > 24) return sign;
  const mantissa = (size & 0x7f_ffff) | 0x80_0000;
  const whole = mantissa >>> shift;
  const rest = mantissa - (whole << shift);
  const middle = 1 << (shift - 1);
  return sign | (rest > middle || (rest === middle && (whole & 1) === 1) ? whole + 1 : whole);
}

/** The nearest halves as their bits; what is too large becomes infinite. */
export function toFloat16(data: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  const halves = new Uint16Array(data.length);
  for (let i = 0; i < halves.length; i++) halves[i] = halfOf(bits[i] as number);
  return halves;
}
