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

/** Half of a step is rounded to the even number, as ONNX's own quantization does. */
function roundEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** How weights are divided into parts with a scale each. */
interface Way {
  /** How many weights a part has. */
  readonly length: number;
  readonly scaleDims: readonly number[];
  /** The part of a weight. */
  readonly partOf: (i: number) => number;
}

function quantizedBy(data: Float32Array, { scaleDims, partOf }: Way): Quantized {
  const scales = new Float32Array(sizeOf(scaleDims));
  for (let i = 0; i < data.length; i++) {
    const part = partOf(i);
    scales[part] = Math.max(scales[part] as number, Math.abs(data[i] as number));
  }
  for (let part = 0; part < scales.length; part++) scales[part] = (scales[part] as number) / MOST;
  const numbers = new Int8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const scale = scales[partOf(i)] as number;
    // A scale of 0 stands for zeros, or for numbers so small that a 127th of them is none.
    const number = scale === 0 ? 0 : roundEven((data[i] as number) / scale);
    numbers[i] = Math.max(-MOST, Math.min(MOST, number));
  }
  return { numbers, scales, scaleDims };
}

/** The sum of the squares of what each weight is off. */
function errorOf(data: Float32Array, { numbers, scales }: Quantized, { partOf }: Way): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++)
    sum += ((data[i] as number) - (numbers[i] as number) * (scales[partOf(i)] as number)) ** 2;
  return sum;
}

/** A scale for each row, and one for each column, of matrices [..., rows, columns]. */
function waysOf(dims: readonly number[]): readonly Way[] {
  const [rows, columns] = dims.slice(-2) as [number, number];
  const outer = dims.slice(0, -2);
  return [
    { length: columns, scaleDims: [...outer, rows, 1], partOf: (i) => Math.floor(i / columns) },
    {
      length: rows,
      scaleDims: outer.length === 0 ? [columns] : [...outer, 1, columns],
      partOf: (i) => Math.floor(i / (rows * columns)) * columns + (i % columns),
    },
  ];
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
      const found = quantizedBy(data, way);
      return { found, error: errorOf(data, found, way) };
    });
  return made.sort((a, b) => a.error - b.error)[0]?.found;
}

/** The matrices that numbers and scales stand for. Undefined where the scales are neither those of rows nor those of columns. */
export function dequantized(
  { numbers, scales, scaleDims }: Quantized,
  dims: readonly number[],
): Float32Array | undefined {
  const way = waysOf(dims).find((each) => each.scaleDims.join() === scaleDims.join());
  return way && Float32Array.from(numbers, (number, i) => number * (scales[way.partOf(i)] as number));
}
