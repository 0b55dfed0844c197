/** The matrix products that are measured by themselves: [rows, inner] · [inner, columns]. */
export interface Product {
  readonly name: string;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  /** Products a step, so that a step takes long enough to be measured. */
  readonly times: number;
}

export const products: readonly Product[] = [
  { name: "state · recurrent weights, 32 × 128 × 512", rows: 32, inner: 128, columns: 512, times: 300 },
  { name: "all inputs and states · weights, 9600 × 138 × 512", rows: 9600, inner: 138, columns: 512, times: 1 },
];

export function operands({ rows, inner, columns }: Product): { a: Float32Array; b: Float32Array } {
  const filled = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => ((i * 7919) % 1009) / 1009);
  return { a: filled(rows * inner), b: filled(inner * columns) };
}
