/**
 * The safetensors format (huggingface/safetensors): eight bytes of length, a JSON header, then the data of all tensors, little-endian.
 * A reader of files from anywhere: it believes nothing, and takes no more memory than the file has bytes.
 */
import { ModelFileError } from "../errors.ts";
import { isRecord, shown } from "../nn/options.ts";
import { classOf, sizeOf, type Tensor, type Tensors } from "../tensor.ts";
import { messageOf } from "../thrown.ts";
import { isNumberType, type NumberTypeName, nameOf, numberTypes } from "./numberTypes.ts";

// Both stand in every JavaScript engine that has WebAssembly, though not in the language's own library.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new (label: string, options: { fatal: boolean }) => { decode(bytes: Uint8Array): string };

const MAXIMUM_HEADER = 100_000_000;

/** What a file holds. */
export interface Safetensors {
  readonly tensors: Tensors;
  readonly metadata: Readonly<Record<string, string>>;
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** The bytes of a file, from a typed array or buffer of any realm, without copying. @throws ModelFileError for other values */
export function bytesFrom(data: unknown): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const kind = classOf(data);
  if (kind === "ArrayBuffer" || kind === "SharedArrayBuffer") return new Uint8Array(data as ArrayBuffer);
  const found = data === null || typeof data !== "object" ? shown(data) : `an object (${kind})`;
  throw new ModelFileError(`the bytes of a file are a Uint8Array, got ${found}`);
}

/** A view of the bytes of a typed array. */
export function bytesOf(data: Tensor["data"]): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * The bytes of a file in pieces: the header, then the numbers of each tensor, which are not copied. Tensors stand in the order of their
 * names, so that the same tensors give the same bytes.
 */
export function safetensorsPieces({ tensors, metadata }: Safetensors): Uint8Array[] {
  if (!littleEndian) throw new ModelFileError("safetensors files are little-endian; this machine is not");
  const names = Object.keys(tensors).sort();
  let end = 0;
  const entries = names.map((name) => {
    const { dtype, shape, data } = tensors[name] as Tensor;
    const start = end;
    end += data.byteLength;
    return [name, { dtype: nameOf(dtype), shape, data_offsets: [start, end] }];
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries([["__metadata__", metadata], ...entries])));
  // The data begins at a multiple of 8; spaces fill the header up.
  const length = Math.ceil(header.length / 8) * 8;
  const head = new Uint8Array(8 + length);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(header, 8);
  head.fill(0x20, 8 + header.length);
  return [head, ...names.map((name) => bytesOf((tensors[name] as Tensor).data))];
}

/** Pieces one after another in one array. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** The bytes of a file. */
export function encodeSafetensors(contents: Safetensors): Uint8Array {
  return joined(safetensorsPieces(contents));
}

/** As many bytes of a file as `headerEnd` looks at. */
export const HEAD = 10;

/** Where the header of a file of `size` bytes ends, read from its first `HEAD` bytes. @throws ModelFileError */
export function headerEnd(head: Uint8Array, size: number): number {
  if (size < HEAD) throw new ModelFileError(`this is not a safetensors file: it has only ${size} bytes`);
  const length = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
  if (head[8] !== 0x7b || length > BigInt(MAXIMUM_HEADER)) throw new ModelFileError("this is not a safetensors file");
  const end = 8 + Number(length);
  if (end > size)
    throw new ModelFileError(`the file is cut short: its header alone should be ${end} bytes, it has ${size}`);
  return end;
}

function readHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isRecord(header)) return header;
  } catch (error) {
    throw new ModelFileError(`the file is damaged: its header is not JSON (${messageOf(error)})`);
  }
  throw new ModelFileError("the file is damaged: its header is not an object");
}

/** A tensor in a file: its numbers are the bytes from `start` to `end`. */
export interface Entry {
  readonly name: string;
  readonly type: NumberTypeName;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function readEntry(name: string, data: unknown, begin: number): Entry {
  const damaged = (why: string): ModelFileError =>
    new ModelFileError(`the file is damaged: tensor "${name.slice(0, 100)}" ${why}`);
  if (name === "__proto__" || !isRecord(data)) throw damaged("has no description");
  const { dtype, shape, data_offsets: offsets } = data;
  if (!isNumberType(name.slice(0, 100), dtype))
    throw damaged(`has the type ${String(dtype).slice(0, 20)}, which the format does not have`);
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every(isCount)) throw damaged("has no valid shape");
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) throw damaged("has no valid place");
  const [start, end] = offsets as [number, number];
  if (end - start !== sizeOf(shape) * numberTypes[dtype].bytes)
    throw damaged(`does not fill its place of ${end - start} bytes`);
  return { name, type: dtype, shape, start: begin + start, end: begin + end };
}

