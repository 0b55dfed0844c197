/** The number types of safetensors files, and how each becomes one of the types that tensors have here. All of it is exact. */
import { ModelFileError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";

type DataType = Tensor["dtype"];

/** Reads the numbers of the named tensor from bytes that begin at a multiple of 8 of their buffer. */
type Read = (bytes: Uint8Array<ArrayBuffer>, tensor: string) => Tensor["data"];

interface NumberType {
  /** Bytes a number. */
  readonly bytes: number;
  readonly dtype: DataType;
  /** Reads numbers that have to be converted. Others are used where they are. @throws ModelFileError for one that does not fit */
  readonly read?: Read;
}

/** All types of real numbers in whole bytes. The first of each `dtype` is the one that is written. */
export const numberTypes = {
  F32: { bytes: 4, dtype: "float32" },
  F64: { bytes: 8, dtype: "float64" },
  I32: { bytes: 4, dtype: "int32" },
  BOOL: { bytes: 1, dtype: "bool" },
  F16: { bytes: 2, dtype: "float32", read: floats(2, (bits) => fromBits(bits, 5, 10)) },
  BF16: { bytes: 2, dtype: "float32", read: floats(2, (bits) => fromBits(bits, 8, 7)) },
  F8_E5M2: { bytes: 1, dtype: "float32", read: floats(1, (bits) => fromBits(bits, 5, 2)) },
  F8_E4M3: { bytes: 1, dtype: "float32", read: floats(1, fromE4M3) },
  F8_E8M0: { bytes: 1, dtype: "float32", read: floats(1, (bits) => (bits === 255 ? Number.NaN : 2 ** (bits - 127))) },
  I8: { bytes: 1, dtype: "int32", read: whole((bytes) => new Int8Array(...placeOf(bytes, 1))) },
  U8: { bytes: 1, dtype: "int32", read: whole((bytes) => bytes) },
  I16: { bytes: 2, dtype: "int32", read: whole((bytes) => new Int16Array(...placeOf(bytes, 2))) },
  U16: { bytes: 2, dtype: "int32", read: whole((bytes) => new Uint16Array(...placeOf(bytes, 2))) },
  U32: { bytes: 4, dtype: "int32", read: whole((bytes) => new Uint32Array(...placeOf(bytes, 4))) },
  I64: { bytes: 8, dtype: "int32", read: whole((bytes) => new BigInt64Array(...placeOf(bytes, 8))) },
  U64: { bytes: 8, dtype: "int32", read: whole((bytes) => new BigUint64Array(...placeOf(bytes, 8))) },
} as const satisfies Readonly<Record<string, NumberType>>;

/** The supported number types, by their names in safetensors files. */
export type NumberTypeName = keyof typeof numberTypes;

/** The types of the format that tensors here cannot hold. */
const unread = ["C64", "F4", "F6_E2M3", "F6_E3M2"];

/** Whether a type of the format is read. @throws ModelFileError for one that is known and not read, with the way out */
export function isNumberType(tensor: string, name: unknown): name is NumberTypeName {
  if (unread.some((known) => known === name))
    throw new ModelFileError(
      `tensor "${tensor}" has numbers of the type ${name}, which is not read; convert it to F32`,
    );
  return typeof name === "string" && Object.hasOwn(numberTypes, name);
}

/** The type that numbers are written in. */
export function nameOf(dtype: DataType): NumberTypeName {
  return (Object.keys(numberTypes) as NumberTypeName[]).find((name) => numberTypes[name].dtype === dtype)!;
}

function placeOf(
  { buffer, byteOffset, length }: Uint8Array<ArrayBuffer>,
  bytes: number,
): [ArrayBuffer, number, number] {
  return [buffer, byteOffset, length / bytes];
}

/** Floating-point numbers of one or two bytes, by a table of all bit patterns. */
function floats(bytes: 1 | 2, convert: (bits: number) => number): Read {
  let table: Float32Array | undefined;
  return (data) => {
    table ??= Float32Array.from({ length: 2 ** (8 * bytes) }, (_, bits) => convert(bits));
    const numbers = bytes === 1 ? data : new Uint16Array(...placeOf(data, 2));
    const out = new Float32Array(numbers.length);
    for (let i = 0; i < out.length; i++) out[i] = table[numbers[i] as number] as number;
    return out;
  };
}

/** A number of IEEE 754's form: a sign, an exponent and a fraction of so many bits. */
function fromBits(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >>> (exponentBits + fractionBits) === 0 ? 1 : -1;
  const exponent = (bits >>> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

/** E4M3 as ONNX's FLOAT8E4M3FN: no infinities, so that the highest exponent has numbers too; all bits set are NaN. */
function fromE4M3(bits: number): number {
  if ((bits & 0x7f) === 0x7f) return Number.NaN;
  const [sign, exponent, fraction] = [bits < 0x80 ? 1 : -1, (bits >>> 3) & 15, (bits & 7) / 8];
  return exponent === 0 ? sign * fraction * 2 ** -6 : sign * (1 + fraction) * 2 ** (exponent - 7);
}

/** Whole numbers, each of which must fit int32. */
function whole(open: (bytes: Uint8Array<ArrayBuffer>) => ArrayLike<number | bigint>): Read {
  return (bytes, tensor) => {
    const numbers = open(bytes);
    const out = new Int32Array(numbers.length);
    for (let i = 0; i < out.length; i++) {
      const number = Number(numbers[i]);
      if ((number | 0) !== number)
        throw new ModelFileError(`tensor "${tensor}" holds ${numbers[i]} at place ${i}, which does not fit int32`);
      out[i] = number;
    }
    return out;
  };
}
