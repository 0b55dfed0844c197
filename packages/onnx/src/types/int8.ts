/** Quantizes weights to integers from -127 to 127 with one scale per row or per column; integer · scale approximates the weight. */
import { sizeOf } from "@ostinato/core";

const MOST = 127;

/** The minimum length of a row or column with its own scale. Scales then take at most an eighth of the size of the integers. */
const SHORTEST = 32;

/** The quantized form of one or several matrices. */
export interface Quantized {
  readonly numbers: Int8Array<ArrayBuffer>;
  readonly scales: Float32Array<ArrayBuffer>;
  /** The shape of the scales, which broadcasts to that of the matrices. */
  readonly scaleDims: readonly number[];
}

/** The division of matrices [..., rows, columns] into parts with one scale each. */
interface Way {
  /** The number of weights in a part. */
  readonly length: number;
  readonly scaleDims: readonly number[];
  /** The increments of the part's index per row and per column; the parts of a matrix follow those of the one before. */
  readonly perRow: 0 | 1;
  readonly perColumn: 0 | 1;
}

/** One part per row, and one part per column. */
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

/** Calls `act` with the index of each weight and its part. */
function forEachWeight(dims: readonly number[], way: Way, act: (i: number, part: number) => void): void {
  const [rows, columns] = dims.slice(-2) as [number, number];
  const { perRow, perColumn } = way;
  const parts = perRow * rows + perColumn * columns;
  const size = sizeOf(dims);
  for (let i = 0, first = 0; i < size; first += parts)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) act(i++, first + row * perRow + column * perColumn);
}

/** Rounds half to even, as ONNX's quantization does. */
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
    // The scale is 0 if all numbers are zero, or so small that dividing by 127 underflows.
    const number = scale === 0 ? 0 : roundEven((data[i] as number) / scale);
    numbers[i] = Math.max(-MOST, Math.min(MOST, number));
  });
  return { numbers, scales, scaleDims: way.scaleDims };
}

/** The sum of squared errors. */
function errorOf(data: Float32Array, dims: readonly number[], way: Way, { numbers, scales }: Quantized): number {
  let sum = 0;
  forEachWeight(dims, way, (i, part) => {
    const off = (data[i] as number) - (numbers[i] as number) * (scales[part] as number);
    sum += off * off;
  });
  return sum;
}

/**
 * Quantizes matrices [..., rows, columns] with one scale per row or per column, whichever has the smaller error. Undefined if both are too short.
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

/** Restores matrices from integers and scales. Undefined if the scales are neither per row nor per column. */
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
