/** Weights as whole numbers from -127 to 127, with one scale for each row or for each column: number · scale is near the weight. */
import { sizeOf } from "@ostinato/core";

const MOST = 127;

/** A row or a column must be this long for a scale of its own: scales then take at most an eighth of what the numbers take. */
const SHORTEST = 32;

/** What stands for a matrix, or for several. */
export interface Quantized {
  readonly numbers: Int8Array<ArrayBuffer>;
  readonly scales: Float32Array<ArrayBuffer>;
  /** The dims of the scales, which broadcast to those of the matrices. */
  readonly scaleDims: readonly number[];
}

/** How matrices [..., rows, columns] are divided into parts with a scale each. */
interface Way {
  /** How many weights a part has. */
  readonly length: number;
  readonly scaleDims: readonly number[];
  /** By how much the number of the part grows with the row, and with the column; parts of a matrix come after those of the one before. */
  readonly perRow: 0 | 1;
  readonly perColumn: 0 | 1;
}

/** A part for each row, and one for each column. */
function waysOf(dims: readonly number[]): readonly [Way, Way] {
  const [rows, columns] = dims.slice(-2) as [number, number];
  const outer = dims.slice(0, -2);
  return [
    { length: columns, scaleDims: [...outer, rows, 1], perRow: 1, perColumn: 0 },
    {
      length: rows,
      scaleDims: outer.length === 0 ? [columns] : [...outer, 1, columns],
      perRow: 0,
      perColumn: 1,
    },
  ];
}

/** Calls `act` with the place of each weight and its part. */
function forEachWeight(dims: readonly number[], way: Way, act: (i: number, part: number) => void): void {
  const [rows, columns] = dims.slice(-2) as [number, number];
  const { perRow, perColumn } = way;
  const parts = perRow * rows + perColumn * columns;
  const size = sizeOf(dims);
  for (let i = 0, first = 0; i < size; first += parts)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) act(i++, first + row * perRow + column * perColumn);
}

/** Half of a step is rounded to the even number, as ONNX's own quantization does. */
function roundEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function quantizedBy(data: Float32Array, dims: readonly number[], way: Way): Quantized {
  const scales = new Float32Array(sizeOf(way.scaleDims));
  forEachWeight(dims, way, (i, part) => {
    const size = Math.abs(data[i] as number);
    if (size > (scales[part] as number)) scales[part] = size;
  });
  for (let part = 0; part < scales.length; part++) scales[part] = (scales[part] as number) / MOST;
  const numbers = new Int8Array(data.length);
  forEachWeight(dims, way, (i, part) => {
    const scale = scales[part] as number;
    // A scale of 0 stands for zeros, or for numbers so small that a 127th of them is none.
    const number = scale === 0 ? 0 : roundEven((data[i] as number) / scale);
    numbers[i] = Math.max(-MOST, Math.min(MOST, number));
  });
  return { numbers, scales, scaleDims: way.scaleDims };
}

/** The sum of the squares of what each weight is off. */
function errorOf(data: Float32Array, dims: readonly number[], way: Way, { numbers, scales }: Quantized): number {
  let sum = 0;
  forEachWeight(dims, way, (i, part) => {
    const off = (data[i] as number) - (numbers[i] as number) * (scales[part] as number);
    sum += off * off;
  });
  return sum;
}

/**
 * Matrices [..., rows, columns] with a scale for each row or each column, whichever loses less. Undefined where both are too short.
 *
 * @param data finite numbers
 */
export function quantized(data: Float32Array, dims: readonly number[]): Quantized | undefined {
  const made = waysOf(dims)
    .filter(({ length }) => length >= SHORTEST)
    .map((way) => {
      const found = quantizedBy(data, dims, way);
      return { found, error: errorOf(data, dims, way, found) };
    });
  return made.sort((a, b) => a.error - b.error)[0]?.found;
}

/** The matrices that numbers and scales stand for. Undefined where the scales are neither those of rows nor those of columns. */
export function dequantized(
  { numbers, scales, scaleDims }: Quantized,
  dims: readonly number[],
): Float32Array | undefined {
  const way = waysOf(dims).find((each) => each.scaleDims.join() === scaleDims.join());
  if (way === undefined) return undefined;
  const data = new Float32Array(numbers.length);
  forEachWeight(dims, way, (i, part) => {
    data[i] = (numbers[i] as number) * (scales[part] as number);
  });
  return data;
}
