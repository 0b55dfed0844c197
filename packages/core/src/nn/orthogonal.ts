/**
 * Random orthogonal matrices as products of random Householder reflections (Stewart 1980), gathered into matrix products (Schreiber and Van Loan
 * 1989): I - Vᵀ·T·V, where the triangle T⁻¹ is known from V·Vᵀ. They have the distribution of Q in the QR factorization
 * of a normal matrix with R's diagonal positive, which is the definition of Keras and PyTorch (Saxe et al. 2013).
 */
import type { RandomStream } from "../random.ts";

// Sizes here are multiples of 4, filled up with zeros, which change no sum. 4 × 4 sums stay in registers.
const BLOCK = 4;
const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

/** tile ← rows i … i + 3 of `a` times rows j … j + 3 of `b`, over columns from … to - 1. */
function multiplyRows(
  a: Float64Array,
  strideA: number,
  i: number,
  b: Float64Array,
  strideB: number,
  j: number,
  from: number,
  to: number,
  tile: Float64Array,
): void {
  const i0 = (i + 0) * strideA;
  const i1 = (i + 1) * strideA;
  const i2 = (i + 2) * strideA;
  const i3 = (i + 3) * strideA;
  const j0 = (j + 0) * strideB;
  const j1 = (j + 1) * strideB;
  const j2 = (j + 2) * strideB;
  const j3 = (j + 3) * strideB;
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
  for (let k = from; k < to; k++) {
    const y0 = b[j0 + k]!;
    const y1 = b[j1 + k]!;
    const y2 = b[j2 + k]!;
    const y3 = b[j3 + k]!;
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
  tile[0] = s00;
  tile[1] = s01;
  tile[2] = s02;
  tile[3] = s03;
  tile[4] = s10;
  tile[5] = s11;
  tile[6] = s12;
  tile[7] = s13;
  tile[8] = s20;
  tile[9] = s21;
  tile[10] = s22;
  tile[11] = s23;
  tile[12] = s30;
  tile[13] = s31;
  tile[14] = s32;
  tile[15] = s33;
}

/** Row k of V: zeros, then the vector of reflection k from column k on. Returns the signs that make R's diagonal positive. */
function drawReflections(v: Float64Array, n: number, m: number, stride: number, stream: RandomStream): Float64Array {
  const signs = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const x = v.subarray(k * stride + k, k * stride + m);
    stream.fillNormal(x);
    let square = 0;
    for (let c = 0; c < x.length; c++) square += x[c]! * x[c]!;
    const sign = x[0]! < 0 ? -1 : 1;
    x[0] = x[0]! + sign * Math.sqrt(square);
    signs[k] = -sign;
  }
  return signs;
}

/** G = V·Vᵀ, all of it; below the diagonal it is the strict triangle of T⁻ᵀ, whose diagonal is half of G's. */
function gram(v: Float64Array, rows: number, stride: number): Float64Array {
  const g = new Float64Array(rows * rows);
  const tile = new Float64Array(16);
  for (let i = 0; i < rows; i += BLOCK) {
    for (let j = 0; j <= i; j += BLOCK) {
      multiplyRows(v, stride, i, v, stride, j, i, stride, tile);
      for (let t = 0; t < 16; t++) {
        const r = i + (t >> 2);
        const c = j + (t & 3);
        g[r * rows + c] = tile[t]!;
        g[c * rows + r] = tile[t]!;
      }
    }
  }
  return g;
}

