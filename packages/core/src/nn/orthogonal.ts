/**
 * Orthogonal matrices by the QR factorization of a random one, with the sign of R's diagonal made positive, which makes Q unique
 * (Saxe et al. 2013; the definition of Keras and PyTorch). Unique means that any way to Q will do: here Cholesky's, whose
 * cost lies in products, run twice where rounding in the first pass could show (Yamamoto et al. 2015).
 */

// Sizes here are multiples of 4: the callers pad with zeros, which change no sum. 4 × 4 sums stay in registers.

/** G = A·Aᵀ below and on the diagonal. A: [n, m], G: [n, n]. */
function gram(a: Float64Array, n: number, m: number, g: Float64Array): void {
  for (let i = 0; i < n; i += 4) {
    for (let j = 0; j <= i; j += 4) {
      const i0 = (i + 0) * m;
      const i1 = (i + 1) * m;
      const i2 = (i + 2) * m;
      const i3 = (i + 3) * m;
      const j0 = (j + 0) * m;
      const j1 = (j + 1) * m;
      const j2 = (j + 2) * m;
      const j3 = (j + 3) * m;
      let s00 = 0;
      let s01 = 0;
      let s02 = 0;
      let s03 = 0;
      let s10 = 0;
      let s11 = 0;
      let s12 = 0;
      let s13 = 0;
      let s20 = 0;
      let s21 = 0;
      let s22 = 0;
      let s23 = 0;
      let s30 = 0;
      let s31 = 0;
      let s32 = 0;
      let s33 = 0;
      for (let k = 0; k < m; k++) {
        const y0 = a[j0 + k]!;
        const y1 = a[j1 + k]!;
        const y2 = a[j2 + k]!;
        const y3 = a[j3 + k]!;
        const x0 = a[i0 + k]!;
        s00 += x0 * y0;
        s01 += x0 * y1;
        s02 += x0 * y2;
        s03 += x0 * y3;
        const x1 = a[i1 + k]!;
        s10 += x1 * y0;
        s11 += x1 * y1;
        s12 += x1 * y2;
        s13 += x1 * y3;
        const x2 = a[i2 + k]!;
        s20 += x2 * y0;
        s21 += x2 * y1;
        s22 += x2 * y2;
        s23 += x2 * y3;
        const x3 = a[i3 + k]!;
        s30 += x3 * y0;
        s31 += x3 * y1;
        s32 += x3 * y2;
        s33 += x3 * y3;
      }
      const g0 = (i + 0) * n + j;
      g[g0] = s00;
      g[g0 + 1] = s01;
      g[g0 + 2] = s02;
      g[g0 + 3] = s03;
      const g1 = (i + 1) * n + j;
      g[g1] = s10;
      g[g1 + 1] = s11;
      g[g1 + 2] = s12;
      g[g1 + 3] = s13;
      const g2 = (i + 2) * n + j;
      g[g2] = s20;
      g[g2 + 1] = s21;
      g[g2 + 2] = s22;
      g[g2 + 3] = s23;
      const g3 = (i + 3) * n + j;
      g[g3] = s30;
      g[g3 + 1] = s31;
      g[g3 + 2] = s32;
      g[g3 + 3] = s33;
    }
  }
}

/** G = L·Lᵀ in place, below and on the diagonal. */
function cholesky(g: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = g[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= g[i * n + k]! * g[j * n + k]!;
      g[i * n + j] = i === j ? Math.sqrt(sum) : sum / g[j * n + j]!;
    }
  }
}

