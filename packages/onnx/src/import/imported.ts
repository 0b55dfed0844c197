/** What a name of an ONNX file stands for while it is read: a value of our graph, or what makes one. */
import type { Shape, Value } from "@ostinato/core";
import type { Size } from "./sizes.ts";

/** Values of the graph. Axes that ONNX has as one, such as batch and time, may be several: a size that is their product has no name. */
export interface Computed {
  readonly kind: "computed";
  readonly value: Value;
  /** For each axis in ONNX how many of the value's own it is, all next to each other. Absent: one each. */
  readonly groups?: readonly number[];
  /** The matrix that was turned where a file of ours turns one for a product with its rows. */
  readonly turned?: Value;
}

/** The numbers that a file holds, each as JavaScript has it. */
export type NumberKind = "float" | "int" | "bool";

/**
 * Few numbers that are known while the file is read: shapes, axes, scalars. This is how shape arithmetic is computed away. Whole numbers may depend
 * on named sizes.
 */
export interface Host {
  readonly kind: "host";
  readonly numbers: NumberKind;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: readonly Size[];
}

/** Several values of one type side by side along an axis that none of them has, as both directions of a recurrence come out of it. */
export interface Stack {
  readonly kind: "stack";
  readonly axis: number;
  readonly parts: readonly Value[];
}

/** Numbers that stand in the file. */
export interface Stored {
  readonly kind: "stored";
  /** That of the initializer. */
  readonly name: string;
  readonly numbers: NumberKind;
  readonly shape: readonly number[];
  /** Row-major, in the precision of our tensors; whole numbers of 64 bits as `number`s. */
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
  /** Made a parameter of the model where a value is wanted; else a constant. */
  readonly trained: boolean;
}

/** Whatever a name can stand for. */
export type Imported = Computed | Host | Stack | Stored;

/** A value whose axes are those of ONNX. */
export const computed = (value: Value): Computed => ({ kind: "computed", value });

/** Numbers that are known. */
export const host = (numbers: NumberKind, shape: readonly number[], data: readonly Size[]): Host => ({
  kind: "host",
  numbers,
  shape,
  data,
});

/** A vector of whole numbers, such as a shape. */
export const hostVector = (data: readonly Size[]): Host => host("int", [data.length], data);

/** The shape that the parts of a stack have together. */
export function stackShape({ axis, parts }: Stack): Shape {
  const shape = parts[0]?.type.shape ?? [];
  return [...shape.slice(0, axis), parts.length, ...shape.slice(axis)];
}
