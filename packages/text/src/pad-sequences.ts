/** Ragged sequences to one rectangular tensor, as Keras's `pad_sequences`. */
import { refuseUnknown, shown, TextDataError, TextOptionError } from "./errors.ts";

/** Which end of a sequence is filled or cut. */
export type SequenceEnd = "pre" | "post";

/** Options of `padSequences`. */
export interface PaddingOptions {
  /** Steps of the result; those of the longest sequence by default. */
  readonly maxLength?: number;
  /** Where `value` is filled in: `"pre"` (Keras's default) or `"post"`. */
  readonly padding?: SequenceEnd;
  /** Where a longer sequence loses its items: `"pre"` (Keras's default) or `"post"`. */
  readonly truncating?: SequenceEnd;
  /** What to fill in; 0 by default. */
  readonly value?: number;
  readonly dtype?: "int32" | "float32";
}

const paddingOptions: Record<keyof PaddingOptions, true> = {
  maxLength: true,
  padding: true,
  truncating: true,
  value: true,
  dtype: true,
};

/** The shape of padded sequences of numbers. */
export type PaddedNumbers = readonly [count: number, maxLength: number];
/** The shape of padded sequences of vectors. */
export type PaddedVectors = readonly [count: number, maxLength: number, width: number];

/** Padded sequences, row by row: the tensor form of `@ostinato/core`. */
export interface PaddedInt32<Shape extends readonly number[] = PaddedNumbers> {
  readonly dtype: "int32";
  readonly shape: Shape;
  readonly data: Int32Array;
}

/** As `PaddedInt32`, for sequences of real numbers. */
export interface PaddedFloat32<Shape extends readonly number[] = PaddedNumbers> {
  readonly dtype: "float32";
  readonly shape: Shape;
  readonly data: Float32Array;
}

type Numbers = readonly ArrayLike<number>[];
/** Sequences of vectors, all of one width. */
type Vectors = readonly (readonly ArrayLike<number>[])[];
type AsFloat32 = PaddingOptions & { readonly dtype: "float32" };
type AsInt32 = PaddingOptions & { readonly dtype?: "int32" };

/**
 * Sequences as the rows of one tensor, filled or cut to `maxLength`: of numbers [count, maxLength], of vectors [count, maxLength, width].
 *
 * Throws `TextDataError`, which names row and step, for anything that is no number, for vectors of different widths, and where Keras would
 * round a number to fit `int32`.
 *
 * @example
 * padSequences([[1], [2, 3, 4]], { maxLength: 2 }).data; // Int32Array [0, 1, 3, 4]
 * padSequences([[[1, 2]], [[3, 4], [5, 6]]]).shape; // [2, 2, 2]
 */
export function padSequences(sequences: Numbers, options: AsFloat32): PaddedFloat32;
export function padSequences(sequences: Numbers, options?: AsInt32): PaddedInt32;
export function padSequences(sequences: Vectors, options: AsFloat32): PaddedFloat32<PaddedVectors>;
export function padSequences(sequences: Vectors, options?: AsInt32): PaddedInt32<PaddedVectors>;
export function padSequences(
  sequences: Numbers | Vectors,
  options: PaddingOptions = {},
): PaddedInt32<PaddedNumbers | PaddedVectors> | PaddedFloat32<PaddedNumbers | PaddedVectors> {
  refuseUnknown("padSequences", options, paddingOptions);
  const { padding = "pre", truncating = "pre", value = 0, dtype = "int32" } = options;
  requireEnd("padding", padding);
  requireEnd("truncating", truncating);
  if (dtype !== "int32" && dtype !== "float32")
    throw new TextOptionError("dtype", 'be "int32" or "float32"', dtype satisfies never);
  if (dtype === "int32" && !isInt32(value))
    throw new TextOptionError("value", 'be a 32-bit integer (or use dtype "float32")', value);
  if (typeof value !== "number") throw new TextOptionError("value", "be a number", value);
  const width = checkedWidth(sequences, dtype);
  const maxLength = options.maxLength ?? longest(sequences);
  if (options.maxLength !== undefined && !(Number.isSafeInteger(maxLength) && maxLength >= 1)) {
    throw new TextOptionError("maxLength", "be a whole number of at least 1", maxLength);
  }
  const count = sequences.length;
  const shape = width === undefined ? ([count, maxLength] as const) : ([count, maxLength, width] as const);
  const layout = { sequences, maxLength, width, padding, truncating, value };
  const size = count * maxLength * (width ?? 1);
  return dtype === "int32"
    ? { dtype, shape, data: filled(new Int32Array(size), layout) }
    : { dtype, shape, data: filled(new Float32Array(size), layout) };
}

