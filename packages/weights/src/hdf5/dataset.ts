/** Datasets of HDF5 files: where their elements are stored, and the elements as float32. */
import { type Float32Tensor, float32, ModelFileError } from "@ostinato/core";
import { expectUnderLimit } from "../limits.ts";
import { type Attributes, attributesOf, type HeapTexts } from "./attributes.ts";
import { type Chunks, chunkedBytes } from "./chunks.ts";
import { type Bytes, type Cursor, damaged, NOWHERE, unread } from "./cursor.ts";
import { MOST_AXES, readShape } from "./dataspace.ts";
import { type Datatype, readDatatype } from "./datatype.ts";
import { MESSAGE, type Message, messageOf } from "./header.ts";

/** A dataset of the file. */
export interface Dataset {
  readonly kind: "dataset";
  readonly attributes: Attributes;
  readonly shape: readonly number[];
  /** Reads the numbers. @throws ModelFileError if they are not floating-point numbers, or are damaged */
  read(): Float32Tensor;
}

/** Reads the layout of an array: contiguous or chunked. */
function readLayout(
  body: Cursor,
  messages: readonly Message[],
): Uint8Array | { readonly address: number; readonly size: number } | Chunks {
  const version = body.version(3, 4);
  const kind = body.u8();
  if (kind === 0) return body.bytes(body.u16());
  if (kind === 1) return { address: body.address(), size: body.u64() };
  if (kind === 3) throw unread("a virtual dataset");
  if (kind === 2 && version === 4) throw unread("a chunked array with layout version 4");
  if (kind !== 2) throw unread(`an array with layout class ${kind}`);
  const axes = body.u8();
  const tree = body.address();
  if (axes < 1 || axes > MOST_AXES + 1) throw damaged("invalid number of chunk axes");
  const sizes = Array.from({ length: axes }, () => body.u32());
  return { tree, sizes: sizes.slice(0, -1), filters: readFilters(messageOf(messages, MESSAGE.filters)) };
}

/** The filters of the chunks, in the order of application. */
function readFilters(body: Cursor | undefined): Chunks["filters"] {
  if (body === undefined) return [];
  const version = body.version(1, 2);
  const count = body.u8();
  if (version === 1) body.skip(6);
  return Array.from({ length: count }, () => {
    const id = body.u16();
    const nameSize = version === 1 || id >= 256 ? body.u16() : 0;
    body.skip(2);
    const values = body.u16();
    body.skip(version === 1 ? Math.ceil(nameSize / 8) * 8 : nameSize);
    body.skip(4 * (version === 1 ? values + (values % 2) : values));
    if (id === 1) return "deflate";
    if (id === 2) return "shuffle";
    throw unread(`an array with filter ${id}`);
  });
}

/** Converts the elements of an array to float32. */
function floats(name: string, type: Datatype, shape: readonly number[], data: Uint8Array): Float32Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  if (type.kind !== "float")
    throw new ModelFileError(
      `the array "${name}" of the HDF5 file contains ${type.kind === "other" ? type.shown : "text"}, which cannot be used as weights; save it as float32`,
    );
  if (data.length !== count * type.size)
    throw damaged(`the array "${name}" has ${data.length} bytes for ${count} numbers of ${type.size}`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = type.read(view, i * type.size);
  return float32(shape, out);
}

/** State while a file is opened. */
export interface Opened {
  readonly bytes: Bytes;
  readonly heaps: HeapTexts;
  /** The total number of bytes of all arrays so far. */
  taken: number;
}

/** The dataset that a header describes. */
export function datasetOf(file: Opened, name: string, messages: readonly Message[]): Dataset {
  const { bytes, heaps } = file;
  const [space, typeBody, layoutBody] = [MESSAGE.dataspace, MESSAGE.datatype, MESSAGE.layout].map((type) =>
    messageOf(messages, type),
  );
  if (!space || !typeBody || !layoutBody) throw damaged(`"${name}" is neither a group nor an array`);
  if (messageOf(messages, MESSAGE.externalFiles))
    throw new ModelFileError(`the array "${name}" is stored in another file, which is not read`);
  const shape = readShape(space);
  const type = readDatatype(typeBody);
  const layout = readLayout(layoutBody, messages);
  const attributes = attributesOf(heaps, messages);
  const total = shape.reduce((a, b) => a * b, 1) * type.size;
  return {
    kind: "dataset",
    attributes,
    shape,
    read() {
      // Arrays may share bytes, so the limit applies to their total size.
      expectUnderLimit(`the array "${name}" of the HDF5 file`, file.taken + total, bytes.all.length);
      file.taken += total;
      if (layout instanceof Uint8Array) return floats(name, type, shape, layout);
      if ("filters" in layout) return floats(name, type, shape, chunkedBytes(bytes, layout, shape, type.size));
      const { address, size } = layout;
      if (address === NOWHERE && total > 0) throw damaged(`the array "${name}" was never written`);
      if (address === NOWHERE) return floats(name, type, shape, new Uint8Array());
      if (!(address + size <= bytes.all.length)) throw damaged(`the array "${name}" lies outside the file`);
      return floats(name, type, shape, bytes.all.subarray(address, address + size));
    },
  };
}
