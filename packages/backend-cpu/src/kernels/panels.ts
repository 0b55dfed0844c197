/**
 * The blocked product. Operands are packed into panels of four rows, the four numbers of one step of the sum side by side, as doubles
 * so that the inner loop converts nothing; sums are kept in blocks of 4 × 4. Each sum takes its terms in order, one by one, in double
 * precision, so that neither its place in a block nor what stands beside it changes a bit.
 */

/** Rows in a panel, and both sides of a block. */
export const PANEL = 4;
const BLOCK = PANEL * PANEL;

export function panelsOf(rows: number): number {
  return Math.ceil(rows / PANEL);
}

/**
 * Packs `rows` rows of `depth` floats that lie `rowStride` and `depthStride` apart. Panels are `panelStride` apart, and lanes past the
 * last row are zero.
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
  panelStride: number,
): void {
  for (let row = 0; row < rows; row += PANEL) {
    const panel = to + (row / PANEL) * panelStride;
    const lanes = Math.min(PANEL, rows - row);
    const end = panel + depth * PANEL;
    for (let lane = 0; lane < lanes; lane++) {
      let x = from + (row + lane) * rowStride;
      for (let y = panel + lane; y < end; y += PANEL) {
        f64[y] = f32[x];
        x += depthStride;
      }
    }
    for (let lane = lanes; lane < PANEL; lane++) for (let y = panel + lane; y < end; y += PANEL) f64[y] = 0;
  }
}

/** Adds the products of all panels of `a` with all panels of `b` over `depth` to the blocks at `sums`: [aPanels, bPanels, 4, 4]. */
export function multiplyPanels(
  x: Float64Array,
  a: number,
  aStride: number,
  aPanels: number,
  b: number,
  bStride: number,
  bPanels: number,
  depth: number,
  sums: number,
): void {
  for (let column = 0; column < bPanels; column++) {
    for (let row = 0; row < aPanels; row++) {
      const s = sums + (row * bPanels + column) * BLOCK;
      let i = a + row * aStride;
      let j = b + column * bStride;
      let s00 = x[s];
      let s01 = x[s + 1];
      let s02 = x[s + 2];
      let s03 = x[s + 3];
      let s10 = x[s + 4];
      let s11 = x[s + 5];
      let s12 = x[s + 6];
      let s13 = x[s + 7];
      let s20 = x[s + 8];
      let s21 = x[s + 9];
      let s22 = x[s + 10];
      let s23 = x[s + 11];
      let s30 = x[s + 12];
      let s31 = x[s + 13];
      let s32 = x[s + 14];
      let s33 = x[s + 15];
      for (const end = i + depth * PANEL; i < end; i += PANEL) {
        const b0 = x[j];
        const b1 = x[j + 1];
        const b2 = x[j + 2];
        const b3 = x[j + 3];
        j += PANEL;
        const a0 = x[i];
        s00 += a0 * b0;
        s01 += a0 * b1;
        s02 += a0 * b2;
        s03 += a0 * b3;
        const a1 = x[i + 1];
        s10 += a1 * b0;
        s11 += a1 * b1;
        s12 += a1 * b2;
        s13 += a1 * b3;
        const a2 = x[i + 2];
        s20 += a2 * b0;
        s21 += a2 * b1;
        s22 += a2 * b2;
        s23 += a2 * b3;
        const a3 = x[i + 3];
        s30 += a3 * b0;
        s31 += a3 * b1;
        s32 += a3 * b2;
        s33 += a3 * b3;
      }
      x[s] = s00;
      x[s + 1] = s01;
      x[s + 2] = s02;
      x[s + 3] = s03;
      x[s + 4] = s10;
      x[s + 5] = s11;
      x[s + 6] = s12;
      x[s + 7] = s13;
      x[s + 8] = s20;
      x[s + 9] = s21;
      x[s + 10] = s22;
      x[s + 11] = s23;
      x[s + 12] = s30;
      x[s + 13] = s31;
      x[s + 14] = s32;
      x[s + 15] = s33;
    }
  }
}

/** Where the sum of row `row` and column `column` lies from the first block on. */
export function blockIndex(row: number, column: number, bPanels: number): number {
  return ((row >> 2) * bPanels + (column >> 2)) * BLOCK + (row & 3) * PANEL + (column & 3);
}