interface Layout {
  readonly sequences: Numbers | Vectors;
  readonly maxLength: number;
  /** Of vectors. */
  readonly width: number | undefined;
  readonly padding: SequenceEnd;
  readonly truncating: SequenceEnd;
  readonly value: number;
}

function filled<Data extends Int32Array | Float32Array>(data: Data, layout: Layout): Data {
  const { sequences, maxLength, width, padding, truncating, value } = layout;
  if (value !== 0) data.fill(value);
  for (const [row, sequence] of sequences.entries()) {
    const kept = Math.min(sequence.length, maxLength);
    const from = truncating === "pre" ? sequence.length - kept : 0;
    const to = row * maxLength + (padding === "pre" ? maxLength - kept : 0);
    for (let index = 0; index < kept; index++) {
      const item = sequence[from + index]!;
      if (width === undefined) data[to + index] = item as number;
      else data.set(item as ArrayLike<number>, (to + index) * width);
    }
  }
  return data;
}

function longest(sequences: Numbers | Vectors): number {
  let length = 0;
  for (const sequence of sequences) length = Math.max(length, sequence.length);
  return length;
}

function requireEnd(option: string, end: SequenceEnd): void {
  if (end !== "pre" && end !== "post") throw new TextOptionError(option, 'be "pre" or "post"', end);
}

/** The width of the vectors, `undefined` where the sequences are of numbers. Checks every item. */
function checkedWidth(sequences: unknown, dtype: "int32" | "float32"): number | undefined {
  if (!Array.isArray(sequences)) throw new TextOptionError("sequences", "be a list of sequences", sequences);
  let first: unknown;
  for (let row = 0; row < sequences.length; row++) {
    const sequence: unknown = sequences[row];
    const path = `sequences[${row}]`;
    if (!isList(sequence))
      throw new TextDataError(path, `must be a list of numbers or vectors, got ${found(sequence)}`);
    if (sequence.length === 0) continue;
    first ??= sequence[0];
    if (!isList(first)) {
      checkNumbers(path, sequence, dtype);
      continue;
    }
    for (let step = 0; step < sequence.length; step++) {
      const vector: unknown = sequence[step];
      const place = `${path}[${step}]`;
      if (!isList(vector))
        throw new TextDataError(place, `must be a vector, as the first item is, got ${found(vector)}`);
      if (vector.length !== first.length)
        throw new TextDataError(place, `has ${vector.length} numbers, the first vector has ${first.length}`);
      checkNumbers(place, vector, dtype);
    }
  }
  return isList(first) ? first.length : undefined;
}

function checkNumbers(path: string, numbers: ArrayLike<unknown>, dtype: "int32" | "float32"): void {
  const kind = kindOf(numbers);
  if (kind === "Int32Array" || (dtype === "float32" && (kind === "Float32Array" || kind === "Float64Array"))) return;
  for (let index = 0; index < numbers.length; index++) {
    const item = numbers[index];
    if (typeof item !== "number") throw new TextDataError(`${path}[${index}]`, `must be a number, got ${found(item)}`);
    if (dtype === "int32" && !isInt32(item))
      throw new TextDataError(`${path}[${index}]`, `is ${item}, no 32-bit integer; use dtype "float32"`);
  }
}

/** What stands where a number or a list should, and what to do about texts. */
function found(value: unknown): string {
  return typeof value === "string"
    ? `${shown(value)}; texts become ids by encodeTexts(vocabulary, texts)`
    : shown(value);
}

/** The kind of an object, whichever realm made it. */
function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return typeof value === "object" && value !== null && "length" in value && Number.isSafeInteger(value.length);
}

function isInt32(value: number): boolean {
  return (value | 0) === value;
}
