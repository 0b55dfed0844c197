/** Reads the tensors of a file as numbers from raw bytes, typed lists or external data. */
import { ModelFileError, type NumberTypeName, sizeOf, tensorOver, UnsupportedOpError } from "@ostinato/core";
import type { Message } from "../file/schema.ts";
import type { ExternalData } from "./external.ts";
import type { NumberKind, Stored } from "./imported.ts";

/** An element type. */
interface ElementFormat {
  readonly name: string;
  readonly numbers: NumberKind;
  /** Bytes per element. */
  readonly bytes: number;
  /** Reads bytes that start at a multiple of 8 in their buffer. */
  readonly read: (bytes: Uint8Array<ArrayBuffer>, tensor: string) => Stored["data"];
  /** The field of a typed list of elements. */
  readonly list: "floats" | "doubles" | "int32s" | "int64s" | "uint64s";
}

/** The same types as in safetensors files. */
function like(
  name: string,
  type: NumberTypeName,
  bytes: number,
  numbers: NumberKind,
  list: ElementFormat["list"],
): ElementFormat {
  const read: ElementFormat["read"] = (given, tensor) =>
    tensorOver({ name: tensor, type, shape: [given.length / bytes] }, given).data;
  return { name, numbers, bytes, read, list };
}

/** The supported element types, by number. Floats become float32; 64-bit integers are exact up to 2⁵³. */
const formats: Readonly<Record<number, ElementFormat>> = {
  1: like("float32", "F32", 4, "float", "floats"),
  2: like("uint8", "U8", 1, "int", "int32s"),
  3: like("int8", "I8", 1, "int", "int32s"),
  4: like("uint16", "U16", 2, "int", "int32s"),
  5: like("int16", "I16", 2, "int", "int32s"),
  6: like("int32", "I32", 4, "int", "int32s"),
  7: {
    name: "int64",
    numbers: "int",
    bytes: 8,
    read: ({ buffer }) => Float64Array.from(new BigInt64Array(buffer), Number),
    list: "int64s",
  },
  9: {
    name: "bool",
    numbers: "bool",
    bytes: 1,
    read: (bytes) => bytes.map((byte) => (byte === 0 ? 0 : 1)),
    list: "int32s",
  },
  10: like("float16", "F16", 2, "float", "int32s"),
  11: {
    name: "float64",
    numbers: "float",
    bytes: 8,
    read: ({ buffer }) => Float32Array.from(new Float64Array(buffer)),
    list: "doubles",
  },
  12: like("uint32", "U32", 4, "int", "uint64s"),
  13: like("uint64", "U64", 8, "int", "uint64s"),
  16: like("bfloat16", "BF16", 2, "float", "int32s"),
};

/** Elements in a typed list. Half-precision numbers are stored as their bits. */
function fromList({ numbers, bytes, read }: ElementFormat, list: readonly number[], tensor: string): Stored["data"] {
  if (numbers === "bool") return Uint8Array.from(list, (x) => (x === 0 ? 0 : 1));
  if (numbers === "int") return Float64Array.from(list);
  return bytes === 2 ? read(new Uint8Array(Uint16Array.from(list).buffer), tensor) : Float32Array.from(list);
}

/** Known element types that are not supported. */
const unread: Readonly<Record<number, string>> = {
  8: "string",
  14: "complex64",
  15: "complex128",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  22: "int4",
  23: "float4e2m1",
  24: "float8e8m0",
};

/** The maximum number of axes. */
const MOST_AXES = 16;

/** The format of an element type. @throws UnsupportedOpError for unsupported types; `what` starts the message */
export function numbersOf(elementType: number | undefined, what: string): NumberKind {
  return formatOf(elementType, what).numbers;
}

function formatOf(elementType: number | undefined, what: string): ElementFormat {
  const format = formats[elementType ?? 0];
  if (format !== undefined) return format;
  const name = unread[elementType ?? 0] ?? `element type ${elementType}`;
  const known = Object.values(formats).map((each) => each.name);
  throw new UnsupportedOpError(
    `${what} has type ${name}, which is not supported; supported types are ${known.join(", ")}`,
  );
}

function bytesOf(
  tensor: Message<"Tensor">,
  name: string,
  bytes: number,
  external: ExternalData,
): Uint8Array | undefined {
  if (tensor.location !== 1 && (tensor.external ?? []).length === 0) return tensor.rawData;
  const entries = new Map((tensor.external ?? []).map(({ key = "", value = "" }) => [key, value]));
  return external({ name, bytes, entries });
}

/** Caches tensors, because a file may be read several times. */
const known = new WeakMap<Message<"Tensor">, Stored>();

/**
 * The numbers of a tensor.
 *
 * @throws ModelFileError if the data does not fit the shape; UnsupportedOpError for unsupported types
 */
export function storedTensor(
  tensor: Message<"Tensor">,
  name: string,
  trained: boolean,
  external: ExternalData,
): Stored {
  const stored = known.get(tensor) ?? read(tensor, name, trained, external);
  known.set(tensor, stored);
  return stored;
}

function read(tensor: Message<"Tensor">, name: string, trained: boolean, external: ExternalData): Stored {
  const what = `the tensor "${name}"`;
  const format = formatOf(tensor.dataType, what);
  const shape = tensor.dims ?? [];
  const size = sizeOf(shape);
  if (
    shape.length > MOST_AXES ||
    shape.some((dim) => !Number.isSafeInteger(dim) || dim < 0) ||
    !Number.isSafeInteger(size)
  )
    throw new ModelFileError(`${what} has an invalid shape: [${shape.join(", ")}]`);
  const raw = bytesOf(tensor, name, size * format.bytes, external);
  const list: readonly number[] = tensor[format.list] ?? [];
  const wrong = (given: number): ModelFileError =>
    new ModelFileError(
      `${what} of ${format.name}[${shape.join(", ")}] needs ${size} numbers, but the file has ${given}`,
    );
  const base = { kind: "stored", name, numbers: format.numbers, shape, trained } as const;
  if (raw !== undefined) {
    if (raw.byteLength !== size * format.bytes) throw wrong(raw.byteLength / format.bytes);
    return { ...base, data: format.read(new Uint8Array(raw), name) };
  }
  if (list.length !== size) throw wrong(list.length);
  return { ...base, data: fromList(format, list, name) };
}
