/** NumPy files: `.npy`, an array, and `.npz`, a zip archive of arrays by name. Files are treated as untrusted. */
import {
  bytesFrom,
  ModelFileError,
  type NumberTypeName,
  sizeOf,
  type Tensor,
  type Tensors,
  tensorOver,
} from "@ostinato/core";
import { strFromU8, strToU8 } from "fflate";
import { expectTensors } from "./given.ts";
import { openZip, writeZip } from "./zip.ts";

const MAGIC = "\x93NUMPY";
/** NumPy's own limit. */
const LONGEST_HEADER = 10_000;
const MAXIMUM_DIMENSIONS = 8;
/** The alignment of the data, so that readers can map it. */
const ALIGNMENT = 64;

/** Element types by NumPy name without the byte order: the safetensors type whose rules apply, and the size in bytes. */
const types: Readonly<Record<string, readonly [NumberTypeName, number]>> = {
  f2: ["F16", 2],
  f4: ["F32", 4],
  f8: ["F64", 8],
  b1: ["BOOL", 1],
  i1: ["I8", 1],
  i2: ["I16", 2],
  i4: ["I32", 4],
  i8: ["I64", 8],
  u1: ["U8", 1],
  u2: ["U16", 2],
  u4: ["U32", 4],
  u8: ["U64", 8],
};

/** The NumPy type of each tensor type. */
const written = { float32: "<f4", float64: "<f8", int32: "<i4", bool: "|b1" } as const satisfies {
  readonly [D in Tensor["dtype"]]: string;
};

interface Header {
  readonly order: string;
  readonly type: NumberTypeName;
  /** Bytes per element. */
  readonly bytes: number;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** The position of the data. */
  readonly end: number;
}

const wrong = (name: string, why: string): ModelFileError => new ModelFileError(`"${name.slice(0, 100)}" ${why}`);

/** The header of an array, a Python dictionary literal. */
function headerOf(name: string, bytes: Uint8Array): Header {
  if (bytes.length < 12 || strFromU8(bytes.subarray(0, 6), true) !== MAGIC) throw wrong(name, "is not a NumPy array");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const major = view.getUint8(6);
  if (major < 1 || major > 3) throw wrong(name, `has version ${major} of .npy; versions 1 to 3 are supported`);
  const start = major === 1 ? 10 : 12;
  const end = start + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end - start > LONGEST_HEADER || end > bytes.length)
    throw wrong(name, "has a header that is too long or truncated");
  const text = strFromU8(bytes.subarray(start, end), true);
  const [, order = "", kind = ""] = /'descr': *'([<>|=])(\w{1,20})'/.exec(text) ?? [];
  const fortran = /'fortran_order': *(True|False)/.exec(text)?.[1];
  const dims = /'shape': *\(([\d, ]{0,200})\)/.exec(text)?.[1];
  if (/'descr': *'\|O'/.test(text))
    throw wrong(name, "contains pickled Python objects, which are not read; save it as a numeric array");
  const type = Object.hasOwn(types, kind) ? types[kind] : undefined;
  if (type === undefined && fortran !== undefined)
    throw wrong(
      name,
      `has the type ${(/'descr': *([^,]{1,40})/.exec(text)?.[1] ?? "").trim()}, which is not supported; save it as float32`,
    );
  if (type === undefined || fortran === undefined || dims === undefined) throw wrong(name, "has a damaged header");
  const shape = dims
    .split(",")
    .filter((dim) => dim.trim() !== "")
    .map(Number);
  if (shape.length > MAXIMUM_DIMENSIONS || !shape.every(Number.isSafeInteger))
    throw wrong(name, "has an invalid shape");
  return { order, type: type[0], bytes: type[1], fortran: fortran === "True", shape, end };
}

/** Swaps the bytes of each element in place. */
function swap(data: Uint8Array, bytes: number): void {
  for (let at = 0; at < data.length; at += bytes) data.subarray(at, at + bytes).reverse();
}

