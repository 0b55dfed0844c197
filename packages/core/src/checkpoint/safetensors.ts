/**
 * The safetensors format (huggingface/safetensors): eight bytes of length, a JSON header, then the data of all tensors, little-endian.
 * A reader of files from anywhere: it believes nothing, and takes no more memory than the file has bytes.
 */
import { ModelFileError } from "../errors.ts";
import { isRecord } from "../nn/options.ts";
import { sizeOf, type Tensor, type Tensors } from "../tensor.ts";

// Both stand in every JavaScript engine that has WebAssembly, though not in the language's own library.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new (label: string, options: { fatal: boolean }) => { decode(bytes: Uint8Array): string };

const dtypes = {
  F32: { dtype: "float32", bytes: 4 },
  F64: { dtype: "float64", bytes: 8 },
  I32: { dtype: "int32", bytes: 4 },
  BOOL: { dtype: "bool", bytes: 1 },
} as const;
type Code = keyof typeof dtypes;

const MAXIMUM_HEADER = 100_000_000;

/** What a file holds. */
export interface Safetensors {
  readonly tensors: Tensors;
  readonly metadata: Readonly<Record<string, string>>;
}

function codeOf(dtype: Tensor["dtype"]): Code {
  return (Object.keys(dtypes) as Code[]).find((code) => dtypes[code].dtype === dtype) as Code;
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A view of the bytes of a typed array. */
export function bytesOf(data: Tensor["data"]): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Writes tensors in the order of their names, so that the same tensors give the same bytes. */
export function encodeSafetensors({ tensors, metadata }: Safetensors): Uint8Array {
  if (!littleEndian) throw new ModelFileError("safetensors files are little-endian; this machine is not");
  const names = Object.keys(tensors).sort();
  let end = 0;
  const entries = names.map((name) => {
    const { dtype, shape, data } = tensors[name] as Tensor;
    const start = end;
    end += data.byteLength;
    return [name, { dtype: codeOf(dtype), shape, data_offsets: [start, end] }];
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries([["__metadata__", metadata], ...entries])));
  // The data begins at a multiple of 8; spaces fill the header up.
  const length = Math.ceil(header.length / 8) * 8;
  const out = new Uint8Array(8 + length + end);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(header, 8);
  out.fill(0x20, 8 + header.length, 8 + length);
  let at = 8 + length;
  for (const name of names) {
    const bytes = bytesOf((tensors[name] as Tensor).data);
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; data: number } {
  if (bytes.length < 10) throw new ModelFileError(`this is not a safetensors file: it has only ${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (bytes[8] !== 0x7b || length > BigInt(MAXIMUM_HEADER)) throw new ModelFileError("this is not a safetensors file");
  const data = 8 + Number(length);
  if (data > bytes.length)
    throw new ModelFileError(`the file is cut short: its header alone should be ${data} bytes, it has ${bytes.length}`);
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, data)));
    if (isRecord(header)) return { header, data };
  } catch (error) {
    throw new ModelFileError(
      `the file is damaged: its header is not JSON (${error instanceof Error ? error.message : error})`,
    );
  }
  throw new ModelFileError("the file is damaged: its header is not an object");
}

interface Entry {
  readonly name: string;
  readonly code: Code;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function readEntry(name: string, data: unknown): Entry {
  const damaged = (why: string): ModelFileError =>
    new ModelFileError(`the file is damaged: tensor "${name.slice(0, 100)}" ${why}`);
  if (name === "__proto__" || !isRecord(data)) throw damaged("has no description");
  const { dtype, shape, data_offsets: offsets } = data;
  if (typeof dtype !== "string" || !Object.hasOwn(dtypes, dtype))
    throw damaged(`has the type ${String(dtype).slice(0, 20)}, which is not supported`);
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every(isCount)) throw damaged("has no valid shape");
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) throw damaged("has no valid place");
  const [start, end] = offsets as [number, number];
  const code = dtype as Code;
  if (end - start !== sizeOf(shape) * dtypes[code].bytes)
    throw damaged(`does not fill its place of ${end - start} bytes`);
  return { name, code, shape, start, end };
}

function copyTensor({ code, shape, start, end }: Entry, bytes: Uint8Array, data: number): Tensor {
  // Not bytes.slice: of a Node.js Buffer that is a view.
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(data + start, data + end));
  const { buffer } = copy;
  const { dtype } = dtypes[code];
  switch (dtype) {
    case "float32":
      return { dtype, shape, data: new Float32Array(buffer) };
    case "float64":
      return { dtype, shape, data: new Float64Array(buffer) };
    case "int32":
      return { dtype, shape, data: new Int32Array(buffer) };
    case "bool":
      return { dtype, shape, data: new Uint8Array(buffer) };
  }
}

/**
 * Reads a file's bytes. The tensors are copies.
 *
 * @throws ModelFileError where anything is not as the format has it: no holes, no overlaps, no bytes left over
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  if (!littleEndian) throw new ModelFileError("safetensors files are little-endian; this machine is not");
  const { header, data } = readHeader(bytes);
  const { __metadata__: metadata = {}, ...described } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw new ModelFileError("the file is damaged: its metadata is not made of strings");
  }
  const entries = Object.entries(described).map(([name, entry]) => readEntry(name, entry));
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.start !== end)
      throw new ModelFileError(
        `the file is damaged: tensor "${entry.name.slice(0, 100)}" is not where the one before it ends`,
      );
    end = entry.end;
  }
  if (data + end !== bytes.length) {
    throw new ModelFileError(
      `the file is ${bytes.length < data + end ? "cut short" : "damaged"}: it should have ${data + end} bytes, it has ${bytes.length}`,
    );
  }
  return {
    tensors: Object.fromEntries(entries.map((entry) => [entry.name, copyTensor(entry, bytes, data)])),
    metadata: metadata as Record<string, string>,
  };
}
