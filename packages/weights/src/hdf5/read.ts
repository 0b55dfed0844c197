/**
 * Reads HDF5 files as h5py writes them by default, the format of Keras's weights (HDF5 File Format Specification 3.0): groups, datasets of floating-point numbers, and
 * attributes of text. Other features are rejected by name. Files are untrusted: external links, soft links and cycles are rejected, and no buffer
 * is longer than ten times the file.
 */
import { type Float32Tensor, float32, ModelFileError } from "@ostinato/core";
import { strFromU8 } from "fflate";
import { expectUnderLimit } from "../limits.ts";
import { type Chunks, chunkedBytes } from "./chunks.ts";
import { Bytes, type Cursor, damaged, NOWHERE, unread } from "./cursor.ts";
import { type Datatype, readDatatype } from "./datatype.ts";
import { treeNode } from "./tree.ts";

/** Text attributes: a string, or a list of strings. Other attributes are ignored. */
type Attributes = Readonly<Record<string, string | readonly string[]>>;

/** A group of the file. */
export interface Group {
  readonly kind: "group";
  readonly attributes: Attributes;
  readonly members: ReadonlyMap<string, Group | Dataset>;
}

/** A dataset of the file. */
export interface Dataset {
  readonly kind: "dataset";
  readonly attributes: Attributes;
  readonly shape: readonly number[];
  /** Reads the numbers. @throws ModelFileError if they are not floating-point numbers, or are damaged */
  read(): Float32Tensor;
}

const SIGNATURE = "\x89HDF\r\n\x1a\n";
/** The maximum nesting depth. Keras nests one group per model and layer. */
const DEEPEST = 64;
const MOST_AXES = 16;

/** Whether the bytes start with the signature of an HDF5 file. */
export const isHdf5 = (bytes: Uint8Array): boolean =>
  bytes.length >= SIGNATURE.length && [...SIGNATURE].every((letter, i) => letter.charCodeAt(0) === bytes[i]);

/** A message of an object header. */
interface Message {
  readonly type: number;
  readonly body: Cursor;
}

/** Message types. */
const MESSAGE = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
} as const;

/** Finds the header of the root group. */
function rootAddress(bytes: Bytes): number {
  const head = bytes.once(0, "superblock").signature(SIGNATURE);
  const version = head.version(0, 1, 2, 3);
  if (version < 2) head.skip(4);
  const [offsets, lengths] = [head.u8(), head.u8()];
  if (offsets !== 8 || lengths !== 8) throw unread(`${offsets}-byte addresses and ${lengths}-byte lengths`);
  // Old: a reserved byte, two B-tree K values, and flags; then a third K and two reserved bytes. New: flags.
  head.skip(version < 2 ? (version === 0 ? 9 : 13) : 1);
  if (head.address() !== 0) throw unread("a base address");
  if (version < 2) return head.skip(24).skip(8).address();
  return head.skip(16).address();
}

/** Reads the messages of an object header and its continuations. */
function readHeader(bytes: Bytes, address: number): Message[] {
  const start = bytes.once(address, "object header");
  const messages: Message[] = [];
  const blocks: Cursor[] = [];
  const first = start.u8();
  const isOld = first === 1;
  /** Whether the messages of a new header have a creation order field. */
  let ordered = false;
  if (isOld) {
    const size = start.skip(7).u32();
    blocks.push(start.skip(4).part(size));
  } else {
    if (first !== "O".charCodeAt(0)) throw damaged(`no object header at ${address}`);
    start.signature("HDR").version(2);
    const flags = start.u8();
    ordered = (flags & 4) !== 0;
    start.skip((flags & 32 ? 16 : 0) + (flags & 16 ? 4 : 0));
    blocks.push(start.part(start.unsigned(1 << (flags & 3))));
  }
  const headOf = isOld ? 8 : ordered ? 6 : 4;
  for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) {
    while (block.left >= headOf) {
      const type = isOld ? block.u16() : block.u8();
      const size = block.u16();
      const flags = block.u8();
      block.skip(headOf - (isOld ? 5 : 4));
      const body = block.part(size);
      if (type === MESSAGE.continuation) {
        const [from, length] = [body.address(), body.u64()];
        const next = bytes.once(from, "continuation of an object header", length);
        // Each new block ends with a checksum.
        blocks.push(isOld ? next : next.signature("OCHK").part(length - 8));
      } else {
        if (flags & 2 && Object.values<number>(MESSAGE).includes(type)) throw unread("shared messages");
        messages.push({ type, body });
      }
    }
  }
  return messages;
}

