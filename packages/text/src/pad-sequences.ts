/** Ragged sequences to one rectangular tensor, as Keras's `pad_sequences`. */
import { TextDataError, TextOptionError } from "./errors.ts";

/** Which end of a sequence is filled or cut. */
export type SequenceEnd = "pre" | "post";

export interface PaddingOptions {
  /** Columns of the result; the longest sequence by default. */
  readonly maxLength?: number;
  /** Where `value` is filled in: `"pre"` (Keras's default) or `"post"`. */
  readonly padding?: SequenceEnd;
  /** Where a longer sequence loses its items: `"pre"` (Keras's default) or `"post"`. */
  readonly truncating?: SequenceEnd;
  /** What to fill in; 0 by default. */
  readonly value?: number;
  readonly dtype?: "int32" | "float32";
}

/** Padded sequences, `[count, maxLength]`, row by row: the tensor form of `@ostinato/core`. */
export interface PaddedInt32 {
  readonly dtype: "int32";
  readonly shape: readonly [count: number, maxLength: number];
  readonly data: Int32Array;
}

/** As `PaddedInt32`, for sequences of real numbers. */
export interface PaddedFloat32 {
  readonly dtype: "float32";
  readonly shape: readonly [count: number, maxLength: number];
  readonly data: Float32Array;
}

/**
 * Sequences as the rows of one tensor, filled or cut to `maxLength`. Where Keras would round a number to fit `int32`,
 * this throws `TextDataError`.
 *
 * @example
 * padSequences([[1], [2, 3, 4]], { maxLength: 2 }).data; // Int32Array [0, 1, 3, 4]
 */
export function padSequences(
  sequences: readonly ArrayLike<number>[],
  options: PaddingOptions & { readonly dtype: "float32" },
): PaddedFloat32;
export function padSequences(
  sequences: readonly ArrayLike<number>[],
  options?: PaddingOptions & { readonly dtype?: "int32" },
): PaddedInt32;
export function padSequences(
  sequences: readonly ArrayLike<number>[],
  options: PaddingOptions = {},
): PaddedInt32 | PaddedFloat32 {
  const { padding = "pre", truncating = "pre", value = 0, dtype = "int32" } = options;
  requireEnd("padding", padding);
  requireEnd("truncating", truncating);
  const maxLength = options.maxLength ?? longest(sequences);
  if (options.maxLength !== undefined && !(Number.isSafeInteger(maxLength) && maxLength >= 1)) {
    throw new TextOptionError("maxLength", "be a whole number of at least 1", maxLength);
  }
  const shape = [sequences.length, maxLength] as const;
  const layout = { sequences, maxLength, padding, truncating, value };
  switch (dtype) {
    case "int32":
      if (!isInt32(value)) throw new TextOptionError("value", 'be a 32-bit integer (or use dtype "float32")', value);
      requireInt32(sequences);
      return { dtype, shape, data: filled(new Int32Array(sequences.length * maxLength), layout) };
    case "float32":
      if (typeof value !== "number") throw new TextOptionError("value", "be a number", value);
      return { dtype, shape, data: filled(new Float32Array(sequences.length * maxLength), layout) };
    default:
      throw new TextOptionError("dtype", 'be "int32" or "float32"', dtype satisfies never);
  }
}

interface Layout {
  readonly sequences: readonly ArrayLike<number>[];
  readonly maxLength: number;
  readonly padding: SequenceEnd;
  readonly truncating: SequenceEnd;
  readonly value: number;
}

function filled<Data extends Int32Array | Float32Array>(data: Data, layout: Layout): Data {
  const { sequences, maxLength, padding, truncating, value } = layout;
  if (value !== 0) data.fill(value);
  for (const [row, sequence] of sequences.entries()) {
    const kept = Math.min(sequence.length, maxLength);
    const from = truncating === "pre" ? sequence.length - kept : 0;
    const to = row * maxLength + (padding === "pre" ? maxLength - kept : 0);
    for (let index = 0; index < kept; index++) data[to + index] = sequence[from + index]!;
  }
  return data;
}

function longest(sequences: readonly ArrayLike<number>[]): number {
  let length = 0;
  for (const sequence of sequences) length = Math.max(length, sequence.length);
  return length;
}

function requireEnd(option: string, end: SequenceEnd): void {
  if (end !== "pre" && end !== "post") throw new TextOptionError(option, 'be "pre" or "post"', end);
}

function requireInt32(sequences: readonly ArrayLike<number>[]): void {
  for (const [row, sequence] of sequences.entries()) {
    if (sequence instanceof Int32Array) continue;
    for (let index = 0; index < sequence.length; index++) {
      const item = sequence[index]!;
      if (isInt32(item)) continue;
      throw new TextDataError(`sequences[${row}][${index}]`, `is ${item}, no 32-bit integer; use dtype "float32"`);
    }
  }
}

function isInt32(value: number): boolean {
  return (value | 0) === value;
}