/**
 * Creates the tensor of an entry from its bytes and takes ownership of them. They must start at a multiple of 8 in their buffer. Also used by readers of other formats.
 *
 * @throws ModelFileError for a whole number that does not fit int32
 * @example tensorOver({ name: "bias", type: "F16", shape: [2] }, new Uint8Array([0, 60, 0, 64])) // float32 [1, 2]
 */
export function tensorOver(
  { name, type, shape }: Pick<Entry, "name" | "type" | "shape">,
  bytes: Uint8Array<ArrayBuffer>,
): Tensor {
  const { buffer, byteOffset, length } = bytes;
  const number: (typeof numberTypes)[NumberTypeName] = numberTypes[type];
  const { dtype } = number;
  if ("read" in number) return { dtype, shape, data: number.read(bytes, name.slice(0, 100)) } as Tensor;
  const size = length / number.bytes;
  switch (dtype) {
    case "float32":
      return { dtype, shape, data: new Float32Array(buffer, byteOffset, size) };
    case "float64":
      return { dtype, shape, data: new Float64Array(buffer, byteOffset, size) };
    case "int32":
      return { dtype, shape, data: new Int32Array(buffer, byteOffset, size) };
    case "bool":
      return { dtype, shape, data: new Uint8Array(buffer, byteOffset, size) };
  }
}

/** What stands where in a file. */
export interface Layout {
  readonly entries: readonly Entry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads the bytes of a header, those from 8 to `headerEnd`, of a file of `size` bytes.
 *
 * @throws ModelFileError where anything is not as the format has it: no holes, no overlaps, no bytes left over
 */
export function readLayout(header: Uint8Array, size: number): Layout {
  if (!littleEndian) throw new ModelFileError("safetensors files are little-endian; this machine is not");
  const { __metadata__: metadata = {}, ...described } = readHeader(header);
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw new ModelFileError("the file is damaged: its metadata is not made of strings");
  }
  const begin = 8 + header.length;
  const entries = Object.entries(described).map(([name, entry]) => readEntry(name, entry, begin));
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  let end = begin;
  for (const entry of entries) {
    if (entry.start !== end)
      throw new ModelFileError(
        `the file is damaged: tensor "${entry.name.slice(0, 100)}" is not where the one before it ends`,
      );
    end = entry.end;
  }
  if (end !== size) {
    throw new ModelFileError(
      `the file is ${size < end ? "cut short" : "damaged"}: it should have ${end} bytes, it has ${size}`,
    );
  }
  return { entries, metadata: metadata as Record<string, string> };
}

/**
 * Reads a file's bytes. The tensors are copies. Number types that tensors do not have here are converted without rounding: F16, BF16 and
 * those of 8 bits to float32; I8 to I64 and U8 to U64 to int32.
 *
 * @throws ModelFileError where anything is not as the format has it, for a whole number that does not fit int32, and for the types C64, F4
 * and F6, each with the tensor's name
 *
 * @example
 * const { tensors, metadata } = decodeSafetensors(await readFile("foreign.safetensors"));
 */
export function decodeSafetensors(file: Uint8Array | ArrayBuffer): Safetensors {
  const bytes = bytesFrom(file);
  const { entries, metadata } = readLayout(bytes.subarray(8, headerEnd(bytes, bytes.length)), bytes.length);
  const tensor = (entry: Entry): Tensor => {
    // Not bytes.slice: of a Node.js Buffer that is a view.
    const copy = new Uint8Array(entry.end - entry.start);
    copy.set(bytes.subarray(entry.start, entry.end));
    return tensorOver(entry, copy);
  };
  return { tensors: Object.fromEntries(entries.map((entry) => [entry.name, tensor(entry)])), metadata };
}