/** The only message of a type. Each body is read once. */
function messageOf(messages: readonly Message[], type: number): Cursor | undefined {
  const found = messages.filter((message) => message.type === type);
  if (found.length > 1) throw damaged("an object has a duplicate message");
  return found[0]?.body;
}

/** The shape in a dataspace; a scalar has no axes. */
function readShape(body: Cursor): readonly number[] {
  const version = body.version(1, 2);
  const rank = body.u8();
  if (rank > MOST_AXES) throw unread(`an array with ${rank} axes`);
  body.skip(1);
  const isEmpty = version === 2 ? body.u8() === 2 : body.skip(5) === undefined;
  return isEmpty ? [0] : Array.from({ length: rank }, () => body.u64());
}

/** The members of a group: the address of each object header by name. */
type Links = [name: string, address: number][];

/** The links of an old group: a B-tree of symbol tables, with names in a heap. */
function tableLinks(bytes: Bytes, body: Cursor): Links {
  const [tree, heapAddress] = [body.address(), body.address()];
  const heap = bytes.once(heapAddress, "local heap").signature("HEAP");
  heap.version(0);
  const size = heap.skip(3).u64();
  const names = heap.skip(8).address();
  const links: Links = [];
  const readTable = (address: number): void => {
    const table = bytes.once(address, "symbol table").signature("SNOD");
    table.version(1);
    const count = table.skip(1).u16();
    for (let k = 0; k < count; k++) {
      const [nameAt, header] = [table.u64(), table.address()];
      if (table.u32() === 2) throw new ModelFileError("the HDF5 file has a soft link, which is not followed");
      table.skip(20);
      links.push([bytes.at(names + nameAt, "name in a heap", size - nameAt).text(), header]);
    }
  };
  const readNode = (address: number, level?: number): void => {
    const { level: own, node, count } = treeNode(bytes, address, 0, level);
    for (let k = 0; k < count; k++) {
      const child = node.skip(8).address();
      if (own === 0) readTable(child);
      else readNode(child, own - 1);
    }
  };
  readNode(tree);
  return links;
}

/** Reads a link of a new group. @throws ModelFileError for soft links and external links */
function readLink(body: Cursor): Links[number] {
  body.version(1);
  const flags = body.u8();
  const type = flags & 8 ? body.u8() : 0;
  body.skip((flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0));
  const name = strFromU8(body.bytes(body.unsigned(1 << (flags & 3))));
  if (type !== 0)
    throw new ModelFileError(
      `the HDF5 file has a link "${name.slice(0, 60)}" ${type === 64 ? "to another file" : "to another name"}; such links are not followed`,
    );
  return [name, body.address()];
}

function linksOf(bytes: Bytes, messages: readonly Message[]): Links {
  const table = messageOf(messages, MESSAGE.symbolTable);
  if (table) return tableLinks(bytes, table);
  const info = messageOf(messages, MESSAGE.linkInfo);
  if (info) {
    info.version(0);
    info.skip(info.u8() & 1 ? 8 : 0);
    if (info.address() !== NOWHERE) throw unread("a group that stores its links in a fractal heap");
  }
  return messages.filter(({ type }) => type === MESSAGE.link).map(({ body }) => readLink(body));
}