/** A ← L⁻¹·A in place, four columns at a time, which stay in the cache from the first row to the last. */
function solve(l: Float64Array, a: Float64Array, n: number, m: number): void {
  const strip = new Float64Array(4 * n);
  for (let c = 0; c < m; c += 4) {
    for (let i = 0; i < n; i++) for (let k = 0; k < 4; k++) strip[4 * i + k] = a[i * m + c + k]!;
    for (let i = 0; i < n; i += 4) {
      const at = 4 * i;
      const r0 = (i + 0) * n;
      const r1 = (i + 1) * n;
      const r2 = (i + 2) * n;
      const r3 = (i + 3) * n;
      let s00 = strip[at + 0]!;
      let s01 = strip[at + 1]!;
      let s02 = strip[at + 2]!;
      let s03 = strip[at + 3]!;
      let s10 = strip[at + 4]!;
      let s11 = strip[at + 5]!;
      let s12 = strip[at + 6]!;
      let s13 = strip[at + 7]!;
      let s20 = strip[at + 8]!;
      let s21 = strip[at + 9]!;
      let s22 = strip[at + 10]!;
      let s23 = strip[at + 11]!;
      let s30 = strip[at + 12]!;
      let s31 = strip[at + 13]!;
      let s32 = strip[at + 14]!;
      let s33 = strip[at + 15]!;
      for (let k = 0, p = 0; k < i; k++, p += 4) {
        const y0 = strip[p + 0]!;
        const y1 = strip[p + 1]!;
        const y2 = strip[p + 2]!;
        const y3 = strip[p + 3]!;
        const x0 = l[r0 + k]!;
        s00 -= x0 * y0;
        s01 -= x0 * y1;
        s02 -= x0 * y2;
        s03 -= x0 * y3;
        const x1 = l[r1 + k]!;
        s10 -= x1 * y0;
        s11 -= x1 * y1;
        s12 -= x1 * y2;
        s13 -= x1 * y3;
        const x2 = l[r2 + k]!;
        s20 -= x2 * y0;
        s21 -= x2 * y1;
        s22 -= x2 * y2;
        s23 -= x2 * y3;
        const x3 = l[r3 + k]!;
        s30 -= x3 * y0;
        s31 -= x3 * y1;
        s32 -= x3 * y2;
        s33 -= x3 * y3;
      }
      const d0 = 1 / l[r0 + i + 0]!;
      strip[at + 0] = s00 *= d0;
      strip[at + 1] = s01 *= d0;
      strip[at + 2] = s02 *= d0;
      strip[at + 3] = s03 *= d0;
      const l10 = l[r1 + i + 0]!;
      s10 -= l10 * s00;
      s11 -= l10 * s01;
      s12 -= l10 * s02;
      s13 -= l10 * s03;
      const d1 = 1 / l[r1 + i + 1]!;
      strip[at + 4] = s10 *= d1;
      strip[at + 5] = s11 *= d1;
      strip[at + 6] = s12 *= d1;
      strip[at + 7] = s13 *= d1;
      const l20 = l[r2 + i + 0]!;
      s20 -= l20 * s00;
      s21 -= l20 * s01;
      s22 -= l20 * s02;
      s23 -= l20 * s03;
      const l21 = l[r2 + i + 1]!;
      s20 -= l21 * s10;
      s21 -= l21 * s11;
      s22 -= l21 * s12;
      s23 -= l21 * s13;
      const d2 = 1 / l[r2 + i + 2]!;
      strip[at + 8] = s20 *= d2;
      strip[at + 9] = s21 *= d2;
      strip[at + 10] = s22 *= d2;
      strip[at + 11] = s23 *= d2;
      const l30 = l[r3 + i + 0]!;
      s30 -= l30 * s00;
      s31 -= l30 * s01;
      s32 -= l30 * s02;
      s33 -= l30 * s03;
      const l31 = l[r3 + i + 1]!;
      s30 -= l31 * s10;
      s31 -= l31 * s11;
      s32 -= l31 * s12;
      s33 -= l31 * s13;
      const l32 = l[r3 + i + 2]!;
      s30 -= l32 * s20;
      s31 -= l32 * s21;
      s32 -= l32 * s22;
      s33 -= l32 * s23;
      const d3 = 1 / l[r3 + i + 3]!;
      strip[at + 12] = s30 *= d3;
      strip[at + 13] = s31 *= d3;
      strip[at + 14] = s32 *= d3;
      strip[at + 15] = s33 *= d3;
    }
    for (let i = 0; i < n; i++) for (let k = 0; k < 4; k++) a[i * m + c + k] = strip[4 * i + k]!;
  }
}

/** What `orthonormalizeRows` wants its sizes to be multiples of. */
export const ORTHOGONAL_BLOCK = 4;

/**
 * Makes the first `count` rows of `a` [rows, columns] orthonormal in place, in the way Gram and Schmidt would: row k stays in the span
 * of rows 0 … k. Both sizes are multiples of 4, filled up with zeros; count ≤ columns.
 */
export function orthonormalizeRows(a: Float64Array, rows: number, columns: number, count: number): void {
  const g = new Float64Array(rows * rows);
  // A random matrix with twice as many columns as rows has a condition number of about 6, and one pass is exact to 1e-14.
  const passes = columns >= 2 * rows ? 1 : 2;
  for (let pass = 0; pass < passes; pass++) {
    gram(a, rows, columns, g);
    for (let i = count; i < rows; i++) g[i * rows + i] = 1;
    cholesky(g, rows);
    solve(g, a, rows, columns);
  }
}
