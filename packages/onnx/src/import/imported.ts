/** The possible meanings of a name in an ONNX file: a value of our graph, or something that can be converted to one. */
import type { Shape, Value } from "@ostinato/core";
import type { Size } from "./sizes.ts";

/** A value of the graph. One ONNX axis, such as batch · time, may be several axes here, because products of sizes have no name. */
export interface Computed {
  readonly kind: "computed";
  readonly value: Value;
  /** For each ONNX axis, the number of adjacent axes of the value. Absent: one each. */
  readonly groups?: readonly number[];
  /** The matrix that one of our own files transposes for a product with its rows. */
  readonly turned?: Value;
}

/** The numbers in a file, as JavaScript stores them. */
export type NumberKind = "float" | "int" | "bool";

/**
 * Small arrays that are known while the file is read: shapes, axes, scalars. Shape arithmetic is evaluated on them. Integers may depend
 * on named sizes.
 */
export interface Host {
  readonly kind: "host";
  readonly numbers: NumberKind;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: readonly Size[];
}

/** Several values of one type along an axis that they do not have themselves, such as the two directions of a recurrence. */
export interface Stack {
  readonly kind: "stack";
  readonly axis: number;
  readonly parts: readonly Value[];
}

/** Numbers stored in the file. */
export interface Stored {
  readonly kind: "stored";
  /** The name of the initializer. */
  readonly name: string;
  readonly numbers: NumberKind;
  readonly shape: readonly number[];
  /** Row-major, in the precision of our tensors; 64-bit integers as `number`s. */
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
  /** Whether it becomes a parameter when a value is needed; otherwise it becomes a constant. */
  readonly trained: boolean;
}

/** Any meaning of a name. */
export type Imported = Computed | Host | Stack | Stored;

/** A value with the same axes as in ONNX. */
export const computed = (value: Value): Computed => ({ kind: "computed", value });

/** Known numbers. */
export const host = (numbers: NumberKind, shape: readonly number[], data: readonly Size[]): Host => ({
  kind: "host",
  numbers,
  shape,
  data,
});

/** A vector of integers, such as a shape. */
export const hostVector = (data: readonly Size[]): Host => host("int", [data.length], data);

/** The shape of a stack. */
export function stackShape({ axis, parts }: Stack): Shape {
  const shape = parts[0]?.type.shape ?? [];
  return [...shape.slice(0, axis), parts.length, ...shape.slice(axis)];
}
