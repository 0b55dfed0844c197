/**
 * Random orthogonal matrices as products of random Householder reflections (Stewart 1980), gathered into matrix products (Schreiber and Van Loan
 * 1989): I - Vᵀ·T·V, where the triangle T⁻¹ is known from V·Vᵀ. They have the distribution of Q in the QR factorization
 * of a normal matrix with R's diagonal positive, which is the definition of Keras and PyTorch (Saxe et al. 2013).
 */
import type { RandomStream } from "../random.ts";

// Matrices are kept in panels of four rows, the four numbers of a column side by side; sizes are filled up with zeros to multiples of 4,
// which changes no sum. Blocks of 4 × 2 sums are what fits the registers.
const PANEL = 4;
const PAIR = 2;
/** Above every index; masked, so that the engine knows that indexes cannot overflow. */
const MASK = 0x3fffffff;
const padded = (size: number): number => Math.ceil(size / PANEL) * PANEL;

/** Where the number at `row` and `column` of a matrix of `columns` columns lies. */
function at(row: number, column: number, columns: number): number {
  return (row - (row % PANEL)) * columns + PANEL * column + (row % PANEL);
}

/** tile ← four rows of `a`, one after the other from `i`, times two of `b`, `step` apart from `j`, over `depth` columns, which are even; two columns are written out. */
function multiply(
  a: Float64Array,
  i: number,
  b: Float64Array,
  j: number,
  step: number,
  depth: number,
  tile: Float64Array,
): void {
  let s00 = 0;
  let s01 = 0;
  let s10 = 0;
  let s11 = 0;
  let s20 = 0;
  let s21 = 0;
  let s30 = 0;
  let s31 = 0;
  let p = i | 0;
  let q = j | 0;
  for (let k = 0; k < depth; k += 2) {
    const y0 = b[q & MASK]!;
    const y1 = b[(q + 1) & MASK]!;
    const x0 = a[p & MASK]!;
    const x1 = a[(p + 1) & MASK]!;
    const x2 = a[(p + 2) & MASK]!;
    const x3 = a[(p + 3) & MASK]!;
    s00 += x0 * y0;
    s01 += x0 * y1;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s20 += x2 * y0;
    s21 += x2 * y1;
    s30 += x3 * y0;
    s31 += x3 * y1;
    const next = (q + step) | 0;
    const y0n = b[next & MASK]!;
    const y1n = b[(next + 1) & MASK]!;
    const x0n = a[(p + 4) & MASK]!;
    const x1n = a[(p + 5) & MASK]!;
    const x2n = a[(p + 6) & MASK]!;
    const x3n = a[(p + 7) & MASK]!;
    s00 += x0n * y0n;
    s01 += x0n * y1n;
    s10 += x1n * y0n;
    s11 += x1n * y1n;
    s20 += x2n * y0n;
    s21 += x2n * y1n;
    s30 += x3n * y0n;
    s31 += x3n * y1n;
    p = (p + 2 * PANEL) | 0;
    q = (next + step) | 0;
  }
  tile[0] = s00;
  tile[1] = s01;
  tile[2] = s10;
  tile[3] = s11;
  tile[4] = s20;
  tile[5] = s21;
  tile[6] = s30;
  tile[7] = s31;
}

/** Row k of V: zeros, then the vector of reflection k from column k on. Returns the signs that make R's diagonal positive. */
function drawReflections(v: Float64Array, n: number, m: number, columns: number, stream: RandomStream): Float64Array {
  const signs = new Float64Array(n);
  const row = new Float64Array(m);
  for (let k = 0; k < n; k++) {
    const x = row.subarray(k);
    stream.fillNormal(x);
    let square = 0;
    for (let c = 0; c < x.length; c++) square += x[c]! * x[c]!;
    const sign = x[0]! < 0 ? -1 : 1;
    x[0] = x[0]! + sign * Math.sqrt(square);
    signs[k] = -sign;
    for (let c = k, to = at(k, k, columns); c < m; c++, to += PANEL) v[to] = row[c]!;
  }
  return signs;
}

