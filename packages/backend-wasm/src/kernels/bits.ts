/** Floats as the module reads them from its arguments, which are whole numbers. */

/** A float and its bits share four bytes. */
const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** The bits of a number in single precision. */
export function bitsOf(x: number): number {
  float[0] = x;
  return bits[0];
}