/** Converts column-major order, in which the first axis varies fastest, to row-major order. */
function rowMajor<T extends Tensor>({ dtype, shape, data }: T): Tensor {
  const out = data.slice();
  const at = shape.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    let from = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) from = from * (shape[axis] as number) + (at[axis] as number);
    out[i] = data[from] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[axis] = (at[axis] as number) + 1;
      if ((at[axis] as number) < (shape[axis] as number)) break;
      at[axis] = 0;
    }
  }
  return { dtype, shape, data: out } as Tensor;
}

function arrayOf(name: string, file: Uint8Array): Tensor {
  const { order, type, bytes, fortran, shape, end } = headerOf(name, file);
  const size = sizeOf(shape) * bytes;
  if (file.length - end !== size)
    throw wrong(name, `has ${file.length - end} bytes of data, but its shape [${shape.join(", ")}] requires ${size}`);
  const data = new Uint8Array(size);
  data.set(file.subarray(end));
  if (order === ">") swap(data, bytes);
  const tensor = tensorOver({ name, type, shape }, data);
  return fortran && shape.length > 1 ? rowMajor(tensor) : tensor;
}

/**
 * Reads a NumPy array as written by `numpy.save`: floats of 16 to 64 bits, integers and booleans, in either byte order and in C or Fortran order. Half-precision numbers
 * become float32, all integers int32.
 *
 * @throws ModelFileError for other files and other element types, and for integers that do not fit int32
 * @example const table = fromNpy(await readFile("vectors.npy"));
 */
export function fromNpy(file: Uint8Array | ArrayBuffer): Tensor {
  return arrayOf("the array", bytesFrom(file));
}

/**
 * Reads the arrays of a `.npz` archive by name, as written by `numpy.savez` and `numpy.savez_compressed`. Each array is read as by `fromNpy`.
 *
 * @throws ModelFileError as `fromNpy`, with the name of the array; also if the archive is damaged, has other members, or would decompress to more than ten times its size
 * @example const { kernel, bias } = fromNpz(await readFile("weights.npz"));
 */
export function fromNpz(file: Uint8Array | ArrayBuffer): Tensors {
  const archive = openZip(bytesFrom(file));
  return Object.fromEntries(
    archive.names.map((member) => {
      const [, name] = /^(.+)\.npy$/s.exec(member) ?? [];
      if (name === undefined) throw wrong(member, "is not an array; all members of a .npz archive must end in .npy");
      return [name, arrayOf(name, archive.member(member))];
    }),
  );
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** The bytes of a NumPy array, format version 1.0. */
function npy({ dtype, shape, data }: Tensor): Uint8Array {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${written[dtype]}', 'fortran_order': False, 'shape': (${dims}), }`;
  const length = Math.ceil((10 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const out = new Uint8Array(length + data.byteLength);
  out.set(strToU8(`${MAGIC}\x01\x00`, true));
  new DataView(out.buffer).setUint16(8, length - 10, true);
  out.set(strToU8(`${text.padEnd(length - 11)}\n`, true), 10);
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), length);
  return out;
}

/**
 * Writes tensors as an uncompressed `.npz` archive, which `numpy.load` reads. Float32, float64, int32 and bool tensors are supported. The same tensors give the same bytes.
 *
 * @throws ConfigError if `tensors` is not an object of tensors
 *
 * @example await writeFile("weights.npz", toNpz(trained.weights)); // in Python: numpy.load("weights.npz")["dense/kernel"]
 */
export function toNpz(tensors: Tensors): Uint8Array {
  if (!littleEndian)
    throw new ModelFileError("NumPy files are written in little-endian byte order, and this machine is big-endian");
  expectTensors("toNpz takes tensors by name, such as trained.weights", tensors);
  const names = Object.keys(tensors).sort();
  return writeZip(Object.fromEntries(names.map((name) => [`${name}.npy`, npy(tensors[name] as Tensor)])));
}
