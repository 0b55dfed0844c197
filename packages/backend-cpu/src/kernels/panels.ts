/**
 * The blocked product a · bᵀ. Its left operand is packed into panels of four rows and its right one into panels of two, the numbers of
 * one step of the sum side by side, as doubles so that the inner loop converts nothing; sums are kept in blocks of 4 × 2, which is what
 * fits the registers. Each sum takes its terms in order, one by one, in double precision, so that neither its place in a block nor what
 * stands beside it changes a bit.
 */

/** Rows in a panel of the left operand. */
export const LEFT = 4;
/** Rows in a panel of the right operand. */
export const RIGHT = 2;
const BLOCK = LEFT * RIGHT;
/** Above every index into doubles that a memory can have. */
const MASK = 0x3fffffff;

/** Doubles that a packed operand takes. */
export function packedSize(rows: number, depth: number, panel: number): number {
  return Math.ceil(rows / panel) * panel * depth;
}

/** Doubles that the blocks of sums take. */
export function sumsSize(leftRows: number, rightRows: number): number {
  return Math.ceil(leftRows / LEFT) * Math.ceil(rightRows / RIGHT) * BLOCK;
}

/**
 * Packs `rows` rows of `depth` floats that lie `rowStride` and `depthStride` apart into panels of `panel` rows, `panelStride` apart.
 * Lanes past the last row are zero.
 */
export function packPanels(
  f32: Float32Array,
  from: number,
  rowStride: number,
  depthStride: number,
  rows: number,
  depth: number,
  f64: Float64Array,
  to: number,
  panel: number,
  panelStride: number,
): void {
  for (let row = 0; row < rows; row += panel) {
    const start = to + (row / panel) * panelStride;
    const lanes = Math.min(panel, rows - row);
    const end = start + depth * panel;
    for (let lane = 0; lane < lanes; lane++) {
      let x = from + (row + lane) * rowStride;
      for (let y = start + lane; y < end; y += panel) {
        f64[y] = f32[x];
        x += depthStride;
      }
    }
    for (let lane = lanes; lane < panel; lane++) for (let y = start + lane; y < end; y += panel) f64[y] = 0;
  }
}

/**
 * Adds the products of all rows of `left` with all rows of `right` over `depth` to the blocks at `sums`. Strides are those of the panels.
 * Two steps of the sum are written out, and indexes are masked, so that the engine knows that they cannot overflow.
 */
export function multiplyPanels(
  x: Float64Array,
  left: number,
  leftStride: number,
  leftRows: number,
  right: number,
  rightStride: number,
  rightRows: number,
  depth: number,
  sums: number,
): void {
  const leftPanels = Math.ceil(leftRows / LEFT);
  const rightPanels = Math.ceil(rightRows / RIGHT);
  const pairs = depth & ~1;
  let s = sums | 0;
  for (let row = 0; row < leftPanels; row++) {
    for (let column = 0; column < rightPanels; column++) {
      let i = (left + row * leftStride) | 0;
      let j = (right + column * rightStride) | 0;
      let s00 = x[s];
      let s01 = x[s + 1];
      let s10 = x[s + 2];
      let s11 = x[s + 3];
      let s20 = x[s + 4];
      let s21 = x[s + 5];
      let s30 = x[s + 6];
      let s31 = x[s + 7];
      for (const end = (i + pairs * LEFT) | 0; i < end; ) {
        const p = i & MASK;
        const q = j & MASK;
        const b00 = x[q];
        const b01 = x[q + 1];
        const a00 = x[p];
        s00 += a00 * b00;
        s01 += a00 * b01;
        const a01 = x[p + 1];
        s10 += a01 * b00;
        s11 += a01 * b01;
        const a02 = x[p + 2];
        s20 += a02 * b00;
        s21 += a02 * b01;
        const a03 = x[p + 3];
        s30 += a03 * b00;
        s31 += a03 * b01;
        const b10 = x[q + 2];
        const b11 = x[q + 3];
        const a10 = x[p + 4];
        s00 += a10 * b10;
        s01 += a10 * b11;
        const a11 = x[p + 5];
        s10 += a11 * b10;
        s11 += a11 * b11;
        const a12 = x[p + 6];
        s20 += a12 * b10;
        s21 += a12 * b11;
        const a13 = x[p + 7];
        s30 += a13 * b10;
        s31 += a13 * b11;
        i = (i + 2 * LEFT) | 0;
        j = (j + 2 * RIGHT) | 0;
      }
      if (pairs < depth) {
        const b0 = x[j];
        const b1 = x[j + 1];
        s00 += x[i] * b0;
        s01 += x[i] * b1;
        s10 += x[i + 1] * b0;
        s11 += x[i + 1] * b1;
        s20 += x[i + 2] * b0;
        s21 += x[i + 2] * b1;
        s30 += x[i + 3] * b0;
        s31 += x[i + 3] * b1;
      }
      x[s] = s00;
      x[s + 1] = s01;
      x[s + 2] = s10;
      x[s + 3] = s11;
      x[s + 4] = s20;
      x[s + 5] = s21;
      x[s + 6] = s30;
      x[s + 7] = s31;
      s = (s + BLOCK) | 0;
    }
  }
}

/** Where the sum of a row of `left` and a row of `right` lies, from the first block on. */
export function blockIndex(leftRow: number, rightRow: number, rightRows: number): number {
  return ((leftRow >> 2) * ((rightRows + 1) >> 1) + (rightRow >> 1)) * BLOCK + (leftRow & 3) * RIGHT + (rightRow & 1);
}

/** Where a packed row of `right` begins, from the first panel on; its numbers are `RIGHT` apart. */
export function laneOf(rightRow: number, rightStride: number): number {
  return (rightRow >> 1) * rightStride + (rightRow & 1);
}