/** M, below and on the diagonal, of M·T⁻ᵀ = V₁, the transposed first columns of V: from the last column to the first. */
function solve(v: Float64Array, g: Float64Array, rows: number, stride: number): Float64Array {
  const m = new Float64Array(rows * rows);
  const tile = new Float64Array(16);
  for (let i = 0; i < rows; i += BLOCK) {
    for (let j = i; j >= 0; j -= BLOCK) {
      multiplyRows(m, rows, i, g, rows, j, j + BLOCK, i + BLOCK, tile);
      for (let r = i; r < i + BLOCK; r++) {
        for (let c = Math.min(r, j + BLOCK - 1); c >= j; c--) {
          let sum = v[c * stride + r]! - tile[BLOCK * (r - i) + c - j]!;
          for (let k = c + 1; k < j + BLOCK; k++) sum -= m[r * rows + k]! * g[c * rows + k]!;
          const diagonal = g[c * rows + c]! / 2;
          m[r * rows + c] = diagonal > 0 ? sum / diagonal : 0;
        }
      }
    }
  }
  return m;
}

/** The first rows of I - M·V, put where `write` says, four columns at a time, which stay in the cache. */
function apply(
  m: Float64Array,
  v: Float64Array,
  rows: number,
  stride: number,
  write: (row: number, column: number, value: number) => void,
): void {
  const strip = new Float64Array(BLOCK * rows);
  for (let c = 0; c < stride; c += BLOCK) {
    const depth = Math.min(rows, c + BLOCK);
    for (let k = 0; k < depth; k++) for (let s = 0; s < BLOCK; s++) strip[BLOCK * k + s] = v[k * stride + c + s]!;
    for (let i = 0; i < rows; i += BLOCK) {
      const end = Math.min(depth, i + BLOCK);
      const r0 = (i + 0) * rows;
      const r1 = (i + 1) * rows;
      const r2 = (i + 2) * rows;
      const r3 = (i + 3) * rows;
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
      for (let k = 0, p = 0; k < end; k++, p += 4) {
        const y0 = strip[p + 0]!;
        const y1 = strip[p + 1]!;
        const y2 = strip[p + 2]!;
        const y3 = strip[p + 3]!;
        const x0 = m[r0 + k]!;
        s00 -= x0 * y0;
        s01 -= x0 * y1;
        s02 -= x0 * y2;
        s03 -= x0 * y3;
        const x1 = m[r1 + k]!;
        s10 -= x1 * y0;
        s11 -= x1 * y1;
        s12 -= x1 * y2;
        s13 -= x1 * y3;
        const x2 = m[r2 + k]!;
        s20 -= x2 * y0;
        s21 -= x2 * y1;
        s22 -= x2 * y2;
        s23 -= x2 * y3;
        const x3 = m[r3 + k]!;
        s30 -= x3 * y0;
        s31 -= x3 * y1;
        s32 -= x3 * y2;
        s33 -= x3 * y3;
      }
      write(i + 0, c + 0, s00);
      write(i + 0, c + 1, s01);
      write(i + 0, c + 2, s02);
      write(i + 0, c + 3, s03);
      write(i + 1, c + 0, s10);
      write(i + 1, c + 1, s11);
      write(i + 1, c + 2, s12);
      write(i + 1, c + 3, s13);
      write(i + 2, c + 0, s20);
      write(i + 2, c + 1, s21);
      write(i + 2, c + 2, s22);
      write(i + 2, c + 3, s23);
      write(i + 3, c + 0, s30);
      write(i + 3, c + 1, s31);
      write(i + 3, c + 2, s32);
      write(i + 3, c + 3, s33);
    }
  }
}

/** A random [rows, columns] with orthonormal rows, or columns where there are fewer of them. */
export function orthogonalMatrix(rows: number, columns: number, stream: RandomStream): Float32Array {
  const n = Math.min(rows, columns);
  const m = Math.max(rows, columns);
  const height = padded(n);
  const stride = padded(m);
  const v = new Float64Array(height * stride);
  const signs = drawReflections(v, n, m, stride, stream);
  const product = solve(v, gram(v, height, stride), height, stride);
  const out = new Float32Array(n * m);
  const [acrossRow, acrossColumn] = rows <= columns ? [columns, 1] : [1, columns];
  apply(product, v, height, stride, (row, column, value) => {
    if (row < n && column < m)
      out[row * acrossRow + column * acrossColumn] = signs[row]! * (row === column ? value + 1 : value);
  });
  return out;
}