/** G = V·Vᵀ, all of it; below the diagonal it is the strict triangle of T⁻ᵀ, whose diagonal is half of G's. */
function gram(v: Float64Array, rows: number, columns: number): Float64Array {
  const g = new Float64Array(rows * rows);
  const tile = new Float64Array(PANEL * PAIR);
  for (let i = 0; i < rows; i += PANEL) {
    for (let j = 0; j < i + PANEL; j += PAIR) {
      multiply(v, at(i, i, columns), v, at(j, i, columns), PANEL, columns - i, tile);
      for (let t = 0; t < tile.length; t++) {
        const r = i + (t >> 1);
        const c = j + (t & 1);
        g[at(r, c, rows)] = tile[t]!;
        g[at(c, r, rows)] = tile[t]!;
      }
    }
  }
  return g;
}

/** M, below and on the diagonal, of M·T⁻ᵀ = V₁, the transposed first columns of V: from the last column to the first. */
function solve(v: Float64Array, g: Float64Array, rows: number, columns: number): Float64Array {
  const m = new Float64Array(rows * rows);
  const tile = new Float64Array(PANEL * PAIR);
  for (let i = 0; i < rows; i += PANEL) {
    for (let j = i + PAIR; j >= 0; j -= PAIR) {
      multiply(m, at(i, j + PAIR, rows), g, at(j, j + PAIR, rows), PANEL, i + PANEL - j - PAIR, tile);
      for (let r = i; r < i + PANEL; r++) {
        for (let c = Math.min(r, j + 1); c >= j; c--) {
          let sum = v[at(c, r, columns)]! - tile[PAIR * (r - i) + c - j]!;
          if (c === j) sum -= m[at(r, j + 1, rows)]! * g[at(j, j + 1, rows)]!;
          const diagonal = g[at(c, c, rows)]! / 2;
          m[at(r, c, rows)] = diagonal > 0 ? sum / diagonal : 0;
        }
      }
    }
  }
  return m;
}

/** A random [rows, columns] with orthonormal rows, or columns where there are fewer of them. */
export function orthogonalMatrix(rows: number, columns: number, stream: RandomStream): Float32Array {
  const n = Math.min(rows, columns);
  const m = Math.max(rows, columns);
  const height = padded(n);
  const width = padded(m);
  const v = new Float64Array(height * width);
  const signs = drawReflections(v, n, m, width, stream);
  const product = solve(v, gram(v, height, width), height, width);

  // The first rows of I - M·V, two columns at a time, which stay in the cache.
  const out = new Float32Array(n * m);
  const [acrossRow, acrossColumn] = rows <= columns ? [columns, 1] : [1, columns];
  const strip = new Float64Array(PAIR * height);
  const tile = new Float64Array(PANEL * PAIR);
  for (let c = 0; c < m; c += PAIR) {
    const depth = Math.min(height, c + PAIR);
    for (let k = 0; k < depth; k += PANEL) {
      const from = k * width + PANEL * c;
      for (let lane = 0; lane < PANEL; lane++) {
        strip[PAIR * (k + lane)] = v[from + lane]!;
        strip[PAIR * (k + lane) + 1] = v[from + PANEL + lane]!;
      }
    }
    for (let i = 0; i < n; i += PANEL) {
      multiply(product, at(i, 0, height), strip, 0, PAIR, Math.min(depth, i + PANEL), tile);
      for (let t = 0; t < tile.length; t++) {
        const row = i + (t >> 1);
        const column = c + (t & 1);
        const value = (row === column ? 1 : 0) - tile[t]!;
        if (row < n && column < m) out[row * acrossRow + column * acrossColumn] = signs[row]! * value;
      }
    }
  }
  return out;
}