/** Attribute texts that are stored in global heaps. */
class HeapTexts {
  readonly #bytes: Bytes;
  /** The objects of each heap by index. */
  readonly #heaps = new Map<number, ReadonlyMap<number, Uint8Array>>();

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  #objects(address: number): ReadonlyMap<number, Uint8Array> {
    const collection = this.#bytes.once(address, "global heap").signature("GCOL");
    collection.version(1);
    const rest = collection.skip(3).part(collection.u64() - 16);
    const found = new Map<number, Uint8Array>();
    while (rest.left >= 16) {
      const index = rest.u16();
      const size = rest.skip(6).u64();
      // Free space comes last.
      if (index === 0) break;
      found.set(index, rest.bytes(size));
      rest.align();
    }
    return found;
  }

  /** The text of a reference. */
  at(element: Cursor): string {
    const [length, address, index] = [element.u32(), element.address(), element.u32()];
    if (length === 0) return "";
    const known = this.#heaps.get(address) ?? this.#objects(address);
    this.#heaps.set(address, known);
    const text = known.get(index)?.subarray(0, length);
    if (text === undefined) throw damaged("a text is missing from its heap");
    this.#bytes.spend(text.length);
    return strFromU8(text);
  }
}

/** An attribute; its value is undefined if it is not text. */
function readAttribute(heaps: HeapTexts, body: Cursor): readonly [string, string | readonly string[] | undefined] {
  const version = body.version(1, 2, 3);
  const shared = body.u8() !== 0 && version > 1;
  const [nameSize, typeSize, spaceSize] = [body.u16(), body.u16(), body.u16()];
  if (version === 3) body.skip(1);
  const padded = (size: number): Cursor => {
    const part = body.part(size);
    // Version 1 pads each part to a multiple of 8 bytes; the preceding fields take 8 bytes.
    if (version === 1) body.align();
    return part;
  };
  const name = padded(nameSize).text();
  const [typeBody, spaceBody] = [padded(typeSize), padded(spaceSize)];
  if (shared) return [name, undefined];
  const type = readDatatype(typeBody);
  if (type.kind !== "text" && type.kind !== "heapText") return [name, undefined];
  const shape = readShape(spaceBody);
  const count = shape.reduce((a, b) => a * b, 1);
  if (count * type.size > body.left) throw damaged(`the attribute "${name.slice(0, 60)}" is truncated`);
  const texts = Array.from({ length: count }, () => {
    const element = body.part(type.size);
    return type.kind === "text" ? element.text() : heaps.at(element);
  });
  return [name, shape.length === 0 ? (texts[0] as string) : texts];
}

function attributesOf(heaps: HeapTexts, messages: readonly Message[]): Attributes {
  const found = messages
    .filter(({ type }) => type === MESSAGE.attribute)
    .map(({ body }) => readAttribute(heaps, body))
    .filter(([name, value]) => value !== undefined && name !== "__proto__");
  return Object.fromEntries(found) as Attributes;
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
interface Opened {
  readonly bytes: Bytes;
  readonly heaps: HeapTexts;
  /** The total number of bytes of all arrays so far. */
  taken: number;
}

function datasetOf(file: Opened, name: string, messages: readonly Message[]): Dataset {
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

/**
 * Opens an HDF5 file: its groups and arrays. The elements of an array are read on demand.
 *
 * @throws ModelFileError for files that are not HDF5, are damaged, or use unsupported features, which are named
 * @example const { members } = openHdf5(bytes);
 */
export function openHdf5(file: Uint8Array): Group {
  if (!isHdf5(file)) throw new ModelFileError("this is not an HDF5 file");
  const bytes = new Bytes(file);
  const heaps = new HeapTexts(bytes);
  const opened: Opened = { bytes, heaps, taken: 0 };
  const open = (address: number, name: string, depth: number): Group | Dataset => {
    if (depth > DEEPEST) throw new ModelFileError(`the HDF5 file nests groups more than ${DEEPEST} levels deep`);
    const messages = readHeader(bytes, address);
    const isGroup = messages.some(
      ({ type }) => type === MESSAGE.symbolTable || type === MESSAGE.linkInfo || type === MESSAGE.link,
    );
    if (!isGroup) return datasetOf(opened, name, messages);
    const attributes = attributesOf(heaps, messages);
    const members = new Map<string, Group | Dataset>();
    for (const [own, at] of linksOf(bytes, messages)) {
      if (members.has(own)) throw damaged(`the group "${name}" has two members "${own.slice(0, 60)}"`);
      members.set(own, open(at, name === "" ? own : `${name}/${own}`, depth + 1));
    }
    return { kind: "group", attributes, members };
  };
  const root = open(rootAddress(bytes), "", 0);
  if (root.kind !== "group") throw damaged("the root object is not a group");
  return root;
}
