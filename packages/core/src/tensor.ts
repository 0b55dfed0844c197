/** The common tensor interface: plain data that is never tied to a backend. */
import { ShapeError } from "./errors.ts";

/** `number`s of 32-bit floating point, row-major. */
export interface Float32Tensor {
  readonly dtype: "float32";
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
/** Whole numbers of 32 bits, row-major. */
export interface Int32Tensor {
  readonly dtype: "int32";
  readonly shape: readonly number[];
  readonly data: Int32Array;
}
/** Truth values, one byte each (0 or 1), row-major. */
export interface BoolTensor {
  readonly dtype: "bool";
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}
/** Double precision, row-major. Only the reference interpreter computes in it. */
export interface Float64Tensor {
  readonly dtype: "float64";
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Plain data with a shape, discriminated by `dtype`. */
export type Tensor = Float32Tensor | Int32Tensor | BoolTensor | Float64Tensor;

/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** The typed arrays a tensor can hold. */
export type TensorData = Tensor["data"];

/** The number of elements of a shape: `sizeOf([2, 3]) === 6`, `sizeOf([]) === 1`. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dim of shape) size *= dim;
  return size;
}

function checked<T extends TensorData>(shape: readonly number[], data: T): T {
  if (shape.some((dim) => !Number.isInteger(dim) || dim < 0)) {
    throw new ShapeError(`a shape is made of whole numbers from 0 on; got [${shape.join(", ")}]`);
  }
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError(`shape [${shape.join(", ")}] holds ${sizeOf(shape)} elements, the data has ${data.length}`);
  }
  return data;
}

const arrayNames = {
  float32: "Float32Array",
  int32: "Int32Array",
  bool: "Uint8Array",
  float64: "Float64Array",
} as const satisfies { readonly [D in Tensor["dtype"]]: string };

/** The types that tensors have. */
export const dtypes = Object.keys(arrayNames) as Tensor["dtype"][];

/** What an object is, such as `"Float32Array"` or `"Error"`, whichever realm (a frame, a `vm` context, a test runner's sandbox) made it. */
export function classOf(data: unknown): string {
  return Object.prototype.toString.call(data).slice("[object ".length, -1);
}

/** Whether the data is the typed array that a tensor of the type has. */
export function holds<D extends Tensor["dtype"]>(
  dtype: D,
  data: unknown,
): data is Extract<Tensor, { dtype: D }>["data"] {
  return classOf(data) === arrayNames[dtype];
}

/** A float32 tensor of `shape`; the data is copied unless it is a `Float32Array` already. */
export function float32(shape: readonly number[], data: ArrayLike<number>): Float32Tensor {
  return {
    dtype: "float32",
    shape,
    data: checked(shape, holds("float32", data) ? data : Float32Array.from(data)),
  };
}

/** An int32 tensor of `shape`; the data is copied unless it is an `Int32Array` already. */
export function int32(shape: readonly number[], data: ArrayLike<number>): Int32Tensor {
  return { dtype: "int32", shape, data: checked(shape, holds("int32", data) ? data : Int32Array.from(data)) };
}

/** A bool tensor of `shape`; the data is copied unless it is a `Uint8Array` already. */
export function bool(shape: readonly number[], data: ArrayLike<number>): BoolTensor {
  return { dtype: "bool", shape, data: checked(shape, holds("bool", data) ? data : Uint8Array.from(data)) };
}

/** A float64 tensor of `shape`; the data is copied unless it is a `Float64Array` already. */
export function float64(shape: readonly number[], data: ArrayLike<number>): Float64Tensor {
  return {
    dtype: "float64",
    shape,
    data: checked(shape, holds("float64", data) ? data : Float64Array.from(data)),
  };
}

/** A tensor of zeros. */
export function zeros<D extends Tensor["dtype"]>(dtype: D, shape: readonly number[]): Extract<Tensor, { dtype: D }>;
export function zeros(dtype: Tensor["dtype"], shape: readonly number[]): Tensor {
  const size = sizeOf(shape);
  switch (dtype) {
    case "float32":
      return { dtype, shape, data: new Float32Array(size) };
    case "int32":
      return { dtype, shape, data: new Int32Array(size) };
    case "bool":
      return { dtype, shape, data: new Uint8Array(size) };
    case "float64":
      return { dtype, shape, data: new Float64Array(size) };
  }
}
